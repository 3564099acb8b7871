//! Loads, stores and atomic operations: through the TLB's first level, or interpreted.
//!
//! Pages that hold code are not in the first level for stores, so that a store that reaches memory here changes no code.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use visa_core::tlb::Access;
use visa_core::{Reservation, layout};
use visa_isa::{Instruction, Op};

use super::float_cache::FloatCache;
use super::look_up::Address;
use super::{Cold, Emitter, Missed, constant};
use crate::registers::{Place, RAX, RCX, RDX};

/// What an instruction does with memory, and with how many bytes.
pub(super) fn access_of(op: Op) -> Option<(Access, u64)> {
    use Op::*;
    Some(match op {
        Lb | Lbu => (Access::Load, 1),
        Lh | Lhu => (Access::Load, 2),
        Lw | Lwu | Flw | LrW => (Access::Load, 4),
        Ld | Fld | LrD => (Access::Load, 8),
        Sb => (Access::Store, 1),
        Sh => (Access::Store, 2),
        Sw | Fsw | ScW => (Access::Store, 4),
        Sd | Fsd | ScD => (Access::Store, 8),
        AmoswapW | AmoaddW | AmoxorW | AmoandW | AmoorW => (Access::Store, 4),
        AmominW | AmomaxW | AmominuW | AmomaxuW => (Access::Store, 4),
        AmoswapD | AmoaddD | AmoxorD | AmoandD | AmoorD => (Access::Store, 8),
        AmominD | AmomaxD | AmominuD | AmomaxuD => (Access::Store, 8),
        _ => return None,
    })
}

/// Loads from an address of the guest plus an addend, in as few bytes as its offset wants.
macro_rules! load_place {
    ($self:ident, $address:expr, $addend:expr, $name:tt, $width:ident($to:expr), $size:ident) => {{
        let Address { base, offset } = $address;
        match i8::try_from(offset) {
            Ok(0) => dynasm!($self.code ; .arch x64 ; $name $width($to), $size [Rq(base) + Rq($addend)]),
            Ok(short) => {
                dynasm!($self.code ; .arch x64 ; $name $width($to), $size [BYTE Rq(base) + Rq($addend) + short])
            }
            Err(_) => dynasm!($self.code ; .arch x64 ; $name $width($to), $size [Rq(base) + Rq($addend) + offset]),
        }
    }};
}

/// Stores, likewise.
macro_rules! store_place {
    ($self:ident, $address:expr, $addend:expr, $size:ident, $($value:tt)*) => {{
        let Address { base, offset } = $address;
        match i8::try_from(offset) {
            Ok(0) => dynasm!($self.code ; .arch x64 ; mov $size [Rq(base) + Rq($addend)], $($value)*),
            Ok(short) => {
                dynasm!($self.code ; .arch x64 ; mov $size [BYTE Rq(base) + Rq($addend) + short], $($value)*)
            }
            Err(_) => dynasm!($self.code ; .arch x64 ; mov $size [Rq(base) + Rq($addend) + offset], $($value)*),
        }
    }};
}

impl Emitter<'_> {
    /// Begins an instruction with an access, and computes its address. [`Emitter::close_access`] ends it.
    pub(super) fn open_access(&mut self, index: usize, i: &Instruction) -> Missed {
        let [from, interpret, retry] = std::array::from_fn(|_| self.code.new_dynamic_label());
        dynasm!(self.code ; .arch x64 ; =>retry);
        let floats = self.floats.clone();
        let address = self.access_address(i);
        Missed { index, from, interpret, retry, floats, address }
    }

    pub(super) fn close_access(&mut self, missed: Missed) {
        let back = self.code.new_dynamic_label();
        dynasm!(self.code ; .arch x64 ; =>back);
        self.push_cold(Cold::Missed { missed, back, floats: self.floats.clone() });
    }

    /// What follows if the first level knows nothing of an access; it leaves `floats` in XMM registers at `back`.
    pub(super) fn missed(&mut self, missed: &Missed, back: DynamicLabel, floats: &FloatCache) {
        let done = self.code.new_dynamic_label();
        dynasm!(self.code ; .arch x64 ; =>missed.from);
        self.settle(missed.index);
        self.load_address(RCX, missed.address);
        self.call_access(missed, done);
        dynasm!(self.code ; .arch x64 ; =>missed.interpret);
        self.settle(missed.index);
        self.interpret(missed.index);
        dynasm!(self.code ; .arch x64 ; =>done);
        self.forget_guesses();
        self.float_reload(floats);
        dynasm!(self.code ; .arch x64 ; jmp =>back);
    }

    /// Has the first level know the address in RCX and tries again, or goes on at `done` after the instruction.
    pub(super) fn call_access(&mut self, missed: &Missed, done: DynamicLabel) {
        let site = &raw const self.sites[missed.index] as i64;
        dynasm!(self.code ; .arch x64 ; mov rdx, QWORD site);
        match self.local.get(self.current) {
            Some(&(_, label)) => dynasm!(self.code ; .arch x64 ; call =>label),
            None => dynasm!(self.code ; .arch x64 ; call extern self.trampolines.access),
        }
        dynasm!(self.code ; .arch x64 ; jnz =>done);
        self.forget_guesses();
        self.float_reload(&missed.floats);
        dynasm!(self.code ; .arch x64 ; jmp =>missed.retry);
    }

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
        let missed = self.open_access(index, i);
        self.look_up(RAX, Access::Load, missed.address, bytes, missed.from);
        self.load_at(i, missed.address, RAX);
        self.close_access(missed);
    }

    fn store_to(&mut self, index: usize, i: &Instruction, bytes: u64) {
        let missed = self.open_access(index, i);
        self.look_up(RAX, Access::Store, missed.address, bytes, missed.from);
        self.store_at(i, missed.address, RAX);
        self.close_access(missed);
    }

    /// Loads what an instruction does, from an address that an addend (RAX or RCX) turns into the host's.
    pub(super) fn load_at(&mut self, i: &Instruction, address: Address, addend: u8) {
        let to = self.target(i.rd);
        match i.op {
            Op::Lb => load_place!(self, address, addend, movsx, Rq(to), BYTE),
            Op::Lbu => load_place!(self, address, addend, movzx, Rd(to), BYTE),
            Op::Lh => load_place!(self, address, addend, movsx, Rq(to), WORD),
            Op::Lhu => load_place!(self, address, addend, movzx, Rd(to), WORD),
            Op::Lw => load_place!(self, address, addend, movsxd, Rq(to), DWORD),
            Op::Lwu => load_place!(self, address, addend, mov, Rd(to), DWORD),
            _ => load_place!(self, address, addend, mov, Rq(to), QWORD),
        }
        self.set(i.rd, to);
    }

    /// Stores, likewise. Spoils RDX.
    pub(super) fn store_at(&mut self, i: &Instruction, address: Address, addend: u8) {
        if self.mapping.place(i.rs2) == Place::Zero {
            return match i.op {
                Op::Sb => store_place!(self, address, addend, BYTE, 0),
                Op::Sh => store_place!(self, address, addend, WORD, 0),
                Op::Sw => store_place!(self, address, addend, DWORD, 0),
                _ => store_place!(self, address, addend, QWORD, 0),
            };
        }
        let value = self.get(i.rs2, RDX);
        match i.op {
            Op::Sb => store_place!(self, address, addend, BYTE, Rb(value)),
            Op::Sh => store_place!(self, address, addend, WORD, Rw(value)),
            Op::Sw => store_place!(self, address, addend, DWORD, Rd(value)),
            _ => store_place!(self, address, addend, QWORD, Rq(value)),
        }
    }

    /// LR: loads, and notes the place in RAM.
    fn load_reserved(&mut self, index: usize, i: &Instruction, bytes: u64) {
        let missed = self.open_access(index, i);
        self.aligned(Access::Load, bytes, &missed);
        self.reservation(bytes);
        dynasm!(self.code ; .arch x64 ; mov [rbp + layout::RESERVATION as i32], rax);
        match bytes {
            4 => dynasm!(self.code ; .arch x64 ; movsxd rax, DWORD [rcx]),
            _ => dynasm!(self.code ; .arch x64 ; mov rax, [rcx]),
        }
        self.set(i.rd, RAX);
        self.close_access(missed);
    }

    /// SC: stores if the place is the one that LR noted; either way it is forgotten.
    fn store_conditional(&mut self, index: usize, i: &Instruction, bytes: u64) {
        let missed = self.open_access(index, i);
        let lost = self.code.new_dynamic_label();
        self.aligned(Access::Store, bytes, &missed);
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
        self.close_access(missed);
    }

    /// Looks an aligned address up: RCX becomes the address on the host.
    fn aligned(&mut self, access: Access, bytes: u64, missed: &Missed) {
        let address = self.in_register(missed.address);
        dynasm!(self.code ; .arch x64 ; test Rb(address), (bytes - 1) as i8 ; jnz =>missed.interpret);
        self.look_up(RAX, access, Address { base: address, offset: 0 }, bytes, missed.from);
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
        let missed = self.open_access(index, i);
        self.aligned(Access::Store, bytes, &missed);
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
        self.close_access(missed);
    }
}
