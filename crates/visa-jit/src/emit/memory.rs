//! Loads, stores and atomic operations: through the TLB's first level, or interpreted.
//!
//! Pages that hold code are not in the first level for stores, so that a store that reaches memory here changes no code.

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use visa_core::tlb::Access;
use visa_core::{Reservation, layout};
use visa_isa::{Instruction, Op};

use super::{Emitter, constant};
use crate::registers::{Place, RAX, RDX};

impl Emitter<'_> {
    /// Emits a load, a store or an atomic operation; false if it is none that has code here.
    pub(super) fn access(&mut self, index: usize, i: &Instruction) -> bool {
        match i.op {
            Op::Lb | Op::Lbu => self.load_from(index, i, 1),
            Op::Lh | Op::Lhu => self.load_from(index, i, 2),
            Op::Lw | Op::Lwu => self.load_from(index, i, 4),
            Op::Ld => self.load_from(index, i, 8),
            Op::Sb => self.store_to(index, i, 1),
            Op::Sh => self.store_to(index, i, 2),
            Op::Sw => self.store_to(index, i, 4),
            Op::Sd => self.store_to(index, i, 8),
            Op::LrW => self.load_reserved(index, i, 4),
            Op::LrD => self.load_reserved(index, i, 8),
            Op::ScW => self.store_conditional(index, i, 4),
            Op::ScD => self.store_conditional(index, i, 8),
            Op::AmoswapW | Op::AmoaddW | Op::AmoxorW | Op::AmoandW | Op::AmoorW => self.atomic(index, i, 4),
            Op::AmominW | Op::AmomaxW | Op::AmominuW | Op::AmomaxuW => self.atomic(index, i, 4),
            Op::AmoswapD | Op::AmoaddD | Op::AmoxorD | Op::AmoandD | Op::AmoorD => self.atomic(index, i, 8),
            Op::AmominD | Op::AmomaxD | Op::AmominuD | Op::AmomaxuD => self.atomic(index, i, 8),
            _ => return false,
        }
        true
    }

    fn load_from(&mut self, index: usize, i: &Instruction, bytes: u64) {
        let back = self.code.new_dynamic_label();
        let slow = self.interpreted(index, back);
        self.address(i);
        self.look_up(Access::Load, bytes, slow);
        let target = self.target(i.rd);
        match i.op {
            Op::Lb => dynasm!(self.code ; .arch x64 ; movsx Rq(target), BYTE [rcx]),
            Op::Lbu => dynasm!(self.code ; .arch x64 ; movzx Rd(target), BYTE [rcx]),
            Op::Lh => dynasm!(self.code ; .arch x64 ; movsx Rq(target), WORD [rcx]),
            Op::Lhu => dynasm!(self.code ; .arch x64 ; movzx Rd(target), WORD [rcx]),
            Op::Lw => dynasm!(self.code ; .arch x64 ; movsxd Rq(target), DWORD [rcx]),
            Op::Lwu => dynasm!(self.code ; .arch x64 ; mov Rd(target), [rcx]),
            _ => dynasm!(self.code ; .arch x64 ; mov Rq(target), [rcx]),
        }
        self.set(i.rd, target);
        dynasm!(self.code ; .arch x64 ; =>back);
    }

    fn store_to(&mut self, index: usize, i: &Instruction, bytes: u64) {
        let back = self.code.new_dynamic_label();
        let slow = self.interpreted(index, back);
        self.address(i);
        self.look_up(Access::Store, bytes, slow);
        if self.mapping.place(i.rs2) == Place::Zero {
            match bytes {
                1 => dynasm!(self.code ; .arch x64 ; mov BYTE [rcx], 0),
                2 => dynasm!(self.code ; .arch x64 ; mov WORD [rcx], 0),
                4 => dynasm!(self.code ; .arch x64 ; mov DWORD [rcx], 0),
                _ => dynasm!(self.code ; .arch x64 ; mov QWORD [rcx], 0),
            }
        } else {
            let value = self.get(i.rs2, RAX);
            match bytes {
                1 => dynasm!(self.code ; .arch x64 ; mov [rcx], Rb(value)),
                2 => dynasm!(self.code ; .arch x64 ; mov [rcx], Rw(value)),
                4 => dynasm!(self.code ; .arch x64 ; mov [rcx], Rd(value)),
                _ => dynasm!(self.code ; .arch x64 ; mov [rcx], Rq(value)),
            }
        }
        dynasm!(self.code ; .arch x64 ; =>back);
    }

    /// LR: loads, and notes the place in RAM.
    fn load_reserved(&mut self, index: usize, i: &Instruction, bytes: u64) {
        let back = self.code.new_dynamic_label();
        let slow = self.interpreted(index, back);
        self.address(i);
        dynasm!(self.code ; .arch x64 ; test cl, (bytes - 1) as i8 ; jnz =>slow);
        self.look_up(Access::Load, bytes, slow);
        self.reservation(bytes);
        dynasm!(self.code ; .arch x64 ; mov [rbp + layout::RESERVATION as i32], rax);
        match bytes {
            4 => dynasm!(self.code ; .arch x64 ; movsxd rax, DWORD [rcx]),
            _ => dynasm!(self.code ; .arch x64 ; mov rax, [rcx]),
        }
        self.set(i.rd, RAX);
        dynasm!(self.code ; .arch x64 ; =>back);
    }

    /// SC: stores if the place is the one that LR noted; either way it is forgotten.
    fn store_conditional(&mut self, index: usize, i: &Instruction, bytes: u64) {
        let back = self.code.new_dynamic_label();
        let slow = self.interpreted(index, back);
        let lost = self.code.new_dynamic_label();
        self.address(i);
        dynasm!(self.code ; .arch x64 ; test cl, (bytes - 1) as i8 ; jnz =>slow);
        self.look_up(Access::Store, bytes, slow);
        self.reservation(bytes);
        dynasm!(self.code ; .arch x64
            ; mov rdx, [rbp + layout::RESERVATION as i32]
            ; mov QWORD [rbp + layout::RESERVATION as i32], 0
            ; cmp rax, rdx
            ; mov eax, 1
            ; jne =>lost
        );
        self.load(RDX, i.rs2);
        match bytes {
            4 => dynasm!(self.code ; .arch x64 ; mov [rcx], edx),
            _ => dynasm!(self.code ; .arch x64 ; mov [rcx], rdx),
        }
        dynasm!(self.code ; .arch x64 ; xor eax, eax ; =>lost);
        self.set(i.rd, RAX);
        dynasm!(self.code ; .arch x64 ; =>back);
    }

    /// Puts what stands for a reservation of the bytes at RCX, an address on the host, into RAX.
    fn reservation(&mut self, bytes: u64) {
        constant(&mut self.code, RAX, self.ram.wrapping_neg());
        dynasm!(self.code ; .arch x64
            ; add rax, rcx
            ; shl rax, Reservation::SIZE_BITS as i8
            ; or rax, bytes as i32
        );
    }

    /// One hart runs at a time, so that a load and a store are atomic without more.
    fn atomic(&mut self, index: usize, i: &Instruction, bytes: u64) {
        let back = self.code.new_dynamic_label();
        let slow = self.interpreted(index, back);
        self.address(i);
        dynasm!(self.code ; .arch x64 ; test cl, (bytes - 1) as i8 ; jnz =>slow);
        self.look_up(Access::Store, bytes, slow);
        self.load(RAX, i.rs2);
        match bytes {
            4 => dynasm!(self.code ; .arch x64 ; movsxd rdx, DWORD [rcx]),
            _ => dynasm!(self.code ; .arch x64 ; mov rdx, [rcx]),
        }
        match i.op {
            Op::AmoaddW | Op::AmoaddD => dynasm!(self.code ; .arch x64 ; add rax, rdx),
            Op::AmoxorW | Op::AmoxorD => dynasm!(self.code ; .arch x64 ; xor rax, rdx),
            Op::AmoandW | Op::AmoandD => dynasm!(self.code ; .arch x64 ; and rax, rdx),
            Op::AmoorW | Op::AmoorD => dynasm!(self.code ; .arch x64 ; or rax, rdx),
            Op::AmominW => dynasm!(self.code ; .arch x64 ; cmp eax, edx ; cmovg eax, edx),
            Op::AmomaxW => dynasm!(self.code ; .arch x64 ; cmp eax, edx ; cmovl eax, edx),
            Op::AmominuW => dynasm!(self.code ; .arch x64 ; cmp eax, edx ; cmova eax, edx),
            Op::AmomaxuW => dynasm!(self.code ; .arch x64 ; cmp eax, edx ; cmovb eax, edx),
            Op::AmominD => dynasm!(self.code ; .arch x64 ; cmp rax, rdx ; cmovg rax, rdx),
            Op::AmomaxD => dynasm!(self.code ; .arch x64 ; cmp rax, rdx ; cmovl rax, rdx),
            Op::AmominuD => dynasm!(self.code ; .arch x64 ; cmp rax, rdx ; cmova rax, rdx),
            Op::AmomaxuD => dynasm!(self.code ; .arch x64 ; cmp rax, rdx ; cmovb rax, rdx),
            _ => {}
        }
        match bytes {
            4 => dynasm!(self.code ; .arch x64 ; mov [rcx], eax),
            _ => dynasm!(self.code ; .arch x64 ; mov [rcx], rax),
        }
        self.set(i.rd, RDX);
        dynasm!(self.code ; .arch x64 ; =>back);
    }
}
