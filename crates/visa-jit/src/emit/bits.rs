//! Bit manipulation: Zba, Zbb, Zbs.
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynasmApi, dynasm};
use visa_isa::Instruction;
use visa_isa::shape::Operation;

use super::Emitter;
use crate::registers::{Place, RAX, RCX, RDX};

impl Emitter<'_> {
    /// Zba, Zbb and Zbs on 64 bits, of registers.
    pub(super) fn bits(&mut self, i: &Instruction, operation: Operation) -> bool {
        use Operation::*;
        match operation {
            ShiftAdd(by) => {
                self.load(RAX, i.rs1);
                self.shift_and_add(i, by);
            }
            AndNot | OrNot | XorNot => {
                self.load(RAX, i.rs2);
                dynasm!(self.code ; .arch x64 ; not rax);
                match operation {
                    AndNot => with_source!(self, and, Rq, RAX, i.rs1),
                    OrNot => with_source!(self, or, Rq, RAX, i.rs1),
                    _ => with_source!(self, xor, Rq, RAX, i.rs1),
                }
                self.set(i.rd, RAX);
            }
            Maximum | MaximumUnsigned | Minimum | MinimumUnsigned => {
                self.load(RAX, i.rs1);
                let other = self.get(i.rs2, RDX);
                dynasm!(self.code ; .arch x64 ; cmp rax, Rq(other));
                match operation {
                    Maximum => dynasm!(self.code ; .arch x64 ; cmovl rax, Rq(other)),
                    MaximumUnsigned => dynasm!(self.code ; .arch x64 ; cmovb rax, Rq(other)),
                    Minimum => dynasm!(self.code ; .arch x64 ; cmovg rax, Rq(other)),
                    _ => dynasm!(self.code ; .arch x64 ; cmova rax, Rq(other)),
                }
                self.set(i.rd, RAX);
            }
            SignExtend(1) | SignExtend(2) | ZeroExtend(2) => {
                self.load(RAX, i.rs1);
                match operation {
                    SignExtend(1) => dynasm!(self.code ; .arch x64 ; movsx rax, al),
                    SignExtend(_) => dynasm!(self.code ; .arch x64 ; movsx rax, ax),
                    _ => dynasm!(self.code ; .arch x64 ; movzx eax, ax),
                }
                self.set(i.rd, RAX);
            }
            SetBit | ClearBit | InvertBit | ExtractBit => self.single_bit(i, operation),
            LeadingZeros | TrailingZeros | PopulationCount => return self.count(i, operation),
            OrCombineBytes => self.or_combine(i),
            ReverseBytes => {
                let to = self.target(i.rd);
                self.load(to, i.rs1);
                dynasm!(self.code ; .arch x64 ; bswap Rq(to));
                self.set(i.rd, to);
            }
            _ => return false,
        }
        true
    }

    /// What has the low half of rs1, zero-extended, as its first source.
    pub(super) fn of_unsigned_word(&mut self, i: &Instruction, operation: Operation) -> bool {
        match operation {
            Operation::Add => {
                self.load_low(RAX, i.rs1);
                self.shift_and_add(i, 0);
            }
            Operation::ShiftAdd(by) => {
                self.load_low(RAX, i.rs1);
                self.shift_and_add(i, by);
            }
            Operation::ShiftLeft => {
                self.load_low(RAX, i.rs1);
                dynasm!(self.code ; .arch x64 ; shl rax, (i.imm & 63) as i8);
                self.set(i.rd, RAX);
            }
            _ => return false,
        }
        true
    }

    fn single_bit(&mut self, i: &Instruction, operation: Operation) {
        self.load(RCX, i.rs2);
        self.load(RAX, i.rs1);
        match operation {
            Operation::SetBit => dynasm!(self.code ; .arch x64 ; bts rax, rcx),
            Operation::ClearBit => dynasm!(self.code ; .arch x64 ; btr rax, rcx),
            Operation::InvertBit => dynasm!(self.code ; .arch x64 ; btc rax, rcx),
            _ => dynasm!(self.code ; .arch x64 ; shr rax, cl ; and eax, BYTE 1),
        }
        self.set(i.rd, RAX);
    }

    pub(super) fn single_bit_immediate(&mut self, i: &Instruction, operation: Operation) {
        let bit = (i.imm & 63) as i8;
        self.load(RAX, i.rs1);
        match operation {
            Operation::SetBit => dynasm!(self.code ; .arch x64 ; bts rax, BYTE bit),
            Operation::ClearBit => dynasm!(self.code ; .arch x64 ; btr rax, BYTE bit),
            Operation::InvertBit => dynasm!(self.code ; .arch x64 ; btc rax, BYTE bit),
            _ => dynasm!(self.code ; .arch x64 ; shr rax, BYTE bit ; and eax, BYTE 1),
        }
        self.set(i.rd, RAX);
    }

    /// Counts of bits, on hosts that have instructions for them.
    fn count(&mut self, i: &Instruction, operation: Operation) -> bool {
        use Operation::*;
        if !counts(operation) {
            return false;
        }
        self.load(RAX, i.rs1);
        match operation {
            LeadingZeros => dynasm!(self.code ; .arch x64 ; lzcnt rax, rax),
            TrailingZeros => dynasm!(self.code ; .arch x64 ; tzcnt rax, rax),
            _ => dynasm!(self.code ; .arch x64 ; popcnt rax, rax),
        }
        self.set(i.rd, RAX);
        true
    }

    /// The same of low halves.
    pub(super) fn count_word(&mut self, i: &Instruction, operation: Operation) -> bool {
        use Operation::*;
        if !counts(operation) {
            return false;
        }
        self.load(RAX, i.rs1);
        match operation {
            LeadingZeros => dynasm!(self.code ; .arch x64 ; lzcnt eax, eax),
            TrailingZeros => dynasm!(self.code ; .arch x64 ; tzcnt eax, eax),
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

    /// RAX, shifted, plus rs2.
    fn shift_and_add(&mut self, i: &Instruction, by: u8) {
        let b = self.get(i.rs2, RDX);
        match by {
            0 => dynasm!(self.code ; .arch x64 ; add rax, Rq(b)),
            1 => dynasm!(self.code ; .arch x64 ; lea rax, [Rq(b) + rax * 2]),
            2 => dynasm!(self.code ; .arch x64 ; lea rax, [Rq(b) + rax * 4]),
            3 => dynasm!(self.code ; .arch x64 ; lea rax, [Rq(b) + rax * 8]),
            _ => dynasm!(self.code ; .arch x64 ; shl rax, by as i8 ; add rax, Rq(b)),
        }
        self.set(i.rd, RAX);
    }
}

/// Whether the host has an instruction that counts so.
fn counts(operation: Operation) -> bool {
    match operation {
        Operation::LeadingZeros => std::arch::is_x86_feature_detected!("lzcnt"),
        Operation::TrailingZeros => std::arch::is_x86_feature_detected!("bmi1"),
        _ => std::arch::is_x86_feature_detected!("popcnt"),
    }
}
