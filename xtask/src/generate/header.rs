//! guest/include/visa.h: V-ISA for C and for GNU as.

use super::Output;
use super::text::{NOTICE, forms, insn};
use std::fmt::Write;
use visa_isa::operand::Operand;
use visa_isa::{cause, io, msr, trap_filter, vmcs};

/// The file.
pub fn generate() -> Output {
    let mut out = format!(
        "/* {NOTICE} */\n\
         /* V-ISA for C and for assembly with any RISC-V toolchain: nothing in it has to know V-ISA. */\n\
         #ifndef VISA_H\n#define VISA_H\n"
    );
    registers(&mut out);
    causes(&mut out);
    controls(&mut out);
    vmcs_layout(&mut out);
    qualification(&mut out);
    descriptors(&mut out);
    out += "\n#ifdef __ASSEMBLER__\n";
    macros(&mut out);
    out += "\n#else /* C and C++ */\n";
    functions(&mut out);
    out += "\n#endif /* __ASSEMBLER__ */\n#endif /* VISA_H */\n";
    Output::new("guest/include/visa.h", out)
}

fn heading(out: &mut String, text: &str) {
    let _ = writeln!(out, "\n/* {text} */");
}

fn define(out: &mut String, name: &str, value: impl std::fmt::Display, summary: &str) {
    let comment = if summary.is_empty() { String::new() } else { format!(" /* {summary} */") };
    let _ = writeln!(out, "#define {name:<34} {value}{comment}");
}

/// A C and assembler name from one with hyphens or in lower case.
fn shout(name: &str) -> String {
    name.to_uppercase().replace(['-', ' '], "_")
}

fn registers(out: &mut String) {
    heading(out, "MSR numbers, for csrr and csrw.");
    for entry in msr::MSRS {
        define(
            out,
            &format!("VISA_MSR_{}", shout(entry.name)),
            format!("{:#05x}", entry.number),
            entry.summary,
        );
    }
    define(
        out,
        "VISA_MSR_VMR0",
        format!("{:#05x}", msr::GUEST_R0),
        "first of the windows on the guest's R0 to R31",
    );
    define(
        out,
        "VISA_MSR_VMF0",
        format!("{:#05x}", msr::GUEST_F0),
        "first of the windows on the guest's F0 to F31",
    );
    heading(out, "Control registers, as MSR numbers.");
    for entry in (0..=u8::MAX).filter_map(msr::by_control_register) {
        let cr = entry.cr.unwrap_or_default();
        define(out, &format!("VISA_CR{cr}"), format!("{:#05x}", entry.number), entry.name);
    }
}

fn causes(out: &mut String) {
    heading(out, "Why a guest left: what VMCAUSE holds.");
    for &cause in cause::ExitCause::ALL {
        let name = format!("VISA_EXIT_{}", shout(cause.name()));
        define(out, &name, format!("{:#04x}", cause as u8), cause.summary());
    }
    heading(out, "Exceptions: scause, HVCAUSE, bits of EXCMAP.");
    for &exception in cause::Exception::ALL {
        define(out, &format!("VISA_EXCEPTION_{}", exception as u8), exception as u8, exception.name());
    }
}

fn controls(out: &mut String) {
    heading(out, "VMTRAPCFG: which events exit.");
    for &(bit, name, summary) in trap_filter::BITS {
        define(out, &format!("VISA_TRAP_{name}"), format!("(1 << {bit})"), summary);
    }
    heading(out, "VMACTION: what VMRESUME does first.");
    for action in (0..=u8::MAX).filter_map(|number| vmcs::Action::from_number(number.into())) {
        define(out, &format!("VISA_ACTION_{}", shout(&format!("{action:?}"))), action as u8, "");
    }
}

fn vmcs_layout(out: &mut String) {
    heading(out, "VMCS: byte offsets; every field is 64 bits, little-endian.");
    define(out, "VISA_VMCS_BYTES", vmcs::SIZE, "size and alignment");
    define(
        out,
        "VISA_VMCS_REVISION_VALUE",
        format!("{:#x}", vmcs::REVISION_VALUE),
        "what REVISION must hold",
    );
    for field in vmcs::FIELDS {
        let count = if field.count > 1 { format!("{} values: ", field.count) } else { String::new() };
        let summary = format!("{count}{}", field.summary);
        define(out, &format!("VISA_VMCS_{}", field.name), format!("{:#05x}", field.offset), &summary);
    }
}

fn qualification(out: &mut String) {
    heading(out, "VMQUAL: the decoded access. A flag is a mask; a field has its lowest bit and its mask.");
    for field in vmcs::qualification::FIELDS {
        let name = format!("VISA_QUAL_{}", field.name);
        match field.width {
            1 => define(out, &name, format!("(1 << {})", field.low), field.summary),
            width => {
                define(out, &format!("{name}_SHIFT"), field.low, field.summary);
                define(
                    out,
                    &format!("{name}_MASK"),
                    format!("{:#x}", (1u64 << width) - 1),
                    "after the shift",
                );
            }
        }
    }
}

fn descriptors(out: &mut String) {
    heading(out, "IOVMAP's descriptor: kinds and byte offsets.");
    for kind in (0..=u8::MAX).filter_map(|number| io::RangeKind::from_number(number.into())) {
        define(out, &format!("VISA_RANGE_{}", shout(kind.name())), kind as u8, "");
    }
    define(out, "VISA_RANGE_OFFSET_KIND", io::range::KIND, "");
    define(out, "VISA_RANGE_OFFSET_GUEST_ADDRESS", io::range::GUEST_ADDRESS, "");
    define(out, "VISA_RANGE_OFFSET_LENGTH", io::range::LENGTH, "");
    define(out, "VISA_RANGE_OFFSET_TARGET", io::range::TARGET, "");
    define(out, "VISA_RANGE_BYTES", io::RANGE_BYTES, "size and alignment");
    heading(out, "Policies of IOVMASK and of the I/O and MSR maps, two bits each.");
    for bits in 0..4 {
        let policy = io::Policy::from_bits(bits);
        define(out, &format!("VISA_POLICY_{}", shout(&format!("{policy:?}"))), bits, "");
    }
    define(out, "VISA_IO_MAP_BYTES", io::IO_MAP_BYTES, "");
    define(out, "VISA_MSR_MAP_BYTES", io::MSR_MAP_BYTES, "");
    define(out, "VISA_MSR_SHADOW_BYTES", io::MSR_SHADOW_BYTES, "");
}

fn macros(out: &mut String) {
    heading(out, "Each instruction under its own name. Operands that are left out are x0.");
    let forms = forms();
    for (index, form) in forms.iter().enumerate() {
        // The longest form of an instruction comes last; its macro serves the shorter ones too.
        if forms.get(index + 1).is_some_and(|next| next.row.op == form.row.op) {
            continue;
        }
        let optional = form.row.format.optional();
        let mut operands: Vec<(Operand, &str)> = form
            .row
            .format
            .operands()
            .iter()
            .filter_map(|&operand| match operand {
                Operand::Rd => Some((operand, "rd")),
                Operand::Rs1 if form.sources.contains(&operand) => Some((operand, form.parameters[0])),
                Operand::Rs2 => form.parameters.last().map(|&name| (operand, name)),
                _ => None,
            })
            .collect();
        operands.dedup();
        let required = operands.len() - optional;
        let parameters: Vec<String> = operands
            .iter()
            .enumerate()
            .map(|(index, (_, name))| format!("{name}{}", if index < required { ":req" } else { "=x0" }))
            .collect();
        let text = insn(form, |operand| {
            let (_, name) = operands.iter().find(|(other, _)| *other == operand).unwrap_or(&operands[0]);
            format!("\\{name}")
        });
        let _ = writeln!(
            out,
            "{}\n    {text}\n.endm",
            format!(".macro {} {}", form.row.mnemonic, parameters.join(", ")).trim_end()
        );
    }
}

fn functions(out: &mut String) {
    *out += "#include <stdint.h>\n";
    *out += "\n/* An MSR by a constant number: visa_read_msr(VISA_MSR_VMQUAL). */\n\
        #define visa_read_msr(number) (__extension__({ uint64_t visa_value; \\\n    \
        __asm__ volatile(\"csrr %0, %1\" : \"=r\"(visa_value) : \"i\"(number) : \"memory\"); visa_value; }))\n\
        #define visa_write_msr(number, value) \\\n    \
        __asm__ volatile(\"csrw %0, %1\" : : \"i\"(number), \"r\"((uint64_t)(value)) : \"memory\")\n";
    for form in forms().iter().filter(|form| form.row.mnemonic != "hvret") {
        let parameters: Vec<String> =
            form.parameters.iter().map(|name| format!("uint64_t visa_{name}")).collect();
        let parameters = if parameters.is_empty() { "void".into() } else { parameters.join(", ") };
        let result = usize::from(form.result);
        let text = insn(form, |operand| match operand {
            Operand::Rd => "%0".into(),
            Operand::Rs1 => format!("%{result}"),
            _ => format!("%{}", result + form.sources.len() - 1),
        });
        let inputs: Vec<String> = form.parameters.iter().map(|name| format!("\"r\"(visa_{name})")).collect();
        let output = if form.result { "\"=r\"(visa_result)" } else { "" };
        let _ = writeln!(
            out,
            "\n/* {} */",
            format!(
                "{}: {}. From {}. {}",
                form.row.mnemonic.to_uppercase(),
                form.row.summary,
                form.row.ring.name(),
                form.remark
            )
            .trim_end()
        );
        let kind = if form.result { "uint64_t" } else { "void" };
        let _ = writeln!(out, "static inline {kind} visa_{}({parameters})\n{{", form.name);
        if form.result {
            *out += "    uint64_t visa_result;\n";
        }
        let _ = writeln!(
            out,
            "    __asm__ volatile(\"{text}\" : {output} : {} : \"memory\");",
            inputs.join(", ")
        );
        if form.result {
            *out += "    return visa_result;\n";
        }
        *out += "}\n";
    }
}
