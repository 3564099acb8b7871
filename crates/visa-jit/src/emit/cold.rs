//! What is out of the way of the usual path: after the rest of the code.
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynamicLabel, DynasmLabelApi, dynasm};

use super::float_cache::FloatCache;
use super::group::Group;
use super::look_up::Address;
use super::{Emitter, Point, constant};
use crate::registers::RCX;

/// Code that is out of the way of the usual path.
pub(super) enum Cold {
    /// Has the interpreter execute an instruction, then goes back.
    Interpret { from: DynamicLabel, index: usize, back: DynamicLabel, floats: FloatCache },
    /// The TLB's first level does not know the address of an access.
    Missed { missed: Missed, back: DynamicLabel, floats: FloatCache },
    /// Nor that of a group's accesses, or they reach over the end of a page.
    GroupMissed { missed: Missed, group: Group, back: DynamicLabel },
    /// A branch is taken: what was not executed goes back into the budget.
    Branch { from: DynamicLabel, index: usize, left: i64, target: u64 },
    /// The budget does not suffice for a basic block.
    Short { from: DynamicLabel, first: usize, length: i64 },
    /// The host does not compute for the guest.
    NoFloat { from: DynamicLabel },
}

/// What is to be done for an access of which the TLB's first level knows nothing.
pub(super) struct Missed {
    /// Of the instruction.
    pub index: usize,
    /// Entered here if the first level does not know the address.
    pub from: DynamicLabel,
    /// Entered here if the instruction is better interpreted.
    pub interpret: DynamicLabel,
    /// Where the instruction begins, for when the first level knows.
    pub retry: DynamicLabel,
    /// What XMM registers hold there.
    pub floats: FloatCache,
    /// Where it goes, or for a group, where its bytes begin.
    pub address: Address,
}

impl Emitter<'_> {
    /// Code that is out of the way, with the mapping of here.
    pub(super) fn push_cold(&mut self, cold: Cold) {
        self.cold.push((self.current, cold));
    }

    /// At `from`, control goes to the interpreter for an instruction, and then to `back`.
    pub(super) fn push_interpreted(&mut self, from: DynamicLabel, index: usize, back: DynamicLabel) {
        self.push_cold(Cold::Interpret { from, index, back, floats: self.floats.clone() });
    }

    pub(super) fn cold_code(&mut self) {
        // Some of it has some of its own.
        while !self.cold.is_empty() {
            for (mapping, cold) in std::mem::take(&mut self.cold) {
                self.set_mapping(mapping);
                self.cold_part(cold);
            }
        }
    }

    fn cold_part(&mut self, cold: Cold) {
        match cold {
            Cold::Interpret { from, index, back, floats } => {
                dynasm!(self.code ; .arch x64 ; =>from);
                self.reach(Point::Refused);
                self.settle(index);
                self.interpret(index);
                self.float_reload(&floats);
                dynasm!(self.code ; .arch x64 ; jmp =>back);
            }
            Cold::Missed { missed, back, floats } => self.missed(&missed, back, &floats),
            Cold::GroupMissed { missed, group, back } => self.group_missed(&missed, &group, back),
            Cold::NoFloat { from } => {
                dynasm!(self.code ; .arch x64 ; =>from);
                self.reach(Point::NoFloat);
                constant(&mut self.code, RCX, self.start);
                dynasm!(self.code ; .arch x64 ; jmp extern self.trampolines.exit_float);
            }
            Cold::Branch { from, index, left, target } => {
                dynasm!(self.code ; .arch x64 ; =>from);
                self.reach(Point::Taken);
                self.go(index, target, left);
            }
            Cold::Short { from, first, length } => {
                dynasm!(self.code ; .arch x64 ; =>from);
                self.reach(Point::Short);
                self.give_back(length);
                self.settle(first);
                self.leave_mapping();
                constant(&mut self.code, RCX, self.records[first].pc);
                dynasm!(self.code ; .arch x64 ; jmp extern self.trampolines.exit_budget);
            }
        }
    }
}
