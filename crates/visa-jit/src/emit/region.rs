//! Regions: basic blocks that jump to each other, with mappings of their own.
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use visa_isa::Shape;

use super::extension::{Extensions, Run};
use super::{Emitter, Point, coverage};
use crate::check::mark::Begins;
use crate::region::{Region, is_outside};
use crate::registers::{Mapping, offset};
use crate::runtime::InstructionRecord;
use crate::trampolines::{emit_access, emit_interpret};

/// Bytes of a line of the host's caches of instructions.
const LINE: usize = 64;
/// Instructions that do nothing, by length.
const NOPS: [&[u8]; 9] = [
    &[0x90],
    &[0x66, 0x90],
    &[0x0f, 0x1f, 0x00],
    &[0x0f, 0x1f, 0x40, 0x00],
    &[0x0f, 0x1f, 0x44, 0x00, 0x00],
    &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
    &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
    &[0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    &[0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

/// Where a basic block of a region begins.
#[derive(Clone, Copy)]
pub(super) struct Label {
    pub pc: u64,
    pub label: DynamicLabel,
    /// The mapping that is in force there.
    pub mapping: usize,
}

impl Emitter<'_> {
    pub(super) fn region(&mut self, region: &Region) {
        for basic_block in &region.basic_blocks {
            let label = self.code.new_dynamic_label();
            self.labels.push(Label { pc: basic_block.pc, label, mapping: basic_block.mapping });
        }
        for _ in &region.mappings {
            self.local.push((self.code.new_dynamic_label(), self.code.new_dynamic_label()));
        }
        self.mappings.clone_from(&region.mappings);
        let mut runs = Vec::new();
        for basic_block in &region.basic_blocks {
            let first = runs.last().map_or(0, |run: &Run| run.records.end);
            let (length, mapping) = (basic_block.slots.len(), &region.mappings[basic_block.mapping]);
            match basic_block.is_peeled() {
                true => runs.extend(Run::peeled(first, length, mapping)),
                false => runs.push(Run::new(first..first + length, mapping, true)),
            }
        }
        self.extensions = Extensions::of(&self.records, &runs);
        self.need_float();
        self.enter_region(region);
        self.forget_predictions();
        let mut index = 0;
        for (number, basic_block) in region.basic_blocks.iter().enumerate() {
            let label = self.labels[number].label;
            self.set_mapping(basic_block.mapping);
            self.floats.clear();
            self.predict_by_round(region.round(number));
            if region.is_loop_head(number) && !basic_block.is_peeled() {
                self.align();
            }
            dynasm!(self.code ; .arch x64 ; =>label);
            let length = basic_block.slots.len();
            match basic_block.is_peeled() {
                true => {
                    self.peeled(number, index, length);
                    index += 2 * length;
                }
                false => {
                    self.basic_block(index, index + length);
                    index += length;
                }
            }
            if let Some(next) = self.falls_to(index - 1) {
                match region.basic_blocks.get(number + 1).filter(|basic_block| basic_block.pc == next) {
                    Some(follower) => self.move_to(follower.mapping, index - 1, next),
                    None => self.go(index - 1, next, 0),
                }
            }
        }
        self.cold_code();
        self.wrong_predictions();
        self.link_stubs();
        self.local_trampolines();
        self.local_forget();
    }

    /// Brings registers from where they are between blocks to where the loop has them.
    fn enter_region(&mut self, region: &Region) {
        let outer = &region.mappings[region.basic_blocks[0].mapping];
        for (guest, host) in outer.kept_for(&region.mappings) {
            self.reach(Point::KeptStored);
            dynasm!(self.code ; .arch x64 ; mov [rbp + offset(guest)], Rq(host));
        }
        if coverage::ON && Mapping::usual().changes(outer).next().is_some() {
            self.reach(Point::EnterMapping);
        }
        self.change_mapping(&Mapping::usual(), outer);
    }

    /// Pads the code, so that a loop begins where the host's cache of decoded instructions has a line begin.
    fn align(&mut self) {
        let mut left = (self.address + self.code.offset().0).wrapping_neg() % LINE;
        while left > 0 {
            let length = left.min(NOPS.len());
            self.code.extend(NOPS[length - 1]);
            left -= length;
        }
    }

    fn basic_block(&mut self, first: usize, end: usize) {
        self.mark(first, Begins::Run);
        self.take_budget(first, end - first);
        self.instructions(first, end);
    }

    /// A loop of one basic block, whose first round is apart from the others: those know what a round leaves in registers, which is words,
    /// and floating point that XMM registers hold already.
    fn peeled(&mut self, number: usize, first: usize, length: usize) {
        let (middle, end) = (first + length, first + 2 * length);
        let others = self.code.new_dynamic_label();
        let label = std::mem::replace(&mut self.labels[number].label, others);
        self.reach(Point::FirstRound);
        self.basic_block(first, middle);
        if let Some(next) = self.falls_to(middle - 1) {
            self.go(middle - 1, next, 0);
        }
        self.align();
        dynasm!(self.code ; .arch x64 ; =>others);
        self.reach(Point::OtherRounds);
        let floats = self.floats.clone();
        self.mark(middle, Begins::Run);
        self.take_budget(middle, length);
        self.instructions(middle, end - 1);
        self.float_as_before(&floats);
        self.instructions(end - 1, end);
        self.labels[number].label = label;
    }

    /// Where execution goes on behind the last instruction of a basic block, if it does not jump.
    fn falls_to(&self, last: usize) -> Option<u64> {
        let InstructionRecord { slot, next, .. } = self.records[last];
        slot.filter(|slot| slot.instruction.op.shape() != Shape::Jump && !is_outside(slot)).map(|_| next)
    }

    /// The label of a basic block of this region.
    pub(super) fn label(&self, target: u64) -> Option<Label> {
        self.labels.iter().find(|label| label.pc == target).copied()
    }

    /// What trampolines do for blocks, with the region's mappings.
    fn local_trampolines(&mut self) {
        let indirect = self.trampolines.indirect;
        for (&(interpret, access), mapping) in self.local.iter().zip(&self.mappings) {
            dynasm!(self.code ; .arch x64 ; =>interpret);
            emit_interpret(&mut self.code, mapping, indirect);
            dynasm!(self.code ; .arch x64 ; =>access);
            emit_access(&mut self.code, mapping, indirect);
        }
    }
}
