//! What an operation is, apart from how it is encoded: what it computes and how wide, what it moves to and from memory or
//! ports, where execution may go on, and which registers it reads and writes.
//!
//! [`Op::shape`] is a column of the table. Whoever would list "the loads", or the width of one, asks here instead.

use crate::instruction::Instruction;
use crate::operand::{Kind, Operand, Target};
use crate::table::{Op, SHAPES};

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

/// Integer operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// The immediate.
    Immediate,
    /// The instruction's address plus the immediate.
    AddPc,
    /// Sum.
    Add,
    /// Difference.
    Subtract,
    /// Bitwise exclusive or.
    Xor,
    /// Bitwise or.
    Or,
    /// Bitwise and.
    And,
    /// Shift to the left, by the low bits of the amount, as all shifts and rotations.
    ShiftLeft,
    /// Shift to the right, zeros entering.
    ShiftRightLogical,
    /// Shift to the right, the sign entering.
    ShiftRightArithmetic,
    /// 1 if less, signed, else 0.
    Less,
    /// 1 if less, unsigned, else 0.
    LessUnsigned,
    /// Low half of the product.
    Multiply,
    /// High half of the product, both signed.
    MultiplyHigh,
    /// High half of the product, the first signed, the second unsigned.
    MultiplyHighMixed,
    /// High half of the product, both unsigned.
    MultiplyHighUnsigned,
    /// Quotient, signed.
    Divide,
    /// Quotient, unsigned.
    DivideUnsigned,
    /// Remainder, signed.
    Remainder,
    /// Remainder, unsigned.
    RemainderUnsigned,
    /// The first, shifted left by so many bits, plus the second.
    ShiftAdd(u8),
    /// The first and not the second.
    AndNot,
    /// The first or not the second.
    OrNot,
    /// Not the exclusive or.
    XorNot,
    /// Leading zeros of the first.
    LeadingZeros,
    /// Trailing zeros of the first.
    TrailingZeros,
    /// Ones in the first.
    PopulationCount,
    /// The greater, signed.
    Maximum,
    /// The greater, unsigned.
    MaximumUnsigned,
    /// The lesser, signed.
    Minimum,
    /// The lesser, unsigned.
    MinimumUnsigned,
    /// So many low bytes of the first, sign-extended.
    SignExtend(u8),
    /// So many low bytes of the first, zero-extended.
    ZeroExtend(u8),
    /// Rotation to the left.
    RotateLeft,
    /// Rotation to the right.
    RotateRight,
    /// Each byte of the first all ones if it is not zero.
    OrCombineBytes,
    /// The first with its bytes reversed.
    ReverseBytes,
    /// The first with a bit cleared.
    ClearBit,
    /// One bit of the first.
    ExtractBit,
    /// The first with a bit inverted.
    InvertBit,
    /// The first with a bit set.
    SetBit,
}

/// A file of registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegisterFile {
    /// R0 to R31.
    Integer,
    /// F0 to F31.
    Float,
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
    pub bytes: u64,
    /// How they fill the register.
    pub extend: Extend,
    /// The file of that register.
    pub file: RegisterFile,
}

/// A store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Store {
    /// Bytes moved.
    pub bytes: u64,
    /// The file of the register that they come from.
    pub file: RegisterFile,
}

/// An atomic access. What it loads is sign-extended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Atomic {
    /// Bytes moved.
    pub bytes: u64,
    /// What it does.
    pub operation: AtomicOperation,
}

/// What an atomic access does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtomicOperation {
    /// Loads and reserves.
    LoadReserved,
    /// Stores if the reservation holds.
    StoreConditional,
    /// Loads, and stores rs2.
    Swap,
    /// Loads, and stores the sum of that and rs2; likewise the others.
    Add,
    /// The exclusive or.
    Xor,
    /// The and.
    And,
    /// The or.
    Or,
    /// The lesser, signed.
    Minimum,
    /// The greater, signed.
    Maximum,
    /// The lesser, unsigned.
    MinimumUnsigned,
    /// The greater, unsigned.
    MaximumUnsigned,
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

/// Floating-point operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatOperation {
    /// Sum.
    Add,
    /// Difference.
    Subtract,
    /// Product.
    Multiply,
    /// Quotient.
    Divide,
    /// Square root.
    SquareRoot,
    /// First times second plus third.
    MultiplyAdd,
    /// First times second less third.
    MultiplySubtract,
    /// Third less first times second.
    NegatedMultiplySubtract,
    /// The negative of first times second plus third.
    NegatedMultiplyAdd,
    /// The first with the sign of the second.
    Sign,
    /// The first with the opposite of the second's sign.
    SignNegated,
    /// The first with the exclusive or of the signs.
    SignXor,
    /// The lesser.
    Minimum,
    /// The greater.
    Maximum,
    /// 1 if equal, quietly, else 0.
    Equal,
    /// 1 if less, else 0.
    Less,
    /// 1 if less or equal, else 0.
    LessOrEqual,
    /// The class, one bit of ten.
    Classify,
    /// To an integer.
    ToInteger(IntegerFormat),
    /// From an integer.
    FromInteger(IntegerFormat),
    /// From the other precision.
    Convert,
    /// The bits to an integer register.
    MoveToInteger,
    /// The bits of an integer register.
    MoveFromInteger,
}

/// The integers that floating-point numbers are converted to and from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntegerFormat {
    /// 32 bits, signed.
    Word,
    /// 32 bits, unsigned; in registers they are sign-extended.
    UnsignedWord,
    /// 64 bits, signed.
    Double,
    /// 64 bits, unsigned.
    UnsignedDouble,
}

/// The condition of a branch, of rs1 and rs2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Less, signed.
    Less,
    /// Greater or equal, signed.
    GreaterOrEqual,
    /// Less, unsigned.
    LessUnsigned,
    /// Greater or equal, unsigned.
    GreaterOrEqualUnsigned,
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
    pub bytes: u64,
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

/// Registers of both files, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Registers {
    /// R1 to R31. R0 is no register to be read or written.
    pub integer: u32,
    /// F0 to F31.
    pub float: u32,
}

impl Shape {
    /// What it does to memory, if it does.
    #[inline]
    pub const fn memory(self) -> Option<Memory> {
        Some(match self {
            Shape::Load(Load { bytes, .. }) => Memory { bytes, loads: true, stores: false },
            Shape::Store(Store { bytes, .. }) => Memory { bytes, loads: false, stores: true },
            Shape::Atomic(Atomic { bytes, operation }) => Memory {
                bytes,
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

impl Condition {
    /// The condition that holds if this one does not.
    pub const fn negated(self) -> Condition {
        match self {
            Condition::Equal => Condition::NotEqual,
            Condition::NotEqual => Condition::Equal,
            Condition::Less => Condition::GreaterOrEqual,
            Condition::GreaterOrEqual => Condition::Less,
            Condition::LessUnsigned => Condition::GreaterOrEqualUnsigned,
            Condition::GreaterOrEqualUnsigned => Condition::LessUnsigned,
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

impl Op {
    /// What it is.
    #[inline]
    pub const fn shape(self) -> Shape {
        SHAPES[self as usize]
    }

    /// The file of the register that a field of the instruction names; `None`: the field names none.
    pub const fn file(self, field: Target) -> Option<RegisterFile> {
        let operands = self.row().format.operands();
        let mut index = 0;
        while index < operands.len() {
            if operands[index].target() as u8 == field as u8 {
                return operands[index].file();
            }
            index += 1;
        }
        None
    }

    /// Whether it has an immediate or a distance.
    pub const fn has_immediate(self) -> bool {
        let operands = self.row().format.operands();
        let mut index = 0;
        while index < operands.len() {
            if matches!(operands[index].target(), Target::Imm) {
                return true;
            }
            index += 1;
        }
        false
    }
}

impl Operand {
    /// The file of the register that it names, if it names one.
    pub const fn file(self) -> Option<RegisterFile> {
        match self.kind() {
            Kind::Integer | Kind::Implied => Some(RegisterFile::Integer),
            Kind::Float => Some(RegisterFile::Float),
            _ => None,
        }
    }
}

impl Registers {
    /// One register.
    pub const fn one(file: RegisterFile, number: u8) -> Registers {
        let bit = 1 << (number & 31);
        match file {
            RegisterFile::Integer => Registers { integer: bit & !1, float: 0 },
            RegisterFile::Float => Registers { integer: 0, float: bit },
        }
    }

    /// These and others.
    pub const fn and(self, others: Registers) -> Registers {
        Registers { integer: self.integer | others.integer, float: self.float | others.float }
    }
}

impl Instruction {
    /// The registers that it reads.
    pub const fn reads(&self) -> Registers {
        let mut registers = Registers { integer: 0, float: 0 };
        let sources = [(Target::Rs1, self.rs1), (Target::Rs2, self.rs2), (Target::Rs3, self.rs3)];
        let mut index = 0;
        while index < sources.len() {
            if let Some(file) = self.op.file(sources[index].0) {
                registers = registers.and(Registers::one(file, sources[index].1));
            }
            index += 1;
        }
        registers
    }

    /// The registers that it writes.
    pub const fn writes(&self) -> Registers {
        match self.op.file(Target::Rd) {
            Some(file) => Registers::one(file, self.rd),
            None => Registers { integer: 0, float: 0 },
        }
    }

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
