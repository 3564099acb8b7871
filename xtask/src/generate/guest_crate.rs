//! The generated half of guest/visa-guest: a function for each instruction and a module for each MSR.

use super::output::Output;
use super::text::{Form, NOTICE, forms, insn};
use std::fmt::Write;
use visa_isa::operand::Operand;
use visa_isa::{Ring, Shape, msr};

const SOURCE: &str = "guest/visa-guest/src";

/// The files.
pub fn generate() -> Vec<Output> {
    vec![
        Output::new(format!("{SOURCE}/instructions.rs"), instructions()),
        Output::new(format!("{SOURCE}/registers.rs"), registers()),
    ]
}

fn instructions() -> String {
    let mut out = format!(
        "// {NOTICE}\n\n//! A function for each of V-ISA's own instructions, in the groups of the specification.\n\n\
         use core::arch::asm;\n"
    );
    for form in forms() {
        out.push('\n');
        out += &function(&form);
    }
    out
}

fn function(form: &Form) -> String {
    let mut out = String::new();
    let row = form.row;
    let mnemonic = row.mnemonic.to_uppercase();
    let _ = writeln!(out, "/// {mnemonic}: {}. From {}.", described(form), row.ring.name());
    if !form.remark.is_empty() {
        let _ = writeln!(out, "///\n/// {}", form.remark);
    }
    let safety = safety(form);
    if let Some(safety) = safety {
        let _ = writeln!(out, "///\n/// # Safety\n/// {safety}");
    }
    let parameters: Vec<String> =
        form.parameters.iter().map(|name| format!("{name}: {}", parameter_type(form, name))).collect();
    let returns = match (form.result, form.row.mnemonic) {
        (true, _) => format!(" -> {}", result_type(form)),
        (false, "hvret") => " -> !".into(),
        _ => String::new(),
    };
    let unsafety = if safety.is_some() { "unsafe " } else { "" };
    let _ = writeln!(out, "#[inline(always)]");
    let _ = writeln!(out, "pub {unsafety}fn {}({}){returns} {{", form.name, parameters.join(", "));
    out += &body(form, safety.is_some());
    out += "}\n";
    out
}

fn body(form: &Form, is_unsafe: bool) -> String {
    let text = insn(form, |operand| match operand {
        Operand::Rd => "{result}".into(),
        Operand::Rs1 => format!("{{{}}}", form.parameters[0]),
        _ => format!("{{{}}}", form.parameters[form.parameters.len() - 1]),
    });
    let options = match form.row.mnemonic {
        // It goes elsewhere, and takes the caller's registers along.
        "hvret" => "options(noreturn)",
        "vmcause" | "vint_stat" => "options(nomem, nostack)",
        _ => "options(nostack)",
    };
    let mut arguments = vec![format!("\"{text}\"")];
    for name in &form.parameters {
        let narrow = parameter_type(form, name) != "u64";
        arguments.push(format!("{name} = in(reg) {name}{}", if narrow { " as u64" } else { "" }));
    }
    if form.result {
        arguments.push("result = lateout(reg) result".into());
    }
    arguments.push(options.into());
    let reason = match is_unsafe {
        true => "the caller keeps what the section above asks for.",
        false => "the instruction changes no memory and no register but its result.",
    };
    let mut out = String::new();
    if form.result {
        out += "    let result: u64;\n";
    }
    let _ = writeln!(out, "    // SAFETY: {reason}");
    let end = if form.row.mnemonic == "hvret" { "" } else { ";" };
    let line = format!("    unsafe {{ asm!({}) }}{end}\n", arguments.join(", "));
    if line.len() <= 111 {
        out += &line;
    } else {
        let _ = writeln!(out, "    unsafe {{\n        asm!(");
        for argument in &arguments {
            let _ = writeln!(out, "            {argument},");
        }
        let _ = writeln!(out, "        );\n    }}");
    }
    if form.result {
        let cast =
            if result_type(form) == "u64" { String::new() } else { format!(" as {}", result_type(form)) };
        let _ = writeln!(out, "    result{cast}");
    }
    out
}

/// The summary in terms of the parameters' names.
fn described(form: &Form) -> String {
    let mut text = form.row.summary.replace("rd = ", "");
    if matches!(form.row.op.shape(), Shape::Port(_)) {
        text = text.replace("rs1 + imm", "`port`").replace("= rs2", "= `value`");
    }
    for (name, register) in form.parameters.iter().zip(["rs1", "rs2"]) {
        text = text.replace(register, &format!("`{name}`"));
    }
    text
}

fn parameter_type(form: &Form, name: &str) -> &'static str {
    match (form.row.op.shape(), name) {
        (_, "port") => "u16",
        (Shape::Port(port), "value") => unsigned(port.bytes),
        _ => "u64",
    }
}

fn result_type(form: &Form) -> &'static str {
    match form.row.op.shape() {
        Shape::Port(port) => unsigned(port.bytes),
        _ => "u64",
    }
}

fn unsigned(bytes: u8) -> &'static str {
    match bytes {
        1 => "u8",
        2 => "u16",
        4 => "u32",
        _ => "u64",
    }
}

/// Why the function is unsafe to call; `None` if it is not.
fn safety(form: &Form) -> Option<&'static str> {
    Some(match form.row.mnemonic {
        "vmcause" | "vint_stat" | "vint_ack" | "tlbflushv" => return None,
        "vmenter" | "vmresume" => {
            "The guest may change every byte that its translation reaches; none of it may be in use by Rust values. \
             The host's registers are in a bank of their own and survive."
        }
        "vmsave" => "`vmcs` must be a VMCS that nothing else uses, or one must be current.",
        "vmload" => "The VMCS must hold the state of a guest that is meant to run.",
        "vmexit" => "The hypervisor may change registers and memory of this guest.",
        "hvret" => "HVEPC and HVSTATUS must describe code that expects the registers as they are now.",
        "ldgptbr" | "ldhptbr" => {
            "`base` must be the root of a page table that stays valid while it is in use."
        }
        "iovmap" => {
            "The descriptor must be valid memory, and a passthrough range must not reach memory in use here."
        }
        "iovmask" => "A guest may reach the devices behind the ports that pass.",
        "vint_send" => "The target must be ready to take the interrupt.",
        _ => {
            "The device behind the port may do anything that its registers allow, such as writing to memory."
        }
    })
}

fn registers() -> String {
    let mut out = format!("// {NOTICE}\n\n//! A module for each MSR, with the accesses that it allows.\n");
    for msr in msr::MSRS {
        out += &register(msr);
    }
    out
}

fn register(entry: &msr::Msr) -> String {
    let (name, upper, number) = (entry.name, entry.name.to_uppercase(), entry.number);
    let cr = entry.cr.map(|cr| format!(" (CR{cr})")).unwrap_or_default();
    let ring = match msr::ring(number) {
        Ring::User => String::new(),
        ring => format!(" From {}.", ring.name()),
    };
    let mut out = format!("\n/// MSR {number:#05x}{cr}: {}.{ring}\npub mod {name} {{\n", entry.summary);
    let access = if msr::is_read_only(number) { "read_only" } else { "read_write" };
    let _ = writeln!(out, "    crate::access::{access}!(\"{upper}\", {number:#05x});\n}}");
    out
}
