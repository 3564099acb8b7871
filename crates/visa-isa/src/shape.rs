//! What an operation is, apart from how it is encoded: what it computes and how wide, what it moves to and from memory or
//! ports, where execution may go on, and which registers it reads and writes.
//!
//! [`Op::shape`](crate::Op::shape) is a column of the table. Whoever would list "the loads", or the width of one, asks here instead.

mod operation;
mod registers;

pub use self::operation::{AtomicOperation, Condition, FloatOperation, IntegerFormat, Operation};
pub use self::registers::{RegisterFile, Registers};
use crate::instruction::Instruction;

/// What an operation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Computes an integer register, and does nothing else.
    Compute(Compute),
    /// Loads from memory at rs1 + imm.
    Load(Load),
    /// Stores to memory at rs1 + imm.
    Store(Store),
    /// Atomic access of memory at rs1, which must be aligned.
    Atomic(Atomic),
    /// Computes with floating-point registers, or moves between the two files.
    Float(Float),
    /// Goes on at pc + imm if a condition of rs1 and rs2 holds.
    Branch(Condition),
    /// Goes on at pc + imm.
    Jump,
    /// Goes on at rs1 + imm.
    JumpRegister,
    /// Orders memory accesses.
    Fence,
    /// Orders stores before instruction fetches.
    FenceInstructions,
    /// Hints that the program waits.
    Pause,
    /// Raises an exception, whatever the registers hold.
    Trap,
    /// Reads an MSR and may change it.
    Msr(MsrChange),
    /// Returns from a trap.
    Return,
    /// Accesses the port space at rs1 + imm.
    Port(Port),
    /// Enters or leaves a guest: the bank of registers changes.
    WorldSwitch,
    /// Does something to the machine that has no shape in common with others.
    System,
}

/// An integer computation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Compute {
    /// What is computed of the first source and the second one, which is rs2 or, as the format says, the immediate.
    pub operation: Operation,
    /// On how many bits.
    pub width: Width,
}

/// The bits that an integer computation works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// 64.
    Double,
    /// The low 32 of its sources; its result is sign-extended (the `W` forms).
    Word,
    /// 64, of which those of the first source are its low 32, zero-extended (the `.UW` forms).
    UnsignedWord,
}

/// How what is narrower than a register fills it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extend {
    /// With its sign.
    Sign,
    /// With zeros.
    Zero,
    /// With ones, as singles are kept in floating-point registers.
    NanBox,
}

/// A load.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// Bytes moved.
    pub bytes: u8,
    /// How they fill the register.
    pub extend: Extend,
    /// The file of that register.
    pub file: RegisterFile,
}

/// A store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Store {
    /// Bytes moved.
    pub bytes: u8,
    /// The file of the register that they come from.
    pub file: RegisterFile,
}

/// An atomic access. What it loads is sign-extended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Atomic {
    /// Bytes moved.
    pub bytes: u8,
    /// What it does.
    pub operation: AtomicOperation,
}

/// What an operation does to memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Bytes touched.
    pub bytes: u64,
    /// It loads them.
    pub loads: bool,
    /// It stores them, or may: translation then asks for the right to store.
    pub stores: bool,
}

/// A floating-point operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Float {
    /// What is computed.
    pub operation: FloatOperation,
    /// Of its operands and its result, as far as they are floating-point numbers.
    pub precision: Precision,
}

/// A format of floating-point numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Precision {
    /// binary32.
    Single,
    /// binary64.
    Double,
}

/// What becomes of an MSR that an instruction has read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MsrChange {
    /// It is not written.
    None,
    /// It becomes the operand.
    Write,
    /// The operand's bits are set in it.
    Set,
    /// The operand's bits are cleared in it.
    Clear,
}

/// An access to the port space; what it reads is zero-extended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Port {
    /// Bytes moved.
    pub bytes: u8,
    /// Whether to the machine (IN) or to the port (OUT).
    pub direction: Direction,
}

/// The direction of an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// To a register.
    Read,
    /// From a register.
    Write,
}

impl Shape {
    /// What it does to memory, if it does.
    #[inline]
    pub const fn memory(self) -> Option<Memory> {
        Some(match self {
            Shape::Load(Load { bytes, .. }) => Memory { bytes: bytes as u64, loads: true, stores: false },
            Shape::Store(Store { bytes, .. }) => Memory { bytes: bytes as u64, loads: false, stores: true },
            Shape::Atomic(Atomic { bytes, operation }) => Memory {
                bytes: bytes as u64,
                loads: !matches!(operation, AtomicOperation::StoreConditional),
                stores: !matches!(operation, AtomicOperation::LoadReserved),
            },
            _ => return None,
        })
    }

    /// The condition, if it is a branch.
    #[inline]
    pub const fn condition(self) -> Option<Condition> {
        if let Shape::Branch(condition) = self { Some(condition) } else { None }
    }

    /// Whether it is a conditional branch.
    #[inline]
    pub const fn is_branch(self) -> bool {
        matches!(self, Shape::Branch(_))
    }

    /// Whether it does nothing but compute the value of rd, so that with R0 there it does nothing.
    #[inline]
    pub const fn is_pure(self) -> bool {
        matches!(self, Shape::Compute(_))
    }

    /// Whether execution may go on elsewhere behind it, or the machine must look around.
    #[inline]
    pub const fn ends_block(self) -> bool {
        match self {
            Shape::Compute(_)
            | Shape::Load(_)
            | Shape::Store(_)
            | Shape::Atomic(_)
            | Shape::Float(_)
            | Shape::Fence
            | Shape::Pause => false,
            Shape::Branch(_)
            | Shape::Jump
            | Shape::JumpRegister
            | Shape::FenceInstructions
            | Shape::Trap
            | Shape::Msr(_)
            | Shape::Return
            | Shape::Port(_)
            | Shape::WorldSwitch
            | Shape::System => true,
        }
    }
}

impl Load {
    /// Whether it gives a word: what a sign-extended value of 32 bits can be.
    pub const fn gives_word(self) -> bool {
        matches!(self.file, RegisterFile::Integer)
            && (self.bytes < 4 || self.bytes == 4 && matches!(self.extend, Extend::Sign))
    }
}

impl Port {
    /// The last port that an access at `port` touches; there is none behind the last of all.
    pub const fn last(self, port: u16) -> u16 {
        port.saturating_add((self.bytes as u16).saturating_sub(1))
    }
}

impl Precision {
    /// The other one.
    pub const fn other(self) -> Precision {
        match self {
            Precision::Single => Precision::Double,
            Precision::Double => Precision::Single,
        }
    }
}

impl Float {
    /// Whether it is a conversion that no operand makes inexact, so that its rounding mode does not matter.
    pub const fn is_always_exact(self) -> bool {
        use IntegerFormat::{UnsignedWord, Word};
        matches!(self.precision, Precision::Double)
            && matches!(
                self.operation,
                FloatOperation::Convert | FloatOperation::FromInteger(Word | UnsignedWord)
            )
    }
}

impl Instruction {
    /// What it makes of an MSR; `None`: it accesses none. To set or clear the bits of R0, or of the immediate 0, is not to write
    /// (RISC-V unprivileged, 6.1).
    #[inline]
    pub const fn msr_change(&self) -> Option<MsrChange> {
        match self.op.shape() {
            Shape::Msr(MsrChange::Write) => Some(MsrChange::Write),
            Shape::Msr(_) if self.rs1 == 0 => Some(MsrChange::None),
            Shape::Msr(change) => Some(change),
            _ => None,
        }
    }
}
