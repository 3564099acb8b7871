//! The operations themselves, whatever their width, precision and operands.

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
