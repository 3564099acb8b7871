//! Bit manipulation: Zba, Zbb, Zbs.
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynasmApi, dynasm};
use visa_isa::{Instruction, Op};

use super::Emitter;
use crate::registers::{Place, RAX, RCX, RDX};

impl Emitter<'_> {
    /// Zba and the simple ones of Zbb.
    pub(super) fn bits(&mut self, i: &Instruction) -> bool {
        use Op::*;
        match i.op {
            Sh1add | Sh2add | Sh3add | Sh1addUw | Sh2addUw | Sh3addUw | AddUw => self.shift_and_add(i),
            SlliUw => {
                self.load_low(RAX, i.rs1);
                dynasm!(self.code ; .arch x64 ; shl rax, (i.imm & 63) as i8);
                self.set(i.rd, RAX);
            }
            Andn | Orn | Xnor => {
                self.load(RAX, i.rs2);
                dynasm!(self.code ; .arch x64 ; not rax);
                match i.op {
                    Andn => with_source!(self, and, Rq, RAX, i.rs1),
                    Orn => with_source!(self, or, Rq, RAX, i.rs1),
                    _ => with_source!(self, xor, Rq, RAX, i.rs1),
                }
                self.set(i.rd, RAX);
            }
            Max | Maxu | Min | Minu => {
                self.load(RAX, i.rs1);
                let other = self.get(i.rs2, RDX);
                dynasm!(self.code ; .arch x64 ; cmp rax, Rq(other));
                match i.op {
                    Max => dynasm!(self.code ; .arch x64 ; cmovl rax, Rq(other)),
                    Maxu => dynasm!(self.code ; .arch x64 ; cmovb rax, Rq(other)),
                    Min => dynasm!(self.code ; .arch x64 ; cmovg rax, Rq(other)),
                    _ => dynasm!(self.code ; .arch x64 ; cmova rax, Rq(other)),
                }
                self.set(i.rd, RAX);
            }
            SextB | SextH | ZextH => {
                self.load(RAX, i.rs1);
                match i.op {
                    SextB => dynasm!(self.code ; .arch x64 ; movsx rax, al),
                    SextH => dynasm!(self.code ; .arch x64 ; movsx rax, ax),
                    _ => dynasm!(self.code ; .arch x64 ; movzx eax, ax),
                }
                self.set(i.rd, RAX);
            }
            Bset | Bclr | Binv | Bext => self.single_bit(i),
            Bseti | Bclri | Binvi | Bexti => self.single_bit_immediate(i),
            Clz | Clzw | Ctz | Ctzw | Cpop | Cpopw => return self.count(i),
            OrcB => self.or_combine(i),
            Rev8 => {
                let to = self.target(i.rd);
                self.load(to, i.rs1);
                dynasm!(self.code ; .arch x64 ; bswap Rq(to));
                self.set(i.rd, to);
            }
            _ => return false,
        }
        true
    }

    fn single_bit(&mut self, i: &Instruction) {
        self.load(RCX, i.rs2);
        self.load(RAX, i.rs1);
        match i.op {
            Op::Bset => dynasm!(self.code ; .arch x64 ; bts rax, rcx),
            Op::Bclr => dynasm!(self.code ; .arch x64 ; btr rax, rcx),
            Op::Binv => dynasm!(self.code ; .arch x64 ; btc rax, rcx),
            _ => dynasm!(self.code ; .arch x64 ; shr rax, cl ; and eax, BYTE 1),
        }
        self.set(i.rd, RAX);
    }

    fn single_bit_immediate(&mut self, i: &Instruction) {
        let bit = (i.imm & 63) as i8;
        self.load(RAX, i.rs1);
        match i.op {
            Op::Bseti => dynasm!(self.code ; .arch x64 ; bts rax, BYTE bit),
            Op::Bclri => dynasm!(self.code ; .arch x64 ; btr rax, BYTE bit),
            Op::Binvi => dynasm!(self.code ; .arch x64 ; btc rax, BYTE bit),
            _ => dynasm!(self.code ; .arch x64 ; shr rax, BYTE bit ; and eax, BYTE 1),
        }
        self.set(i.rd, RAX);
    }

    /// Counts of bits, on hosts that have instructions for them.
    fn count(&mut self, i: &Instruction) -> bool {
        use Op::*;
        let present = match i.op {
            Clz | Clzw => std::arch::is_x86_feature_detected!("lzcnt"),
            Ctz | Ctzw => std::arch::is_x86_feature_detected!("bmi1"),
            _ => std::arch::is_x86_feature_detected!("popcnt"),
        };
        if !present {
            return false;
        }
        self.load(RAX, i.rs1);
        match i.op {
            Clz => dynasm!(self.code ; .arch x64 ; lzcnt rax, rax),
            Clzw => dynasm!(self.code ; .arch x64 ; lzcnt eax, eax),
            Ctz => dynasm!(self.code ; .arch x64 ; tzcnt rax, rax),
            Ctzw => dynasm!(self.code ; .arch x64 ; tzcnt eax, eax),
            Cpop => dynasm!(self.code ; .arch x64 ; popcnt rax, rax),
            _ => dynasm!(self.code ; .arch x64 ; popcnt eax, eax),
        }
        self.set(i.rd, RAX);
        true
    }

    /// ORC.B: a byte with a bit set becomes all ones. Adding 0x7f to a byte's low bits carries into its top bit if any of
    /// them is set; a top bit, spread by multiplication, is the byte.
    fn or_combine(&mut self, i: &Instruction) {
        self.load(RAX, i.rs1);
        dynasm!(self.code ; .arch x64
            ; mov rcx, QWORD 0x7f7f_7f7f_7f7f_7f7f
            ; mov rdx, rax
            ; and rdx, rcx
            ; add rdx, rcx
            ; or rax, rdx
            ; not rcx
            ; and rax, rcx
            ; mov rcx, rax
            ; shr rcx, BYTE 7
            ; add rax, rax
            ; sub rax, rcx
        );
        self.set(i.rd, RAX);
    }

    fn shift_and_add(&mut self, i: &Instruction) {
        use Op::*;
        match i.op {
            Sh1addUw | Sh2addUw | Sh3addUw | AddUw => self.load_low(RAX, i.rs1),
            _ => self.load(RAX, i.rs1),
        }
        let b = self.get(i.rs2, RDX);
        match i.op {
            Sh1add | Sh1addUw => dynasm!(self.code ; .arch x64 ; lea rax, [Rq(b) + rax * 2]),
            Sh2add | Sh2addUw => dynasm!(self.code ; .arch x64 ; lea rax, [Rq(b) + rax * 4]),
            Sh3add | Sh3addUw => dynasm!(self.code ; .arch x64 ; lea rax, [Rq(b) + rax * 8]),
            _ => dynasm!(self.code ; .arch x64 ; add rax, Rq(b)),
        }
        self.set(i.rd, RAX);
    }
}
