//! The tables' syntax strings, taken apart: the one description that assembler and disassembler share.

use visa_isa::operand::{Kind, Operand};
use visa_isa::table::Row;
use visa_isa::{Op, Shape, compressed};

/// One operand of the text, as a syntax string shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pattern {
    /// An operand alone.
    Bare(&'static str),
    /// `offset(base)`; without an offset, `(base)`.
    Memory(Option<&'static str>, &'static str),
}

/// The operands that a syntax string shows.
pub fn patterns(syntax: &'static str) -> impl Iterator<Item = Pattern> {
    syntax.split(", ").filter(|piece| !piece.is_empty()).map(|piece| {
        match piece.strip_suffix(')').and_then(|inside| inside.split_once('(')) {
            Some(("", base)) => Pattern::Memory(None, base),
            Some((offset, base)) => Pattern::Memory(Some(offset), base),
            None => Pattern::Bare(piece),
        }
    })
}

/// The operand that has a name in a syntax string. `None` for a register that the text repeats, such as `sp`.
pub fn named(operands: &[Operand], name: &str) -> Option<Operand> {
    operands.iter().copied().find(|operand| operand.name() == name)
}

/// Mnemonic and operands of an instruction, from either table.
#[derive(Clone, Copy)]
pub struct Form {
    /// The mnemonic.
    pub mnemonic: &'static str,
    /// The syntax string.
    pub syntax: &'static str,
    /// Its operands.
    pub operands: &'static [Operand],
    /// How many may be left out at the end.
    pub optional: usize,
    /// The compressed form, if it is one.
    pub row: Option<&'static compressed::Row>,
    /// The instruction that it is or stands for.
    pub op: Op,
}

impl Form {
    /// Of an instruction.
    pub fn of(row: &'static Row) -> Form {
        Form {
            mnemonic: row.mnemonic,
            syntax: row.format.syntax(),
            operands: row.format.operands(),
            optional: row.format.optional(),
            row: None,
            op: row.op,
        }
    }

    /// Of a compressed form.
    pub fn of_compressed(row: &'static compressed::Row) -> Form {
        Form {
            mnemonic: row.mnemonic,
            syntax: row.syntax,
            operands: row.operands,
            optional: 0,
            row: Some(row),
            op: row.op,
        }
    }

    /// Whether the text may end with a rounding mode.
    pub fn has_rounding(&self) -> bool {
        self.operands.iter().any(|operand| operand.kind() == Kind::Rounding)
    }

    /// Whether the mnemonic may end with an ordering.
    pub fn has_ordering(&self) -> bool {
        self.operands.iter().any(|operand| operand.kind() == Kind::Ordering)
    }
}

/// The rounding mode of a text that names none: the dynamic one; round-to-nearest for the conversions that are always
/// exact, as GNU as has it.
pub fn default_rounding(op: Op) -> u8 {
    const NEAREST: u8 = 0;
    const DYNAMIC: u8 = 7;
    match op.shape() {
        Shape::Float(float) if float.is_always_exact() => NEAREST,
        _ => DYNAMIC,
    }
}

/// Suffixes of the atomics, by the ordering bits (acquire is bit 1, release bit 0).
pub const ORDERINGS: [&str; 4] = ["", ".rl", ".aq", ".aqrl"];
