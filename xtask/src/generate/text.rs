//! How an instruction of V-ISA is written for an assembler that does not know it: as `.insn` of the base.

use visa_isa::operand::Operand;
use visa_isa::table::{Format, Row};

/// The first line of every generated file, without the comment marks.
pub const NOTICE: &str = "Made by `cargo xtask generate` from the tables in crates/visa-isa. Do not edit.";

/// One way to write an instruction: with all operands, or with the last ones left out.
pub struct Form {
    /// The instruction's row.
    pub row: &'static Row,
    /// The function's or macro's name.
    pub name: String,
    /// The source operands that are given, in the order of the text.
    pub sources: Vec<Operand>,
    /// Whether it has a result.
    pub result: bool,
    /// The parameters' names, as many as sources.
    pub parameters: Vec<&'static str>,
    /// What the form with fewer operands does, where the row's summary does not say it alone.
    pub remark: &'static str,
}

/// Every way to write the instructions that are V-ISA's own, in the order of the table.
pub fn forms() -> Vec<Form> {
    visa_isa::table::ROWS.iter().filter(|row| row.group.is_visa()).flat_map(forms_of).collect()
}

fn forms_of(row: &'static Row) -> Vec<Form> {
    let registers: Vec<Operand> = row
        .format
        .operands()
        .iter()
        .copied()
        .filter(|operand| matches!(operand, Operand::Rd | Operand::Rs1 | Operand::Rs2))
        .collect();
    let result = registers.contains(&Operand::Rd);
    let sources: Vec<Operand> = registers.into_iter().filter(|&operand| operand != Operand::Rd).collect();
    // A result that may be left out is no form of its own: the caller drops the value.
    let optional = if result { 0 } else { row.format.optional() };
    let fewest = sources.len() - optional;
    (fewest..=sources.len())
        .map(|count| {
            let (suffix, remark) = form_name(row.mnemonic, count);
            Form {
                row,
                name: format!("{}{suffix}", row.mnemonic),
                sources: sources[..count].to_vec(),
                result,
                parameters: parameter_names(row)[..count].to_vec(),
                remark,
            }
        })
        .collect()
}

/// What distinguishes the forms of an instruction with operands that may be left out.
fn form_name(mnemonic: &str, count: usize) -> (&'static str, &'static str) {
    match (mnemonic, count) {
        ("vmsave" | "vmload", 0) => ("_current", "Without an operand: the current VMCS."),
        ("tlbflushv", 0) => ("", "Without operands: all."),
        ("tlbflushv", 1) => ("_vmid", "With one operand: one VM."),
        ("tlbflushv", 2) => ("_address", "With two operands: one guest-physical address of one VM."),
        _ => ("", ""),
    }
}

/// What the source operands mean.
fn parameter_names(row: &Row) -> &'static [&'static str] {
    match row.mnemonic {
        "vmenter" | "vmsave" | "vmload" => &["vmcs"],
        "ldgptbr" | "ldhptbr" => &["base"],
        "tlbflushv" => &["vmid", "guest_physical"],
        "iovmap" => &["descriptor"],
        "iovmask" => &["ports", "policy"],
        "vint_send" => &["interrupt"],
        _ => match row.format {
            Format::PortIn => &["port"],
            Format::PortOut => &["port", "value"],
            _ => &["first", "second"],
        },
    }
}

/// The instruction as `.insn`, its operands written by `show`. Ports have no immediate here: the register holds all.
pub fn insn(form: &Form, show: impl Fn(Operand) -> String) -> String {
    let value = form.row.bits.value;
    let (opcode, funct3, funct7) = (value & 0x7f, value >> 12 & 7, value >> 25);
    let operand = |operand: Operand| match operand {
        Operand::Rd if form.result => show(operand),
        _ if form.sources.contains(&operand) => show(operand),
        _ => "x0".into(),
    };
    let (rd, rs1, rs2) = (operand(Operand::Rd), operand(Operand::Rs1), operand(Operand::Rs2));
    match form.row.format {
        Format::PortIn => format!(".insn i {opcode:#04x}, {funct3}, {rd}, {rs1}, 0"),
        Format::PortOut => format!(".insn s {opcode:#04x}, {funct3}, {rs2}, 0({rs1})"),
        _ => format!(".insn r {opcode:#04x}, {funct3}, {funct7}, {rd}, {rs1}, {rs2}"),
    }
}
