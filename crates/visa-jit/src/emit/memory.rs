//! Loads, stores and atomic operations: through the TLB's first level, or interpreted.
//!
//! Pages that hold code are not in the first level for stores, so that a store that reaches memory here changes no code.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use visa_core::layout;
use visa_isa::paging::Access;
use visa_isa::shape::{Atomic, AtomicOperation, Extend, Load, Memory, RegisterFile, Store};
use visa_isa::{Instruction, Op, Shape};
use visa_state::Reservation;

use super::float_cache::FloatCache;
use super::look_up::Address;
use super::{Cold, Emitter, Missed, Point, constant};
use crate::registers::{Place, RAX, RCX, RDX};

/// What an instruction does with memory, as translation sees it, and with how many bytes.
pub(super) fn access_of(op: Op) -> Option<(Access, u64)> {
    let Memory { bytes, stores, .. } = op.shape().memory()?;
    Some((if stores { Access::Store } else { Access::Load }, bytes))
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
        self.reach(Point::Missed);
        self.settle(missed.index);
        self.load_address(RCX, missed.address);
        self.call_access(missed, done);
        dynasm!(self.code ; .arch x64 ; =>missed.interpret);
        self.reach(Point::Refused);
        self.settle(missed.index);
        self.interpret(missed.index);
        dynasm!(self.code ; .arch x64 ; =>done);
        self.reach(Point::Unrefilled);
        self.forget_predictions();
        self.float_reload(floats);
        dynasm!(self.code ; .arch x64 ; jmp =>back);
    }

    /// Has the first level know the address in RCX and tries again, or goes on at `done` after the instruction.
    pub(super) fn call_access(&mut self, missed: &Missed, done: DynamicLabel) {
        let record = &raw const self.records[missed.index] as i64;
        dynasm!(self.code ; .arch x64 ; mov rdx, QWORD record);
        match self.local.get(self.current) {
            Some(&(_, label)) => dynasm!(self.code ; .arch x64 ; call =>label),
            None => dynasm!(self.code ; .arch x64 ; call extern self.trampolines.access),
        }
        dynasm!(self.code ; .arch x64 ; jnz =>done);
        self.reach(Point::Again);
        self.forget_predictions();
        self.float_reload(&missed.floats);
        dynasm!(self.code ; .arch x64 ; jmp =>missed.retry);
    }

    /// Emits a load, a store or an atomic operation; false if it is none that has code here.
    pub(super) fn access(&mut self, index: usize, i: &Instruction) -> bool {
        match i.op.shape() {
            Shape::Load(load @ Load { file: RegisterFile::Integer, .. }) => self.load_from(index, i, load),
            Shape::Store(Store { bytes, file: RegisterFile::Integer }) => self.store_to(index, i, bytes),
            Shape::Atomic(Atomic { bytes: bytes @ (4 | 8), operation }) => match operation {
                AtomicOperation::LoadReserved => self.load_reserved(index, i, bytes),
                AtomicOperation::StoreConditional => self.store_conditional(index, i, bytes),
                _ => self.atomic(index, i, operation, bytes),
            },
            _ => return false,
        }
        true
    }

    fn load_from(&mut self, index: usize, i: &Instruction, load: Load) {
        let missed = self.open_access(index, i);
        self.look_up(RAX, Access::Load, missed.address, load.bytes.into(), missed.from);
        self.load_at(i.rd, load, missed.address, RAX);
        self.close_access(missed);
    }

    fn store_to(&mut self, index: usize, i: &Instruction, bytes: u8) {
        let missed = self.open_access(index, i);
        self.look_up(RAX, Access::Store, missed.address, bytes.into(), missed.from);
        self.store_at(i.rs2, bytes, missed.address, RAX);
        self.close_access(missed);
    }

    /// Loads a register from an address that an addend (RAX or RCX) turns into the host's.
    pub(super) fn load_at(&mut self, register: u8, load: Load, address: Address, addend: u8) {
        let to = self.target(register);
        match (load.bytes, load.extend) {
            (1, Extend::Sign) => load_place!(self, address, addend, movsx, Rq(to), BYTE),
            (1, _) => load_place!(self, address, addend, movzx, Rd(to), BYTE),
            (2, Extend::Sign) => load_place!(self, address, addend, movsx, Rq(to), WORD),
            (2, _) => load_place!(self, address, addend, movzx, Rd(to), WORD),
            (4, Extend::Sign) => load_place!(self, address, addend, movsxd, Rq(to), DWORD),
            (4, _) => load_place!(self, address, addend, mov, Rd(to), DWORD),
            _ => load_place!(self, address, addend, mov, Rq(to), QWORD),
        }
        self.set(register, to);
    }

    /// Stores, likewise. Spoils RDX.
    pub(super) fn store_at(&mut self, register: u8, bytes: u8, address: Address, addend: u8) {
        if self.mapping.place(register) == Place::Zero {
            return match bytes {
                1 => store_place!(self, address, addend, BYTE, 0),
                2 => store_place!(self, address, addend, WORD, 0),
                4 => store_place!(self, address, addend, DWORD, 0),
                _ => store_place!(self, address, addend, QWORD, 0),
            };
        }
        let value = self.get(register, RDX);
        match bytes {
            1 => store_place!(self, address, addend, BYTE, Rb(value)),
            2 => store_place!(self, address, addend, WORD, Rw(value)),
            4 => store_place!(self, address, addend, DWORD, Rd(value)),
            _ => store_place!(self, address, addend, QWORD, Rq(value)),
        }
    }

    /// LR: loads, and notes the place in RAM.
    fn load_reserved(&mut self, index: usize, i: &Instruction, bytes: u8) {
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
    fn store_conditional(&mut self, index: usize, i: &Instruction, bytes: u8) {
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
    fn aligned(&mut self, access: Access, bytes: u8, missed: &Missed) {
        let address = self.in_register(missed.address);
        dynasm!(self.code ; .arch x64 ; test Rb(address), (bytes - 1) as i8 ; jnz =>missed.interpret);
        self.look_up(RAX, access, Address { base: address, offset: 0 }, bytes.into(), missed.from);
        dynasm!(self.code ; .arch x64 ; lea rcx, [Rq(address) + rax]);
    }

    /// Puts what stands for a reservation of the bytes at RCX, an address on the host, into RAX.
    fn reservation(&mut self, bytes: u8) {
        constant(&mut self.code, RAX, self.ram.wrapping_neg());
        dynasm!(self.code ; .arch x64
            ; add rax, rcx
            ; shl rax, Reservation::SIZE_BITS as i8
            ; or rax, bytes as i32
        );
    }

    /// One hart runs at a time, so that a load and a store are atomic without more.
    fn atomic(&mut self, index: usize, i: &Instruction, operation: AtomicOperation, bytes: u8) {
        use AtomicOperation::*;
        let missed = self.open_access(index, i);
        self.aligned(Access::Store, bytes, &missed);
        self.load(RAX, i.rs2);
        match bytes {
            4 => dynasm!(self.code ; .arch x64 ; movsxd rdx, DWORD [rcx]),
            _ => dynasm!(self.code ; .arch x64 ; mov rdx, [rcx]),
        }
        match (operation, bytes) {
            (Swap | LoadReserved | StoreConditional, _) => {}
            (Add, _) => dynasm!(self.code ; .arch x64 ; add rax, rdx),
            (Xor, _) => dynasm!(self.code ; .arch x64 ; xor rax, rdx),
            (And, _) => dynasm!(self.code ; .arch x64 ; and rax, rdx),
            (Or, _) => dynasm!(self.code ; .arch x64 ; or rax, rdx),
            (Minimum, 4) => dynasm!(self.code ; .arch x64 ; cmp eax, edx ; cmovg eax, edx),
            (Maximum, 4) => dynasm!(self.code ; .arch x64 ; cmp eax, edx ; cmovl eax, edx),
            (MinimumUnsigned, 4) => dynasm!(self.code ; .arch x64 ; cmp eax, edx ; cmova eax, edx),
            (MaximumUnsigned, 4) => dynasm!(self.code ; .arch x64 ; cmp eax, edx ; cmovb eax, edx),
            (Minimum, _) => dynasm!(self.code ; .arch x64 ; cmp rax, rdx ; cmovg rax, rdx),
            (Maximum, _) => dynasm!(self.code ; .arch x64 ; cmp rax, rdx ; cmovl rax, rdx),
            (MinimumUnsigned, _) => dynasm!(self.code ; .arch x64 ; cmp rax, rdx ; cmova rax, rdx),
            (MaximumUnsigned, _) => dynasm!(self.code ; .arch x64 ; cmp rax, rdx ; cmovb rax, rdx),
        }
        match bytes {
            4 => dynasm!(self.code ; .arch x64 ; mov [rcx], eax),
            _ => dynasm!(self.code ; .arch x64 ; mov [rcx], rax),
        }
        self.set(i.rd, RDX);
        self.close_access(missed);
    }
}
