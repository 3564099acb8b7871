//! Integer computation.

use dynasmrt::{DynasmApi, dynasm};
use visa_isa::{Instruction, Op};

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
        use Op::*;
        // Nothing that computes has an effect beside its result.
        if i.rd == 0 && is_pure(i.op) {
            return true;
        }
        self.low_half_suffices = self.extensions.is_lazy(index);
        match i.op {
            Lui => self.set_constant(i.rd, i.imm as i64 as u64),
            Auipc => self.set_constant(i.rd, self.sites[index].pc.wrapping_add(i.imm as i64 as u64)),
            Addi => self.add_immediate(i),
            Xori if i.imm == -1 => {
                let to = self.target(i.rd);
                self.load(to, i.rs1);
                dynasm!(self.code ; .arch x64 ; not Rq(to));
                self.set(i.rd, to);
            }
            Xori => immediate!(self, i, xor, i.imm),
            Ori => immediate!(self, i, or, i.imm),
            Andi if i.imm == 0xff => {
                let (from, to) = (self.get(i.rs1, RAX), self.target(i.rd));
                dynasm!(self.code ; .arch x64 ; movzx Rd(to), Rb(from));
                self.set(i.rd, to);
            }
            Andi => immediate!(self, i, and, i.imm),
            Slli => immediate!(self, i, shl, (i.imm & 63) as i8),
            Srli => immediate!(self, i, shr, (i.imm & 63) as i8),
            Srai => immediate!(self, i, sar, (i.imm & 63) as i8),
            Rori => immediate!(self, i, ror, (i.imm & 63) as i8),
            Addiw if i.imm == 0 && self.extensions.extends_nothing(index, i.rs1) => {
                if i.rd != i.rs1 {
                    self.add_immediate(i);
                }
            }
            Addiw | Slliw | Srliw => self.word_immediate(i),
            Sraiw => immediate_word!(self, i, sar, (i.imm & 31) as i8),
            Roriw => immediate_word!(self, i, ror, (i.imm & 31) as i8),
            Add => self.add(i),
            Sub => binary!(self, i, sub),
            Xor => symmetric!(self, i, xor),
            Or => symmetric!(self, i, or),
            And => symmetric!(self, i, and),
            Mul => symmetric!(self, i, imul),
            Addw => symmetric_word!(self, i, add),
            Subw => binary_word!(self, i, sub),
            Mulw => symmetric_word!(self, i, imul),
            Sll => shift!(self, i, shl),
            Srl => shift!(self, i, shr),
            Sra => shift!(self, i, sar),
            Rol => shift!(self, i, rol),
            Ror => shift!(self, i, ror),
            Sllw => shift_word!(self, i, shl),
            Srlw => shift_word!(self, i, shr),
            Sraw => shift_word!(self, i, sar),
            Rolw => shift_word!(self, i, rol),
            Rorw => shift_word!(self, i, ror),
            Slt | Sltu | Slti | Sltiu => self.set_if_less(index, i),
            Mulh | Mulhu => self.multiply_high(i),
            Div | Divu | Rem | Remu => self.divide(i),
            Divw | Divuw | Remw | Remuw => self.divide_word(i),
            Fence | FenceTso => {}
            _ => return self.bits(i),
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

    /// ADDIW, SLLIW, SRLIW: the common ones in fewer steps.
    fn word_immediate(&mut self, i: &Instruction) {
        match i.op {
            Op::Addiw if i.imm == 0 => {
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
            Op::Addiw => {
                let to = self.target(i.rd);
                self.load_word(to, i.rs1);
                match i8::try_from(i.imm) {
                    Ok(short) => dynasm!(self.code ; .arch x64 ; add Rd(to), BYTE short),
                    Err(_) => dynasm!(self.code ; .arch x64 ; add Rd(to), i.imm),
                }
                self.set_word(i.rd, to);
            }
            // Bit 31 of the result is clear.
            Op::Srliw if i.imm & 31 != 0 => {
                let to = self.target(i.rd);
                self.load_word(to, i.rs1);
                dynasm!(self.code ; .arch x64 ; shr Rd(to), (i.imm & 31) as i8);
                self.set(i.rd, to);
            }
            Op::Srliw => immediate_word!(self, i, shr, 0i8),
            _ => immediate_word!(self, i, shl, (i.imm & 31) as i8),
        }
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

    fn set_if_less(&mut self, index: usize, i: &Instruction) {
        let a = self.get(i.rs1, RAX);
        match i.op {
            Op::Slti | Op::Sltiu if self.extensions.are_words(index, &[i.rs1]) => {
                dynasm!(self.code ; .arch x64 ; cmp Rd(a), i.imm)
            }
            Op::Slti | Op::Sltiu => dynasm!(self.code ; .arch x64 ; cmp Rq(a), i.imm),
            _ if self.extensions.are_words(index, &[i.rs1, i.rs2]) => with_source!(self, cmp, Rd, a, i.rs2),
            _ => with_source!(self, cmp, Rq, a, i.rs2),
        }
        match i.op {
            Op::Slt | Op::Slti => dynasm!(self.code ; .arch x64 ; setl al),
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

/// Whether an instruction does nothing but compute the value of rd.
fn is_pure(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        Lui | Auipc
            | Addi
            | Xori
            | Ori
            | Andi
            | Slli
            | Srli
            | Srai
            | Slti
            | Sltiu
            | Add
            | Sub
            | Xor
            | Or
            | And
            | Sll
            | Srl
            | Sra
            | Slt
            | Sltu
            | Addiw
            | Slliw
            | Srliw
            | Sraiw
            | Addw
            | Subw
            | Sllw
            | Srlw
            | Sraw
            | Mul
            | Mulh
            | Mulhu
            | Mulhsu
            | Mulw
            | Div
            | Divu
            | Rem
            | Remu
            | Divw
            | Divuw
            | Remw
            | Remuw
            | Rol
            | Ror
            | Rolw
            | Rorw
            | Rori
            | Roriw
            | Sh1add
            | Sh2add
            | Sh3add
            | Sh1addUw
            | Sh2addUw
            | Sh3addUw
            | AddUw
            | SlliUw
            | Andn
            | Orn
            | Xnor
            | Max
            | Maxu
            | Min
            | Minu
            | SextB
            | SextH
            | ZextH
            | Rev8
    )
}
