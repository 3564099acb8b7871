//! Expressions: what they are.

use crate::place::{Place, SymbolId};

/// An operator before its operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unary {
    /// `-`
    Negate,
    /// `~`
    Complement,
    /// `!`
    Not,
}

/// An operator between its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binary {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`, toward zero
    Divide,
    /// `%`
    Remainder,
    /// `<<`
    ShiftLeft,
    /// `>>`, zeros entering
    ShiftRight,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    Xor,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `&&`
    LogicalAnd,
    /// `||`
    LogicalOr,
}

/// Which part of an address an instruction takes (RISC-V assembly programmer's manual, relocation functions).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modifier {
    /// `%hi`: the upper 20 bits, rounded for a signed low part.
    High,
    /// `%lo`: the low 12 bits, signed.
    Low,
    /// `%pcrel_hi`: the upper 20 bits of the distance.
    RelativeHigh,
    /// `%pcrel_lo`: the low 12 bits of the distance that the instruction at the label has the upper part of.
    RelativeLow,
}

/// An expression, its names resolved as far as they are known where it stands.
#[derive(Clone, Debug)]
pub enum Expression {
    /// A number.
    Number(i64),
    /// A symbol that has its value from wherever it is defined.
    Symbol(SymbolId),
    /// A symbol as `.set` assigned it before this place.
    Assigned(SymbolId, usize),
    /// A numeric local label: the one with this number, counted from the file's start.
    Local(u64, usize),
    /// A place: `.`
    Place(Place),
    /// One operand.
    Unary(Unary, Box<Expression>),
    /// Two operands.
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// Part of an address.
    Modified(Modifier, Box<Expression>),
}
