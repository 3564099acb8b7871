//! Division, and the upper half of products.
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use visa_isa::Instruction;
use visa_isa::shape::Operation;

use super::Emitter;
use crate::registers::{RAX, RCX, RDX};

/// Whether a division is signed, and whether the remainder is its result.
fn kind(operation: Operation) -> (bool, bool) {
    let signed = matches!(operation, Operation::Divide | Operation::Remainder);
    (signed, matches!(operation, Operation::Remainder | Operation::RemainderUnsigned))
}

impl Emitter<'_> {
    pub(super) fn multiply_high(&mut self, i: &Instruction, operation: Operation) {
        self.load(RAX, i.rs1);
        let b = self.get(i.rs2, RCX);
        match operation {
            Operation::MultiplyHigh => dynasm!(self.code ; .arch x64 ; imul Rq(b)),
            _ => dynasm!(self.code ; .arch x64 ; mul Rq(b)),
        }
        self.set(i.rd, RDX);
    }

    /// Division by zero and the one that overflows have results of their own (RISC-V unprivileged, 13.2); the host
    /// would trap.
    pub(super) fn divide(&mut self, i: &Instruction, operation: Operation) {
        let (signed, remainder) = kind(operation);
        self.load(RAX, i.rs1);
        self.load(RCX, i.rs2);
        let (by_zero, by_minus_one, end) = self.division_labels();
        dynasm!(self.code ; .arch x64 ; test rcx, rcx ; jz =>by_zero);
        if signed {
            dynasm!(self.code ; .arch x64 ; cmp rcx, BYTE -1 ; je =>by_minus_one ; cqo ; idiv rcx);
        } else {
            dynasm!(self.code ; .arch x64 ; xor edx, edx ; div rcx);
        }
        if remainder {
            dynasm!(self.code ; .arch x64 ; mov rax, rdx);
        }
        dynasm!(self.code ; .arch x64 ; jmp =>end ; =>by_minus_one);
        if remainder {
            dynasm!(self.code ; .arch x64 ; xor eax, eax);
        } else {
            dynasm!(self.code ; .arch x64 ; neg rax);
        }
        dynasm!(self.code ; .arch x64 ; jmp =>end ; =>by_zero);
        if !remainder {
            dynasm!(self.code ; .arch x64 ; mov rax, -1);
        }
        dynasm!(self.code ; .arch x64 ; =>end);
        self.set(i.rd, RAX);
    }

    pub(super) fn divide_word(&mut self, i: &Instruction, operation: Operation) {
        let (signed, remainder) = kind(operation);
        self.load(RAX, i.rs1);
        self.load(RCX, i.rs2);
        let (by_zero, by_minus_one, end) = self.division_labels();
        dynasm!(self.code ; .arch x64 ; test ecx, ecx ; jz =>by_zero);
        if signed {
            dynasm!(self.code ; .arch x64 ; cmp ecx, BYTE -1 ; je =>by_minus_one ; cdq ; idiv ecx);
        } else {
            dynasm!(self.code ; .arch x64 ; xor edx, edx ; div ecx);
        }
        if remainder {
            dynasm!(self.code ; .arch x64 ; mov eax, edx);
        }
        dynasm!(self.code ; .arch x64 ; jmp =>end ; =>by_minus_one);
        if remainder {
            dynasm!(self.code ; .arch x64 ; xor eax, eax);
        } else {
            dynasm!(self.code ; .arch x64 ; neg eax);
        }
        dynasm!(self.code ; .arch x64 ; jmp =>end ; =>by_zero);
        if !remainder {
            dynasm!(self.code ; .arch x64 ; mov eax, -1);
        }
        dynasm!(self.code ; .arch x64 ; =>end);
        self.set_word(i.rd, RAX);
    }

    fn division_labels(
        &mut self,
    ) -> (dynasmrt::DynamicLabel, dynasmrt::DynamicLabel, dynasmrt::DynamicLabel) {
        (self.code.new_dynamic_label(), self.code.new_dynamic_label(), self.code.new_dynamic_label())
    }
}
