//! Where the guest's registers are, as the code of an instruction finds them.
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynasmApi, dynasm};
use visa_isa::Instruction;

use super::look_up::Address;
use super::{Emitter, Point, constant, coverage};
use crate::registers::{Mapping, Place, RAX, RCX, offset};

impl Emitter<'_> {
    /// What follows is emitted with another of the region's mappings; where it is reached, registers are so already.
    pub(super) fn set_mapping(&mut self, number: usize) {
        if let Some(mapping) = self.mappings.get(number) {
            self.mapping = mapping.clone();
            self.current = number;
        }
    }

    /// Behind a record, brings registers where another of the region's mappings has them, and as a basic block expects them; flags stay.
    pub(super) fn move_to(&mut self, number: usize, index: usize, target: u64) {
        let moves = number != self.current;
        if moves || self.extensions.leaves_loop(&self.records, index, target) {
            self.settle_after(index);
        }
        self.reach(if moves { Point::OtherMapping } else { Point::SameMapping });
        if moves {
            let (from, to) = (self.mapping.clone(), self.mappings[number].clone());
            self.change_mapping(&from, &to);
        }
    }

    /// Brings registers where they are between blocks; flags stay.
    pub(super) fn leave_mapping(&mut self) {
        let from = self.mapping.clone();
        if coverage::ON && from.changes(&Mapping::usual()).next().is_some() {
            self.reach(Point::LeaveMapping);
        }
        self.change_mapping(&from, &Mapping::usual());
    }

    /// Emits the moves from one mapping to another; flags stay.
    pub(super) fn change_mapping(&mut self, from: &Mapping, to: &Mapping) {
        let changes: Vec<(u8, u8, u8)> = from.changes(to).collect();
        for &(host, before, _) in &changes {
            if from.is_stale(before) {
                self.reach(Point::Displaced);
                dynasm!(self.code ; .arch x64 ; mov [rbp + offset(before)], Rq(host));
            }
        }
        for (host, _, after) in changes {
            dynasm!(self.code ; .arch x64 ; mov Rq(host), [rbp + offset(after)]);
        }
    }

    /// The register of the host that holds a register of the guest: its own, or `temporary`, loaded now.
    pub(super) fn get(&mut self, register: u8, temporary: u8) -> u8 {
        match self.mapping.place(register) {
            Place::Host(host) => host,
            _ => {
                self.load(temporary, register);
                temporary
            }
        }
    }

    /// Copies a register of the guest into one of the host.
    pub(super) fn load(&mut self, host: u8, register: u8) {
        match self.mapping.place(register) {
            Place::Zero => dynasm!(self.code ; .arch x64 ; xor Rd(host), Rd(host)),
            Place::Host(from) if from == host => {}
            Place::Host(from) => dynasm!(self.code ; .arch x64 ; mov Rq(host), Rq(from)),
            Place::Memory(offset) => dynasm!(self.code ; .arch x64 ; mov Rq(host), [rbp + offset]),
        }
    }

    /// The register of the host in which to compute the new value of one of the guest's; then [`Emitter::set`] it.
    pub(super) fn target(&self, register: u8) -> u8 {
        match self.mapping.place(register) {
            Place::Host(host) => host,
            _ => RAX,
        }
    }

    /// Copies a register of the host into one of the guest.
    pub(super) fn set(&mut self, register: u8, host: u8) {
        match self.mapping.place(register) {
            Place::Zero => {}
            Place::Host(to) if to == host => {}
            Place::Host(to) => dynasm!(self.code ; .arch x64 ; mov Rq(to), Rq(host)),
            Place::Memory(offset) => dynasm!(self.code ; .arch x64 ; mov [rbp + offset], Rq(host)),
        }
    }

    /// Sets a register of the guest to a constant.
    pub(super) fn set_constant(&mut self, register: u8, value: u64) {
        if register != 0 {
            let target = self.target(register);
            constant(&mut self.code, target, value);
            self.set(register, target);
        }
    }

    /// Where an access goes: off the register of its base if [`Emitter::look_up`] takes that, or else in a register.
    pub(super) fn access_address(&mut self, i: &Instruction) -> Address {
        match self.mapping.place(i.rs1) {
            Place::Host(base) if self.can_predict() => Address { base, offset: i.imm },
            _ => Address { base: self.address(i), offset: 0 },
        }
    }

    /// Base register plus immediate, in a register of the host: RCX, or the base's own.
    pub(super) fn address(&mut self, i: &Instruction) -> u8 {
        match self.mapping.place(i.rs1) {
            Place::Zero => constant(&mut self.code, RCX, i.imm as i64 as u64),
            Place::Host(base) => return self.in_register(Address { base, offset: i.imm }),
            Place::Memory(offset) => {
                dynasm!(self.code ; .arch x64 ; mov rcx, [rbp + offset]);
                self.add_constant(RCX, i.imm);
            }
        }
        RCX
    }

    /// Adds a constant to a register of the host, in few bytes.
    pub(super) fn add_constant(&mut self, register: u8, value: i32) {
        match i8::try_from(value) {
            Ok(0) => {}
            Ok(short) => dynasm!(self.code ; .arch x64 ; add Rq(register), BYTE short),
            Err(_) => dynasm!(self.code ; .arch x64 ; add Rq(register), value),
        }
    }
}
