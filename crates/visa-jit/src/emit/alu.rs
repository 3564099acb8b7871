//! Integer computation.

use dynasmrt::{DynasmApi, dynasm};
use visa_isa::shape::{Compute, Operation, Width};
use visa_isa::{Instruction, Op, Shape};

use super::{Emitter, constant};
use crate::registers::{Place, RAX, RCX, RDX};

/// One instruction of the host with a register of the guest, wherever that is, as its source.
macro_rules! with_source {
    ($self:ident, $name:tt, $width:ident, $to:expr, $register:expr) => {
        match $self.mapping.place($register) {
            Place::Zero => {
                let zero = if $to == RDX { RCX } else { RDX };
                dynasm!($self.code ; .arch x64 ; mov Rd(zero), 0 ; $name $width($to), $width(zero))
            }
            Place::Host(from) => dynasm!($self.code ; .arch x64 ; $name $width($to), $width(from)),
            Place::Memory(offset) => dynasm!($self.code ; .arch x64 ; $name $width($to), [rbp + offset]),
        }
    };
}

/// rd = rs1 op rs2, where the order does not matter.
macro_rules! symmetric {
    ($self:ident, $i:ident, $name:tt) => {{
        let (a, b) = if $i.rd == $i.rs2 { ($i.rs2, $i.rs1) } else { ($i.rs1, $i.rs2) };
        let to = $self.target($i.rd);
        $self.load(to, a);
        with_source!($self, $name, Rq, to, b);
        $self.set($i.rd, to);
    }};
}

/// rd = rs1 op rs2. Where rd is rs2 the result is computed in RAX.
macro_rules! binary {
    ($self:ident, $i:ident, $name:tt) => {{
        let to = $self.target_beside($i.rd, $i.rs2);
        $self.load(to, $i.rs1);
        with_source!($self, $name, Rq, to, $i.rs2);
        $self.set($i.rd, to);
    }};
}

/// The same for the low 32 bits, sign-extended.
macro_rules! binary_word {
    ($self:ident, $i:ident, $name:tt) => {{
        let to = $self.target_beside($i.rd, $i.rs2);
        $self.load_word(to, $i.rs1);
        with_source!($self, $name, Rd, to, $i.rs2);
        $self.set_word($i.rd, to);
    }};
}

/// The same where the order does not matter.
macro_rules! symmetric_word {
    ($self:ident, $i:ident, $name:tt) => {{
        let (a, b) = if $i.rd == $i.rs2 { ($i.rs2, $i.rs1) } else { ($i.rs1, $i.rs2) };
        let to = $self.target($i.rd);
        $self.load_word(to, a);
        with_source!($self, $name, Rd, to, b);
        $self.set_word($i.rd, to);
    }};
}

/// rd = rs1 op immediate.
macro_rules! immediate {
    ($self:ident, $i:ident, $name:tt, $value:expr) => {{
        let to = $self.target($i.rd);
        $self.load(to, $i.rs1);
        dynasm!($self.code ; .arch x64 ; $name Rq(to), $value);
        $self.set($i.rd, to);
    }};
}

/// The same for the low 32 bits, sign-extended.
macro_rules! immediate_word {
    ($self:ident, $i:ident, $name:tt, $value:expr) => {{
        let to = $self.target($i.rd);
        $self.load_word(to, $i.rs1);
        dynasm!($self.code ; .arch x64 ; $name Rd(to), $value);
        $self.set_word($i.rd, to);
    }};
}

/// A shift by rs2; the host, too, goes by the low bits of CL.
macro_rules! shift {
    ($self:ident, $i:ident, $name:tt) => {{
        $self.load(RCX, $i.rs2);
        let to = $self.target_beside($i.rd, $i.rs2);
        $self.load(to, $i.rs1);
        dynasm!($self.code ; .arch x64 ; $name Rq(to), cl);
        $self.set($i.rd, to);
    }};
}

macro_rules! shift_word {
    ($self:ident, $i:ident, $name:tt) => {{
        $self.load(RCX, $i.rs2);
        $self.load(RAX, $i.rs1);
        dynasm!($self.code ; .arch x64 ; $name eax, cl);
        $self.set_word($i.rd, RAX);
    }};
}

impl Emitter<'_> {
    /// Emits an instruction that computes; false if it is none that has code here.
    pub(super) fn compute(&mut self, index: usize, i: &Instruction) -> bool {
        let Compute { operation, width } = match i.op.shape() {
            Shape::Compute(compute) => compute,
            shape => return shape == Shape::Fence,
        };
        // Nothing that computes has an effect beside its result.
        if i.rd == 0 {
            return true;
        }
        self.low_half_suffices = self.extensions.is_lazy(index);
        match (width, i.op.has_immediate()) {
            (Width::Double, true) => self.immediate(index, i, operation),
            (Width::Double, false) => self.registers(index, i, operation),
            (Width::Word, true) => self.word_immediate(index, i, operation),
            (Width::Word, false) => self.word_registers(i, operation),
            (Width::UnsignedWord, _) => self.of_unsigned_word(i, operation),
        }
    }

    fn immediate(&mut self, index: usize, i: &Instruction, operation: Operation) -> bool {
        use Operation::*;
        let value = i.imm as i64 as u64;
        let amount = (i.imm & 63) as i8;
        match operation {
            Immediate => self.set_constant(i.rd, value),
            AddPc => self.set_constant(i.rd, self.records[index].pc.wrapping_add(value)),
            Add => self.add_immediate(i),
            Xor if i.imm == -1 => {
                let to = self.target(i.rd);
                self.load(to, i.rs1);
                dynasm!(self.code ; .arch x64 ; not Rq(to));
                self.set(i.rd, to);
            }
            Xor => immediate!(self, i, xor, i.imm),
            Or => immediate!(self, i, or, i.imm),
            And if i.imm == 0xff => {
                let (from, to) = (self.get(i.rs1, RAX), self.target(i.rd));
                dynasm!(self.code ; .arch x64 ; movzx Rd(to), Rb(from));
                self.set(i.rd, to);
            }
            And => immediate!(self, i, and, i.imm),
            ShiftLeft => immediate!(self, i, shl, amount),
            ShiftRightLogical => immediate!(self, i, shr, amount),
            ShiftRightArithmetic => immediate!(self, i, sar, amount),
            RotateRight => immediate!(self, i, ror, amount),
            Less | LessUnsigned => self.set_if_less(index, i, operation),
            SetBit | ClearBit | InvertBit | ExtractBit => self.single_bit_immediate(i, operation),
            _ => return false,
        }
        true
    }

    fn registers(&mut self, index: usize, i: &Instruction, operation: Operation) -> bool {
        use Operation::*;
        match operation {
            Add => self.add(i),
            Subtract => binary!(self, i, sub),
            Xor => symmetric!(self, i, xor),
            Or => symmetric!(self, i, or),
            And => symmetric!(self, i, and),
            Multiply => symmetric!(self, i, imul),
            ShiftLeft => shift!(self, i, shl),
            ShiftRightLogical => shift!(self, i, shr),
            ShiftRightArithmetic => shift!(self, i, sar),
            RotateLeft => shift!(self, i, rol),
            RotateRight => shift!(self, i, ror),
            Less | LessUnsigned => self.set_if_less(index, i, operation),
            MultiplyHigh | MultiplyHighUnsigned => self.multiply_high(i, operation),
            Divide | DivideUnsigned | Remainder | RemainderUnsigned => self.divide(i, operation),
            _ => return self.bits(i, operation),
        }
        true
    }

    fn word_registers(&mut self, i: &Instruction, operation: Operation) -> bool {
        use Operation::*;
        match operation {
            Add => symmetric_word!(self, i, add),
            Subtract => binary_word!(self, i, sub),
            Multiply => symmetric_word!(self, i, imul),
            ShiftLeft => shift_word!(self, i, shl),
            ShiftRightLogical => shift_word!(self, i, shr),
            ShiftRightArithmetic => shift_word!(self, i, sar),
            RotateLeft => shift_word!(self, i, rol),
            RotateRight => shift_word!(self, i, ror),
            Divide | DivideUnsigned | Remainder | RemainderUnsigned => self.divide_word(i, operation),
            LeadingZeros | TrailingZeros | PopulationCount => return self.count_word(i, operation),
            _ => return false,
        }
        true
    }

    /// Where to compute a result without destroying another register that is still to be read.
    fn target_beside(&self, register: u8, other: u8) -> u8 {
        if register == other { RAX } else { self.target(register) }
    }

    /// Sign-extends the low 32 bits of a register of the host into one of the guest, if that is seen.
    pub(super) fn set_word(&mut self, register: u8, from: u8) {
        if self.low_half_suffices {
            return self.set(register, from);
        }
        let to = self.target(register);
        dynasm!(self.code ; .arch x64 ; movsxd Rq(to), Rd(from));
        self.set(register, to);
    }

    /// The common ones in fewer steps.
    fn word_immediate(&mut self, index: usize, i: &Instruction, operation: Operation) -> bool {
        use Operation::*;
        let amount = (i.imm & 31) as i8;
        match operation {
            Add if i.imm == 0 && self.extensions.extends_nothing(index, i.rs1) => {
                if i.rd != i.rs1 {
                    self.add_immediate(i);
                }
            }
            Add if i.imm == 0 => {
                let to = self.target(i.rd);
                match self.mapping.place(i.rs1) {
                    Place::Zero => constant(&mut self.code, to, 0),
                    Place::Host(from) => dynasm!(self.code ; .arch x64 ; movsxd Rq(to), Rd(from)),
                    Place::Memory(offset) => {
                        dynasm!(self.code ; .arch x64 ; movsxd Rq(to), DWORD [rbp + offset])
                    }
                }
                self.set(i.rd, to);
            }
            Add => {
                let to = self.target(i.rd);
                self.load_word(to, i.rs1);
                match i8::try_from(i.imm) {
                    Ok(short) => dynasm!(self.code ; .arch x64 ; add Rd(to), BYTE short),
                    Err(_) => dynasm!(self.code ; .arch x64 ; add Rd(to), i.imm),
                }
                self.set_word(i.rd, to);
            }
            // Bit 31 of the result is clear.
            ShiftRightLogical if amount != 0 => {
                let to = self.target(i.rd);
                self.load_word(to, i.rs1);
                dynasm!(self.code ; .arch x64 ; shr Rd(to), amount);
                self.set(i.rd, to);
            }
            ShiftRightLogical => immediate_word!(self, i, shr, 0i8),
            ShiftLeft => immediate_word!(self, i, shl, amount),
            ShiftRightArithmetic => immediate_word!(self, i, sar, amount),
            RotateRight => immediate_word!(self, i, ror, amount),
            _ => return false,
        }
        true
    }

    /// Loads the low 32 bits; the others do not matter.
    fn load_word(&mut self, host: u8, register: u8) {
        if self.mapping.place(register) != Place::Host(host) {
            self.load_low(host, register);
        }
    }

    /// Two shifts that are a zero extension ([`is_zero_extension`]).
    pub(super) fn zero_extend(&mut self, first: &Instruction, second: &Instruction) {
        if first.imm > 32 {
            let (from, to) = (self.get(first.rs1, RAX), self.target(first.rd));
            match first.imm {
                48 => dynasm!(self.code ; .arch x64 ; movzx Rd(to), Rw(from)),
                _ => dynasm!(self.code ; .arch x64 ; movzx Rd(to), Rb(from)),
            }
            return self.set(first.rd, to);
        }
        let to = self.target(first.rd);
        self.load_low(to, first.rs1);
        if second.imm < 32 {
            dynasm!(self.code ; .arch x64 ; shl Rq(to), (32 - second.imm) as i8);
        }
        self.set(first.rd, to);
    }

    /// Loads the low 32 bits, zero-extended.
    pub(super) fn load_low(&mut self, host: u8, register: u8) {
        match self.mapping.place(register) {
            Place::Zero => constant(&mut self.code, host, 0),
            Place::Host(from) => dynasm!(self.code ; .arch x64 ; mov Rd(host), Rd(from)),
            Place::Memory(offset) => dynasm!(self.code ; .arch x64 ; mov Rd(host), [rbp + offset]),
        }
    }

    fn add_immediate(&mut self, i: &Instruction) {
        match (self.mapping.place(i.rd), self.mapping.place(i.rs1)) {
            (_, Place::Zero) => self.set_constant(i.rd, i.imm as i64 as u64),
            (Place::Host(to), Place::Host(from)) if to != from && i.imm != 0 => {
                dynasm!(self.code ; .arch x64 ; lea Rq(to), [Rq(from) + i.imm]);
            }
            (Place::Memory(offset), Place::Memory(from)) if offset == from => {
                dynasm!(self.code ; .arch x64 ; add QWORD [rbp + offset], i.imm);
            }
            _ if i.imm == 0 => {
                let from = self.get(i.rs1, RAX);
                self.set(i.rd, from);
            }
            _ => {
                let to = self.target(i.rd);
                self.load(to, i.rs1);
                self.add_constant(to, i.imm);
                self.set(i.rd, to);
            }
        }
    }

    fn add(&mut self, i: &Instruction) {
        match (self.mapping.place(i.rd), self.mapping.place(i.rs1), self.mapping.place(i.rs2)) {
            (_, Place::Zero, _) => {
                let from = self.get(i.rs2, RAX);
                self.set(i.rd, from);
            }
            (_, _, Place::Zero) => {
                let from = self.get(i.rs1, RAX);
                self.set(i.rd, from);
            }
            (Place::Host(to), Place::Host(a), Place::Host(b)) if to != a && to != b => {
                dynasm!(self.code ; .arch x64 ; lea Rq(to), [Rq(a) + Rq(b)]);
            }
            (Place::Host(to), _, Place::Host(b)) if to == b => {
                with_source!(self, add, Rq, to, i.rs1);
            }
            _ => binary!(self, i, add),
        }
    }

    fn set_if_less(&mut self, index: usize, i: &Instruction, operation: Operation) {
        let a = self.get(i.rs1, RAX);
        match i.op.has_immediate() {
            true if self.extensions.are_words(index, &[i.rs1]) => {
                dynasm!(self.code ; .arch x64 ; cmp Rd(a), i.imm)
            }
            true => dynasm!(self.code ; .arch x64 ; cmp Rq(a), i.imm),
            false if self.extensions.are_words(index, &[i.rs1, i.rs2]) => {
                with_source!(self, cmp, Rd, a, i.rs2)
            }
            false => with_source!(self, cmp, Rq, a, i.rs2),
        }
        match operation {
            Operation::Less => dynasm!(self.code ; .arch x64 ; setl al),
            _ => dynasm!(self.code ; .arch x64 ; setb al),
        }
        let to = self.target(i.rd);
        dynasm!(self.code ; .arch x64 ; movzx Rd(to), al);
        self.set(i.rd, to);
    }
}

/// Whether SLLI and SRLI of the same register, by 32 and at most 32, are zero extension and a shift; or both by 48 or 56, zero
/// extension from 16 or 8 bits.
pub(super) fn is_zero_extension(first: &Instruction, second: &Instruction) -> bool {
    let shifts = first.op == Op::Slli
        && second.op == Op::Srli
        && (second.rd, second.rs1) == (first.rd, first.rd)
        && first.rd != 0;
    shifts && (first.imm == 32 && second.imm <= 32 || matches!((first.imm, second.imm), (48, 48) | (56, 56)))
}
