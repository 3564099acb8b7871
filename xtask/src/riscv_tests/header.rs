//! The header that the environments' assembly includes: the ISA table's numbers as C macros.

use anyhow::{Result, anyhow};
use std::fmt::Write;
use visa_isa::{Instruction, Op, cause, encode, msr, paging, trap_filter, vmcs};

/// The register a0, in which VMENTER and VMCAUSE have their operand here.
const A0: u8 = 10;

/// The header's text.
pub fn text() -> Result<String> {
    let mut text = String::from("// Written from the ISA table by `cargo xtask riscv-tests`.\n");
    let mut define = |name: &str, value: u64| writeln!(text, "#define {name} {value:#x}");
    define("VMCS_REVISION_VALUE", vmcs::REVISION_VALUE)?;
    for field in vmcs::FIELDS {
        define(&format!("VMCS_{}", field.name), field.offset.into())?;
    }
    for msr in msr::MSRS {
        define(&format!("MSR_{}", msr.name.to_uppercase()), msr.number.into())?;
    }
    for (name, bit) in [
        ("PTE_VALID", paging::PTE_VALID),
        ("PTE_READ", paging::PTE_READ),
        ("PTE_WRITE", paging::PTE_WRITE),
        ("PTE_EXECUTE", paging::PTE_EXECUTE),
        ("PTE_USER", paging::PTE_USER),
        ("PTE_PPN_SHIFT", paging::PTE_PPN_SHIFT.into()),
        ("TRAP_PF", trap_filter::PF),
        ("EXCEPTION_MAP_VALID", cause::EXCEPTION_MAP_VALID),
        // The lowest value of the field that is not "off".
        ("SSTATUS_FS_INITIAL", msr::sstatus::FS & msr::sstatus::FS.wrapping_neg()),
    ] {
        define(name, bit)?;
    }
    let word = |instruction: Instruction| {
        encode(&instruction).map(u64::from).map_err(|error| anyhow!("{:?}: {error}", instruction.op))
    };
    define("INSTRUCTION_VMENTER_A0", word(Instruction { rs1: A0, ..Instruction::new(Op::Vmenter) })?)?;
    define("INSTRUCTION_VMCAUSE_A0", word(Instruction { rd: A0, ..Instruction::new(Op::Vmcause) })?)?;
    Ok(text)
}
