//! What the model needs to know of each instruction, read off the instruction table once.

use visa_isa::operand::Target;
use visa_isa::shape::{Compute, Float, FloatOperation, Load, Memory, Operation, RegisterFile};
use visa_isa::table::ROWS;
use visa_isa::{Op, Shape};

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
    fn new(op: Op, field: Target) -> Register {
        match op.file(field) {
            Some(RegisterFile::Integer) => Register { base: 0, mask: 31 },
            Some(RegisterFile::Float) => Register { base: 32, mask: 31 },
            None => Register::default(),
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
    let class = class(op.shape());
    let (issue, latency) = costs(op.shape(), class, p);
    let memory = op.shape().memory();
    Profile {
        class,
        bytes: memory.map_or(0, |memory| memory.bytes as u8),
        stores: memory.is_some_and(|Memory { stores, .. }| stores),
        rd: Register::new(op, Target::Rd),
        rs1: Register::new(op, Target::Rs1),
        rs2: Register::new(op, Target::Rs2),
        rs3: Register::new(op, Target::Rs3),
        issue,
        latency,
    }
}

fn class(shape: Shape) -> Class {
    match shape {
        Shape::Load(_) => Class::Load,
        Shape::Store(_) => Class::Store,
        Shape::Atomic(_) => Class::Atomic,
        Shape::Branch(_) => Class::Branch,
        Shape::Jump | Shape::JumpRegister => Class::Jump,
        Shape::Msr(_) => Class::Msr,
        Shape::Return => Class::Return,
        Shape::FenceInstructions | Shape::Port(_) | Shape::WorldSwitch | Shape::System => Class::System,
        Shape::Compute(_) | Shape::Float(_) | Shape::Fence | Shape::Pause | Shape::Trap => Class::Compute,
    }
}

/// Issue and latency.
fn costs(shape: Shape, class: Class, p: &Parameters) -> (u64, u64) {
    match class {
        Class::Load if matches!(shape, Shape::Load(Load { bytes: 1 | 2, .. })) => {
            (p.issue_load, p.latency_load_narrow)
        }
        Class::Load => (p.issue_load, p.latency_load),
        Class::Store => (p.issue_store, 0),
        Class::Branch | Class::Jump => (p.issue_branch, p.latency_alu),
        Class::Atomic => (p.issue_atomic, p.latency_load),
        Class::Msr => (p.issue_msr, p.latency_msr),
        Class::Return => (p.issue_system, 0),
        Class::System if shape == Shape::FenceInstructions => (p.issue_fence, 0),
        Class::System => (p.issue_system, p.latency_msr),
        Class::Compute => computation(shape, p),
    }
}

fn computation(shape: Shape, p: &Parameters) -> (u64, u64) {
    match shape {
        Shape::Compute(Compute { operation, .. }) => integer(operation, p),
        Shape::Float(Float { operation, .. }) => float(operation, p),
        Shape::Fence => (p.issue_fence, 0),
        _ => (p.issue_alu, p.latency_alu),
    }
}

fn integer(operation: Operation, p: &Parameters) -> (u64, u64) {
    use Operation::*;
    match operation {
        Multiply | MultiplyHigh | MultiplyHighMixed | MultiplyHighUnsigned => {
            (p.issue_multiply, p.latency_multiply)
        }
        Divide | DivideUnsigned | Remainder | RemainderUnsigned => (p.issue_divide, p.latency_divide),
        _ => (p.issue_alu, p.latency_alu),
    }
}

fn float(operation: FloatOperation, p: &Parameters) -> (u64, u64) {
    use FloatOperation::*;
    match operation {
        Divide | SquareRoot => (p.issue_float_divide, p.latency_float_divide),
        Sign | SignNegated | SignXor | Minimum | Maximum | Equal | Less | LessOrEqual | Classify
        | MoveToInteger | MoveFromInteger => (p.issue_float_move, p.latency_float_move),
        Add
        | Subtract
        | Multiply
        | MultiplyAdd
        | MultiplySubtract
        | NegatedMultiplySubtract
        | NegatedMultiplyAdd
        | ToInteger(_)
        | FromInteger(_)
        | Convert => (p.issue_float, p.latency_float),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Preset;

    #[test]
    fn accesses_touch_what_they_are_said_to() {
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
