//! Regions: pieces that jump to each other, with mappings of their own.
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynamicLabel, DynasmLabelApi, dynasm};
use visa_isa::Op;

use super::Emitter;
use super::extension::{Extensions, Run};
use crate::region::{Region, is_outside};
use crate::registers::Mapping;
use crate::runtime::Site;
use crate::trampolines::{emit_access, emit_interpret};

/// Where a piece of a region begins.
#[derive(Clone, Copy)]
pub(super) struct Label {
    pub pc: u64,
    pub label: DynamicLabel,
    /// The mapping that is in force there.
    pub mapping: usize,
}

impl Emitter<'_> {
    pub(super) fn region(&mut self, region: &Region) {
        for piece in &region.pieces {
            let label = self.code.new_dynamic_label();
            self.labels.push(Label { pc: piece.pc, label, mapping: piece.mapping });
        }
        for _ in &region.mappings {
            self.local.push((self.code.new_dynamic_label(), self.code.new_dynamic_label()));
        }
        self.mappings.clone_from(&region.mappings);
        let mut first = 0;
        let runs = region.pieces.iter().map(|piece| {
            let end = first + piece.slots.len();
            let sites = std::mem::replace(&mut first, end)..end;
            Run::new(sites, &region.mappings[piece.mapping], true)
        });
        self.extensions = Extensions::of(&self.sites, &runs.collect::<Vec<_>>());
        self.need_float();
        self.change_mapping(&Mapping::usual(), &region.mappings[region.pieces[0].mapping]);
        self.forget_guesses();
        let mut index = 0;
        for (number, piece) in region.pieces.iter().enumerate() {
            let label = self.labels[number].label;
            self.set_mapping(piece.mapping);
            self.floats.clear();
            dynasm!(self.code ; .arch x64 ; =>label);
            let end = index + piece.slots.len();
            match piece.is_float_loop() {
                true => self.float_loop(number, index, end),
                false => self.piece(index, end),
            }
            let Site { slot, next, .. } = self.sites[end - 1];
            let falls = slot.is_some_and(|slot| slot.instruction.op != Op::Jal && !is_outside(&slot));
            let follower = region.pieces.get(number + 1).filter(|piece| piece.pc == next);
            match follower {
                Some(follower) if falls => self.move_to(follower.mapping, end - 1),
                None if falls => self.go(end - 1, next, 0),
                _ => {}
            }
            index = end;
        }
        self.cold_code();
        self.wrong_guesses();
        self.link_stubs();
        self.local_trampolines();
        self.local_forget();
    }

    fn piece(&mut self, first: usize, end: usize) {
        self.take_budget(first, end - first);
        self.instructions(first, end);
    }

    /// A loop of one piece, that computes floating point: its first round, and then the others, which find in XMM registers what the
    /// one before has left there.
    fn float_loop(&mut self, number: usize, first: usize, end: usize) {
        let (others, done) = (self.code.new_dynamic_label(), self.code.new_dynamic_label());
        let label = std::mem::replace(&mut self.labels[number].label, others);
        self.piece(first, end);
        dynasm!(self.code ; .arch x64 ; jmp =>done ; =>others);
        let floats = self.floats.clone();
        self.take_budget(first, end - first);
        self.instructions(first, end - 1);
        self.float_as_before(&floats);
        self.instructions(end - 1, end);
        dynasm!(self.code ; .arch x64 ; =>done);
        self.labels[number].label = label;
    }

    /// The label of a piece of this region.
    pub(super) fn label(&self, target: u64) -> Option<Label> {
        self.labels.iter().find(|label| label.pc == target).copied()
    }

    /// What trampolines do for units, with the region's mappings.
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
