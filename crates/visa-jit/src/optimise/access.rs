//! Loads, stores and atomic operations.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use visa_core::layout;
use visa_isa::paging::Access;
use visa_isa::paging::{PAGE_SHIFT, PAGE_SIZE};
use visa_isa::shape::{Atomic, AtomicOperation, Extend, Load, RegisterFile, Store};
use visa_isa::{Instruction, Op, Shape};
use visa_mmu::tlb::FIRST_LEVEL_ENTRIES;
use visa_state::Reservation;

use super::data::{AccessRecord, LoopPrediction};
use super::lower::{Lowering, SideExit};
use crate::coverage::Point;
use crate::runtime::field;

/// Most bytes from the first to the last that are looked up at once.
const SPAN: i64 = 128;

/// Kinds of accesses, by what the TLB's first level has an array for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Loads.
    Load,
    /// Stores, and atomic operations.
    Store,
}

/// What was looked up, off a base register that has not changed since.
#[derive(Clone, Copy)]
pub struct Found {
    /// The address on the host of the first byte.
    host: Value,
    /// That byte's distance from the base, and how many there are.
    low: i64,
    bytes: i64,
    /// The last line that goes by it.
    last: usize,
}

impl Kind {
    fn access(self) -> Access {
        match self {
            Kind::Load => Access::Load,
            Kind::Store => Access::Store,
        }
    }
}

/// Kind and size of a load or a store.
fn plain_access(op: Op) -> Option<(Kind, i64)> {
    match op.shape() {
        Shape::Load(Load { bytes, file: RegisterFile::Integer, .. }) => Some((Kind::Load, bytes as i64)),
        Shape::Store(Store { bytes, file: RegisterFile::Integer }) => Some((Kind::Store, bytes as i64)),
        _ => None,
    }
}

impl Lowering<'_, '_> {
    /// An access of the block that ends before line `end`; false if the line is none.
    pub(super) fn access(&mut self, number: usize, end: usize) -> bool {
        let i = self.plan.lines[number].slot.instruction;
        match i.op.shape() {
            Shape::Load(load @ Load { bytes, file: RegisterFile::Integer, .. }) => {
                let (host, at) = self.host_address(number, end, Kind::Load, bytes as i64);
                self.load(&i, load, host, at);
            }
            Shape::Store(Store { bytes, file: RegisterFile::Integer }) => {
                let (host, at) = self.host_address(number, end, Kind::Store, bytes as i64);
                self.store(&i, bytes, host, at);
            }
            Shape::Atomic(Atomic { bytes: 4, operation }) => self.atomic(number, end, operation, types::I32),
            Shape::Atomic(Atomic { bytes: 8, operation }) => self.atomic(number, end, operation, types::I64),
            _ => return false,
        }
        true
    }

    fn atomic(&mut self, number: usize, end: usize, operation: AtomicOperation, size: Type) {
        let i = self.plan.lines[number].slot.instruction;
        let base = self.get(i.rs1);
        let misaligned = self.builder.ins().band_imm_u(base, size.bytes() as i64 - 1);
        self.leave_if(misaligned, number, end);
        let loads = operation == AtomicOperation::LoadReserved;
        let kind = if loads { Kind::Load } else { Kind::Store };
        let (host, _) = self.host_address(number, end, kind, size.bytes() as i64);
        match operation {
            AtomicOperation::LoadReserved => self.load_reserved(&i, host, size),
            AtomicOperation::StoreConditional => self.store_conditional(&i, host, size),
            _ => self.modify(&i, operation, host, size),
        }
    }

    /// If a value is not zero, somebody else executes the line, and goes on.
    fn leave_if(&mut self, value: Value, number: usize, end: usize) {
        let (out, go_on) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(value, out, &[], go_on, &[]);
        let pc = self.plan.lines[number].pc;
        self.depart(out, SideExit::Again(pc), (end - number) as i64);
        self.builder.switch_to_block(go_on);
    }

    fn load(&mut self, i: &Instruction, load: Load, host: Value, at: i32) {
        let flags = self.guest;
        let ins = self.builder.ins();
        let value = match (load.bytes, load.extend) {
            (1, Extend::Sign) => ins.sload8(types::I64, flags, host, at),
            (1, _) => ins.uload8(types::I64, flags, host, at),
            (2, Extend::Sign) => ins.sload16(types::I64, flags, host, at),
            (2, _) => ins.uload16(types::I64, flags, host, at),
            (4, Extend::Sign) => ins.sload32(flags, host, at),
            (4, _) => ins.uload32(flags, host, at),
            _ => ins.load(types::I64, flags, host, at),
        };
        self.set(i.rd, value);
    }

    fn store(&mut self, i: &Instruction, bytes: u8, host: Value, at: i32) {
        let value = self.get(i.rs2);
        let flags = self.guest;
        let ins = self.builder.ins();
        match bytes {
            1 => ins.istore8(flags, value, host, at),
            2 => ins.istore16(flags, value, host, at),
            4 => ins.istore32(flags, value, host, at),
            _ => ins.store(flags, value, host, at),
        };
    }

    /// Where a line's access goes on the host: an address and a distance from it.
    fn host_address(&mut self, number: usize, end: usize, kind: Kind, bytes: i64) -> (Value, i32) {
        let i = self.plan.lines[number].slot.instruction;
        let imm = if plain_access(i.op).is_some() { i.imm as i64 } else { 0 };
        let key = (kind, i.rs1);
        let known = self.found.iter().find(|(found, _)| *found == key).map(|(_, found)| *found);
        if let Some(found) = known
            && number <= found.last
            && imm >= found.low
            && imm + bytes <= found.low + found.bytes
        {
            return (found.host, (imm - found.low) as i32);
        }
        let mut found = self.look_ahead(number, end, kind, imm, bytes);
        // What others go by must not be replaced by what this one brings into the first level.
        let shared = self
            .found
            .iter()
            .any(|((other, base), found)| *other == kind && *base != i.rs1 && found.last > number);
        let base = self.get(i.rs1);
        let address = self.builder.ins().iadd_imm_s(base, found.low);
        let plain = self.plain.contains(&number);
        let first = (imm - found.low) as u64;
        let record = AccessRecord::new(kind.access(), found.bytes as u64, first, number, plain, shared);
        found.host = match plain {
            true => self.by_first_level(address, record, number, end),
            false => self.by_prediction(address, record, number, end),
        };
        self.found.retain(|(other, _)| *other != key);
        self.found.push((key, found));
        (found.host, (imm - found.low) as i32)
    }

    /// What can be looked up at once with a line's access: others of the kind off the same base, in this block.
    fn look_ahead(&self, number: usize, end: usize, kind: Kind, imm: i64, bytes: i64) -> Found {
        let base = self.plan.lines[number].slot.instruction.rs1;
        let (mut low, mut high, mut last) = (imm, imm + bytes, number);
        let is_plain = plain_access(self.plan.lines[number].slot.instruction.op).is_some();
        for ahead in number..if is_plain { end } else { number } {
            let line = &self.plan.lines[ahead];
            let i = &line.slot.instruction;
            if let Some((other, size)) = plain_access(i.op)
                && other == kind
                && i.rs1 == base
            {
                let (start, after) = (low.min(i.imm as i64), high.max(i.imm as i64 + size));
                if after - start > SPAN {
                    break;
                }
                (low, high, last) = (start, after, ahead);
            }
            if Lowering::writes(line, base) {
                break;
            }
        }
        Found { host: self.hart, low, bytes: high - low, last }
    }

    /// Goes by the last page of this place, as long as it is the same.
    fn by_prediction(&mut self, address: Value, record: AccessRecord, number: usize, end: usize) -> Value {
        let record = self.record(record);
        let prediction = self.constant(&raw const self.data.predictions[record] as u64);
        let flags = self.predictions;
        let [page, limit, host] = [
            std::mem::offset_of!(LoopPrediction, page),
            std::mem::offset_of!(LoopPrediction, limit),
            std::mem::offset_of!(LoopPrediction, host),
        ]
        .map(|field| field as i32);
        let page = self.builder.ins().load(types::I64, flags, prediction, page);
        let within = self.builder.ins().isub(address, page);
        let limit = self.builder.ins().load(types::I64, flags, prediction, limit);
        let fits = self.builder.ins().icmp(IntCC::UnsignedLessThan, within, limit);
        let (right, wrong, go_on) =
            (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        let result = self.builder.append_block_param(go_on, types::I64);
        self.builder.ins().brif(fits, right, &[], wrong, &[]);
        self.builder.switch_to_block(right);
        self.reach(Point::PredictionRight);
        let host = self.builder.ins().load(types::I64, flags, prediction, host);
        let host = self.builder.ins().iadd(host, within);
        self.builder.ins().jump(go_on, &[host.into()]);
        let found = self.find(wrong, Point::PredictionWrong, address, record, number, end);
        self.builder.ins().jump(go_on, &[found.into()]);
        self.builder.switch_to_block(go_on);
        result
    }

    /// Goes by the TLB's first level.
    fn by_first_level(&mut self, address: Value, record: AccessRecord, number: usize, end: usize) -> Value {
        let (access, bytes) = (record.access, record.bytes as i64);
        let record = self.record(record);
        let mask = FIRST_LEVEL_ENTRIES as i64 - 1;
        let index = self.builder.ins().ushr_imm_u(address, PAGE_SHIFT as i64);
        let index = self.builder.ins().band_imm_u(index, mask);
        let index = self.builder.ins().ishl_imm_u(index, 3);
        let entry = self.builder.ins().iadd(self.hart, index);
        let own = self.own;
        let tag = self.builder.ins().load(types::I64, own, entry, layout::tags(access) as i32);
        // The page of the last byte: an access into the next page matches no entry, as its place is the first byte's.
        let last = self.builder.ins().iadd_imm_s(address, bytes - 1);
        let page = self.builder.ins().band_imm_s(last, -(PAGE_SIZE as i64));
        let context = self.builder.ins().load(types::I64, own, self.hart, layout::context(access) as i32);
        let wanted = self.builder.ins().bor(page, context);
        let matches = self.builder.ins().icmp(IntCC::Equal, tag, wanted);
        let (right, wrong, go_on) =
            (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        let result = self.builder.append_block_param(go_on, types::I64);
        self.builder.ins().brif(matches, right, &[], wrong, &[]);
        self.builder.switch_to_block(right);
        self.reach(Point::FirstLevel);
        let addend = self.builder.ins().load(types::I64, own, entry, layout::addends(access) as i32);
        let host = self.builder.ins().iadd(address, addend);
        self.builder.ins().jump(go_on, &[host.into()]);
        let found = self.find(wrong, Point::FirstLevelMissed, address, record, number, end);
        self.builder.ins().jump(go_on, &[found.into()]);
        self.builder.switch_to_block(go_on);
        result
    }

    /// Fills a block with the call that looks an address up, or leaves.
    fn find(
        &mut self,
        block: cranelift_codegen::ir::Block,
        reached: Point,
        address: Value,
        record: usize,
        number: usize,
        end: usize,
    ) -> Value {
        self.builder.set_cold_block(block);
        self.builder.switch_to_block(block);
        self.reach(reached);
        let region = self.constant(&raw const *self.data as u64);
        let stub = self.constant(self.addresses.find as u64);
        self.call(stub, region, record, address);
        let found = self.builder.ins().load(types::I64, self.own, self.environment, field::FOUND);
        let failed = self.builder.ins().icmp_imm_s(IntCC::Equal, found, 0);
        self.leave_if(failed, number, end);
        if let Some(block) = self.builder.current_block() {
            self.builder.set_cold_block(block);
        }
        found
    }

    /// What stands for a reservation of bytes at an address on the host.
    fn reservation(&mut self, host: Value, size: Type) -> Value {
        let ram = self.constant(self.addresses.ram.wrapping_neg());
        let offset = self.builder.ins().iadd(host, ram);
        let shifted = self.builder.ins().ishl_imm_u(offset, Reservation::SIZE_BITS as i64);
        self.builder.ins().bor_imm_u(shifted, size.bytes() as i64)
    }

    fn load_reserved(&mut self, i: &Instruction, host: Value, size: Type) {
        let reservation = self.reservation(host, size);
        self.builder.ins().store(self.own, reservation, self.hart, layout::RESERVATION as i32);
        let value = self.builder.ins().load(size, self.guest, host, 0);
        let value = self.whole(value);
        self.set(i.rd, value);
    }

    /// SC: stores if the place is the one that LR noted; either way it is forgotten.
    fn store_conditional(&mut self, i: &Instruction, host: Value, size: Type) {
        let own = self.own;
        let wanted = self.reservation(host, size);
        let known = self.builder.ins().load(types::I64, own, self.hart, layout::RESERVATION as i32);
        let none = self.constant(0);
        self.builder.ins().store(own, none, self.hart, layout::RESERVATION as i32);
        let same = self.builder.ins().icmp(IntCC::Equal, wanted, known);
        let (store, go_on) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(same, store, &[], go_on, &[]);
        self.builder.switch_to_block(store);
        let value = self.get(i.rs2);
        let value = if size == types::I64 { value } else { self.narrow(size, value) };
        self.builder.ins().store(self.guest, value, host, 0);
        self.builder.ins().jump(go_on, &[]);
        self.builder.switch_to_block(go_on);
        let lost = self.builder.ins().bxor_imm_u(same, 1);
        let lost = self.builder.ins().uextend(types::I64, lost);
        self.set(i.rd, lost);
    }

    /// One hart runs at a time, so that a load and a store are atomic without more.
    fn modify(&mut self, i: &Instruction, operation: AtomicOperation, host: Value, size: Type) {
        use AtomicOperation::*;
        let flags: MemFlagsData = self.guest;
        let operand = self.get(i.rs2);
        let operand = if size == types::I64 { operand } else { self.narrow(size, operand) };
        let old = self.builder.ins().load(size, flags, host, 0);
        let ins = self.builder.ins();
        let new = match operation {
            Swap | LoadReserved | StoreConditional => operand,
            Add => ins.iadd(old, operand),
            Xor => ins.bxor(old, operand),
            And => ins.band(old, operand),
            Or => ins.bor(old, operand),
            Minimum => ins.smin(old, operand),
            Maximum => ins.smax(old, operand),
            MinimumUnsigned => ins.umin(old, operand),
            MaximumUnsigned => ins.umax(old, operand),
        };
        self.builder.ins().store(flags, new, host, 0);
        let value = self.whole(old);
        self.set(i.rd, value);
    }

    /// Sign-extends to 64 bits.
    fn whole(&mut self, value: Value) -> Value {
        match self.builder.func.dfg.value_type(value) {
            types::I64 => value,
            _ => self.builder.ins().sextend(types::I64, value),
        }
    }
}
