//! guest/include/visa.h: V-ISA for C and for GNU as.

use super::output::Output;
use super::text::{NOTICE, forms, insn};
use std::fmt::Write;
use visa_isa::constant::{self, Notation};
use visa_isa::operand::Operand;

/// The file.
pub fn generate() -> Output {
    let mut out = format!(
        "/* {NOTICE} */\n\
         /* V-ISA for C and for assembly with any RISC-V toolchain: nothing in it has to know V-ISA. */\n\
         #ifndef VISA_H\n#define VISA_H\n"
    );
    constants(&mut out);
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

fn constants(out: &mut String) {
    for group in constant::GROUPS {
        heading(out, group.heading);
        group.for_each(|constant| {
            let value = match constant.notation {
                Notation::Decimal => constant.value.to_string(),
                Notation::Hexadecimal(width) => format!("{:#0width$x}", constant.value),
                Notation::Bit => format!("(1 << {})", constant.value.trailing_zeros()),
            };
            let count = match constant.count {
                1 => String::new(),
                count => format!("{count} values: "),
            };
            define(out, &constant.to_string(), value, &format!("{count}{}", constant.summary));
        });
    }
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
