//! Several accesses by one look at the TLB: loads, or stores, off the same base register, in the same page.
//!
//! Function prologues and the fields of a structure make such groups. Computations may stand in between, as long as they leave
//! the base and RCX alone, which holds what turns the base's addresses into the host's; and in a region, branches that leave. If
//! the group reaches over the end of the page, the interpreter executes all of it; a long one, and one with branches, has code
//! for that, too, with a look at the TLB for each.

use std::ops::Range;

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use visa_interp::Slot;
use visa_isa::paging::Access;
use visa_isa::paging::PAGE_SIZE;
use visa_isa::shape::{Load, RegisterFile, Store};
use visa_isa::{Instruction, Op, Shape};

use super::look_up::Address;
use super::{Begins, Cold, Emitter, Missed, Point, coverage};
use crate::registers::{Place, RCX};
use crate::runtime::InstructionRecord;

/// Most bytes from the first to the last that a group touches.
const SPAN: i64 = 256;
/// Most instructions of a group, with those in between.
const LENGTH: usize = 16;

/// A group of so many is long.
const LONG: usize = 8;

/// What a group is.
#[derive(Clone)]
pub(super) struct Group {
    access: Access,
    /// Host register of the base.
    base: u8,
    /// Its first byte, and how many it touches.
    low: i64,
    bytes: i64,
    /// Where its first access is.
    first: i64,
    /// Its instructions.
    pub records: Range<usize>,
}

/// Kind and size of an integer access.
fn access_of(op: Op) -> Option<(Access, i64)> {
    match op.shape() {
        Shape::Load(Load { bytes, file: RegisterFile::Integer, .. }) => Some((Access::Load, bytes as i64)),
        Shape::Store(Store { bytes, file: RegisterFile::Integer }) => Some((Access::Store, bytes as i64)),
        _ => None,
    }
}

/// Whether the code for an instruction leaves RCX alone.
fn keeps_rcx(op: Op) -> bool {
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
            | Addiw
            | Slliw
            | Srliw
            | Sraiw
            | Add
            | Sub
            | Xor
            | Or
            | And
            | Addw
            | Subw
            | Mul
            | Mulw
    )
}

impl Emitter<'_> {
    /// The group that begins with an instruction, if it has at least two accesses.
    pub(super) fn group(&self, first: usize, end: usize) -> Option<Group> {
        let leader = self.records[first].slot?.instruction;
        let (access, size) = access_of(leader.op)?;
        let Place::Host(base) = self.mapping.place(leader.rs1) else { return None };
        let (mut low, mut high) = (leader.imm as i64, leader.imm as i64 + size);
        let mut last = first;
        let overwritten = |i: &Instruction| access == Access::Load && i.rd == leader.rs1;
        if overwritten(&leader) {
            return None;
        }
        for index in first + 1..end.min(first + LENGTH) {
            if self.stays_branch(index, end) && self.is_region() {
                continue;
            }
            let i = self.records[index].slot?.instruction;
            match access_of(i.op) {
                Some((other, size)) if other == access && i.rs1 == leader.rs1 => {
                    let (start, after) = (low.min(i.imm as i64), high.max(i.imm as i64 + size));
                    if after - start > SPAN {
                        break;
                    }
                    (low, high, last) = (start, after, index);
                    if overwritten(&i) {
                        break;
                    }
                }
                None if keeps_rcx(i.op) && i.rd != leader.rs1 => {}
                _ => break,
            }
        }
        let (bytes, records) = (high - low, first..last + 1);
        (last > first).then_some(Group { access, base, low, bytes, first: leader.imm as i64, records })
    }

    /// Emits a group.
    pub(super) fn grouped(&mut self, group: &Group) {
        let [from, interpret, retry, back] = std::array::from_fn(|_| self.code.new_dynamic_label());
        self.mark(group.records.start, Begins::Step(1));
        dynasm!(self.code ; .arch x64 ; =>retry);
        if coverage::ON {
            self.reach(if self.has_branches(group) { Point::GroupWithBranches } else { Point::Group });
        }
        let mut address = Address { base: group.base, offset: group.low as i32 };
        if !self.can_predict() {
            address = Address { base: self.in_register(address), offset: 0 };
        }
        self.look_up(RCX, group.access, address, group.bytes as u64, from);
        for index in group.records.clone() {
            match self.records[index].slot {
                Some(Slot { instruction: i, .. }) if access_of(i.op).is_some() => {
                    let address = Address { base: group.base, offset: i.imm };
                    if index > group.records.start {
                        self.mark(index, Begins::Step(1));
                    }
                    self.reach_operation(&i);
                    match i.op.shape() {
                        Shape::Load(load) => self.load_at(i.rd, load, address, RCX),
                        Shape::Store(Store { bytes, .. }) => self.store_at(i.rs2, bytes, address, RCX),
                        _ => {}
                    }
                    self.mark(index, Begins::End);
                }
                _ => self.instruction(index),
            }
        }
        dynasm!(self.code ; .arch x64 ; =>back);
        let (index, floats) = (group.records.start, self.floats.clone());
        let missed = Missed { index, from, interpret, retry, floats, address };
        self.push_cold(Cold::GroupMissed { missed, group: group.clone(), back });
    }

    /// What follows if the first level does not know the page, or there is more than one. What misses is the first of the
    /// accesses; those after it find the same page.
    pub(super) fn group_missed(&mut self, missed: &Missed, group: &Group, back: DynamicLabel) {
        let rest = self.code.new_dynamic_label();
        let most = (PAGE_SIZE as i64 - group.bytes) as i32;
        dynasm!(self.code ; .arch x64 ; =>missed.from);
        self.reach(Point::GroupMissed);
        self.settle(missed.index);
        dynasm!(self.code ; .arch x64
            ; lea rcx, [Rq(group.base) + group.low as i32]
            ; and ecx, PAGE_SIZE as i32 - 1
            ; cmp ecx, most
            ; ja =>missed.interpret
            ; lea rcx, [Rq(group.base) + group.first as i32]
        );
        self.call_access(missed, rest);
        let Range { start, end } = group.records;
        let branches = self.has_branches(group);
        dynasm!(self.code ; .arch x64 ; =>missed.interpret);
        self.reach(Point::GroupApart);
        if branches || group.records.len() >= LONG {
            self.one_by_one(missed, start..end);
            dynasm!(self.code ; .arch x64 ; jmp =>back);
        } else {
            self.interpret(start);
        }
        dynasm!(self.code ; .arch x64 ; =>rest);
        self.forget_predictions();
        if branches {
            self.float_reload(&missed.floats);
            self.one_by_one(missed, start + 1..end);
        } else {
            for index in start + 1..end {
                self.mark(index, Begins::Step(1));
                self.interpret(index);
            }
            self.float_reload(&missed.floats);
        }
        dynasm!(self.code ; .arch x64 ; jmp =>back);
    }

    fn has_branches(&self, group: &Group) -> bool {
        let branch = |record: &InstructionRecord| {
            record.slot.is_some_and(|slot| slot.instruction.op.shape().is_branch())
        };
        self.records[group.records.clone()].iter().any(branch)
    }

    /// A group without what makes it one. A kernel's switch of tasks saves and restores a long one, and where a task is does not
    /// change.
    fn one_by_one(&mut self, missed: &Missed, records: Range<usize>) {
        self.floats = missed.floats.clone();
        // Predictions are for what is usual.
        let predictions = self.predictions.take();
        records.for_each(|index| self.instruction(index));
        self.predictions = predictions;
    }
}
