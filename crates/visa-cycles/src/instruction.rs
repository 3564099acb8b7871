//! What the model needs to know of each instruction, read off the instruction table once.

use visa_isa::operand::{Kind, Target};
use visa_isa::table::ROWS;
use visa_isa::{Group, Op};

use crate::parameters::Parameters;

/// What the model does for an instruction beyond its issue and its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// Nothing.
    Compute,
    /// A load.
    Load,
    /// A store.
    Store,
    /// A conditional branch.
    Branch,
    /// JAL, JALR.
    Jump,
    /// LR, SC, AMO.
    Atomic,
    /// A CSR instruction.
    Msr,
    /// SRET, HVRET.
    Return,
    /// What `CycleModel::system` looks at.
    System,
}

/// Registers of both files in one row: R0 to R31, F0 to F31.
pub(crate) const REGISTERS: usize = 64;

/// An operand: which file, or none. Without one, R0 stands in, which is never waited for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Register {
    base: u8,
    mask: u8,
}

impl Register {
    fn new(operands: &[visa_isa::operand::Operand], targets: &[Target]) -> Register {
        let operand = operands.iter().find(|operand| targets.contains(&operand.target()));
        match operand.map(|operand| operand.kind()) {
            Some(Kind::Integer | Kind::Implied) => Register { base: 0, mask: 31 },
            Some(Kind::Float) => Register { base: 32, mask: 31 },
            _ => Register::default(),
        }
    }

    /// The place of a register number among all registers.
    #[inline(always)]
    pub fn place(self, number: u8) -> usize {
        (self.base + (number & self.mask)) as usize & (REGISTERS - 1)
    }
}

/// An instruction's row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub class: Class,
    /// Bytes of memory touched.
    pub bytes: u8,
    /// The access is a store, as translation sees it.
    pub stores: bool,
    pub rd: Register,
    pub rs1: Register,
    pub rs2: Register,
    pub rs3: Register,
    /// Millicycles that it takes up.
    pub issue: u64,
    /// Millicycles until its result can be used.
    pub latency: u64,
}

/// A profile for each instruction, by `Op as usize`.
pub(crate) fn profiles(parameters: &Parameters) -> Vec<Profile> {
    ROWS.iter().map(|row| profile(row.op, parameters)).collect()
}

fn profile(op: Op, p: &Parameters) -> Profile {
    let row = op.row();
    let operands = row.format.operands();
    let class = class(op);
    let (issue, latency) = costs(op, class, p);
    // The width of loads, stores and atomics is in bits 13:12 of their encodings.
    let touches = matches!(class, Class::Load | Class::Store | Class::Atomic);
    Profile {
        class,
        bytes: if touches { 1 << (row.bits.value >> 12 & 3) } else { 0 },
        stores: class == Class::Store || class == Class::Atomic && !matches!(op, Op::LrW | Op::LrD),
        rd: Register::new(operands, &[Target::Rd]),
        rs1: Register::new(operands, &[Target::Rs1]),
        rs2: Register::new(operands, &[Target::Rs2]),
        rs3: Register::new(operands, &[Target::Rs3]),
        issue,
        latency,
    }
}

fn class(op: Op) -> Class {
    match op {
        Op::Lb | Op::Lh | Op::Lw | Op::Ld | Op::Lbu | Op::Lhu | Op::Lwu | Op::Flw | Op::Fld => Class::Load,
        Op::Sb | Op::Sh | Op::Sw | Op::Sd | Op::Fsw | Op::Fsd => Class::Store,
        Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu => Class::Branch,
        Op::Jal | Op::Jalr => Class::Jump,
        Op::Csrrw | Op::Csrrs | Op::Csrrc | Op::Csrrwi | Op::Csrrsi | Op::Csrrci => Class::Msr,
        Op::Sret | Op::Hvret => Class::Return,
        Op::FenceI => Class::System,
        op => match op.row().group {
            Group::Atomic => Class::Atomic,
            Group::System => Class::System,
            group if group.is_visa() => Class::System,
            _ => Class::Compute,
        },
    }
}

/// Issue and latency.
fn costs(op: Op, class: Class, p: &Parameters) -> (u64, u64) {
    let narrow = matches!(op, Op::Lb | Op::Lh | Op::Lbu | Op::Lhu);
    match class {
        Class::Load if narrow => (p.issue_load, p.latency_load_narrow),
        Class::Load => (p.issue_load, p.latency_load),
        Class::Store => (p.issue_store, 0),
        Class::Branch | Class::Jump => (p.issue_branch, p.latency_alu),
        Class::Atomic => (p.issue_atomic, p.latency_load),
        Class::Msr => (p.issue_msr, p.latency_msr),
        Class::Return => (p.issue_system, 0),
        Class::System if op == Op::FenceI => (p.issue_fence, 0),
        Class::System => (p.issue_system, p.latency_msr),
        Class::Compute => computation(op, p),
    }
}

fn computation(op: Op, p: &Parameters) -> (u64, u64) {
    match op {
        Op::Mul | Op::Mulh | Op::Mulhsu | Op::Mulhu | Op::Mulw => (p.issue_multiply, p.latency_multiply),
        op if op.row().group == Group::Muldiv => (p.issue_divide, p.latency_divide),
        Op::FdivS | Op::FdivD | Op::FsqrtS | Op::FsqrtD => (p.issue_float_divide, p.latency_float_divide),
        Op::FsgnjS
        | Op::FsgnjnS
        | Op::FsgnjxS
        | Op::FminS
        | Op::FmaxS
        | Op::FeqS
        | Op::FltS
        | Op::FleS
        | Op::FclassS
        | Op::FmvXW
        | Op::FmvWX
        | Op::FsgnjD
        | Op::FsgnjnD
        | Op::FsgnjxD
        | Op::FminD
        | Op::FmaxD
        | Op::FeqD
        | Op::FltD
        | Op::FleD
        | Op::FclassD
        | Op::FmvXD
        | Op::FmvDX => (p.issue_float_move, p.latency_float_move),
        op if op.row().group == Group::Float => (p.issue_float, p.latency_float),
        Op::Fence | Op::FenceTso => (p.issue_fence, 0),
        _ => (p.issue_alu, p.latency_alu),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Preset;

    #[test]
    fn widths_are_those_of_the_mnemonics() {
        let parameters = Parameters::preset(Preset::Small);
        for (op, bytes, stores) in [
            (Op::Lb, 1, false),
            (Op::Lhu, 2, false),
            (Op::Lw, 4, false),
            (Op::Ld, 8, false),
            (Op::Flw, 4, false),
            (Op::Fsd, 8, true),
            (Op::Sb, 1, true),
            (Op::LrW, 4, false),
            (Op::ScD, 8, true),
            (Op::AmoaddW, 4, true),
            (Op::Jalr, 0, false),
            (Op::Add, 0, false),
        ] {
            let profile = profile(op, &parameters);
            assert_eq!((profile.bytes, profile.stores), (bytes, stores), "{op:?}");
        }
    }

    #[test]
    fn operands_are_in_their_files() {
        let parameters = Parameters::preset(Preset::Small);
        let fld = profile(Op::Fld, &parameters);
        assert_eq!((fld.rd.place(3), fld.rs1.place(3), fld.rs2.place(3)), (35, 3, 0));
        let csrrwi = profile(Op::Csrrwi, &parameters);
        assert_eq!((csrrwi.rd.place(3), csrrwi.rs1.place(3)), (3, 0), "an immediate is no register");
    }
}
