//! Loads, stores and atomic operations: through the TLB's first level, or interpreted.
//!
//! Pages that hold code are not in the first level for stores, so that a store that reaches memory here changes no code.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
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
        let address = self.address(i);
        self.look_up(Access::Load, address, bytes, slow);
        let target = self.target(i.rd);
        match i.op {
            Op::Lb => dynasm!(self.code ; .arch x64 ; movsx Rq(target), BYTE [Rq(address) + rax]),
            Op::Lbu => dynasm!(self.code ; .arch x64 ; movzx Rd(target), BYTE [Rq(address) + rax]),
            Op::Lh => dynasm!(self.code ; .arch x64 ; movsx Rq(target), WORD [Rq(address) + rax]),
            Op::Lhu => dynasm!(self.code ; .arch x64 ; movzx Rd(target), WORD [Rq(address) + rax]),
            Op::Lw => dynasm!(self.code ; .arch x64 ; movsxd Rq(target), DWORD [Rq(address) + rax]),
            Op::Lwu => dynasm!(self.code ; .arch x64 ; mov Rd(target), [Rq(address) + rax]),
            _ => dynasm!(self.code ; .arch x64 ; mov Rq(target), [Rq(address) + rax]),
        }
        self.set(i.rd, target);
        dynasm!(self.code ; .arch x64 ; =>back);
    }

    fn store_to(&mut self, index: usize, i: &Instruction, bytes: u64) {
        let back = self.code.new_dynamic_label();
        let slow = self.interpreted(index, back);
        let address = self.address(i);
        self.look_up(Access::Store, address, bytes, slow);
        if self.mapping.place(i.rs2) == Place::Zero {
            match bytes {
                1 => dynasm!(self.code ; .arch x64 ; mov BYTE [Rq(address) + rax], 0),
                2 => dynasm!(self.code ; .arch x64 ; mov WORD [Rq(address) + rax], 0),
                4 => dynasm!(self.code ; .arch x64 ; mov DWORD [Rq(address) + rax], 0),
                _ => dynasm!(self.code ; .arch x64 ; mov QWORD [Rq(address) + rax], 0),
            }
        } else {
            let value = self.get(i.rs2, RDX);
            match bytes {
                1 => dynasm!(self.code ; .arch x64 ; mov [Rq(address) + rax], Rb(value)),
                2 => dynasm!(self.code ; .arch x64 ; mov [Rq(address) + rax], Rw(value)),
                4 => dynasm!(self.code ; .arch x64 ; mov [Rq(address) + rax], Rd(value)),
                _ => dynasm!(self.code ; .arch x64 ; mov [Rq(address) + rax], Rq(value)),
            }
        }
        dynasm!(self.code ; .arch x64 ; =>back);
    }

    /// LR: loads, and notes the place in RAM.
    fn load_reserved(&mut self, index: usize, i: &Instruction, bytes: u64) {
        let back = self.code.new_dynamic_label();
        let slow = self.interpreted(index, back);
        self.aligned(i, Access::Load, bytes, slow);
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
        self.aligned(i, Access::Store, bytes, slow);
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

    /// Looks an aligned address up: RCX becomes the address on the host.
    fn aligned(&mut self, i: &Instruction, access: Access, bytes: u64, slow: DynamicLabel) {
        let address = self.address(i);
        dynasm!(self.code ; .arch x64 ; test Rb(address), (bytes - 1) as i8 ; jnz =>slow);
        self.look_up(access, address, bytes, slow);
        dynasm!(self.code ; .arch x64 ; lea rcx, [Rq(address) + rax]);
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
        self.aligned(i, Access::Store, bytes, slow);
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
