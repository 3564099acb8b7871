//! Predictions where accesses of a region go: to the page of the last time.
//!
//! An access then need not wait for a look at the TLB's first level. A prediction that is in force is always backed by an entry there:
//! [`Emitter::forget_predictions`] comes wherever entries may have been dropped or replaced, on entry and after everything that is
//! not generated code. So the interpreter would have found the access in the first level, too. A place that predicts wrongly too
//! often stops to predict for a while.
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use std::mem::offset_of;

use crate::predicted::{self, PredictedPage};
use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use visa_core::layout;
use visa_isa::paging::Access;
use visa_isa::paging::PAGE_SIZE;

use super::look_up::Address;
use super::{Emitter, Point};
use crate::registers::{RAX, RDX};

/// Predictions of a region, at most: forgetting them takes an instruction each.
pub const MOST: usize = 160;
/// [`PredictedPage::left`] when no addend is expected either: it goes on below 0 with every one that differs.
const NONE_EXPECTED: i32 = -64;
/// The bits of an address that say which page it is in.
const PAGE_MASK: i32 = !(PAGE_SIZE as i32 - 1);

/// The predictions of a region. The first place stands for all: it holds the generation of the TLB for which they hold.
pub(super) struct RegionPredictions {
    first: usize,
    /// For each place that is in use, instructions between two executions of what it is for; 0 for the first.
    pub rounds: Vec<u32>,
    /// The same for accesses that are emitted now.
    round: u32,
    forget: DynamicLabel,
}

/// A look-up by prediction, whose other ways are still to come.
pub(super) struct PredictedAccess {
    from: DynamicLabel,
    back: DynamicLabel,
    slow: DynamicLabel,
    place: usize,
    into: u8,
    access: Access,
    address: Address,
    bytes: u64,
}

fn page(place: usize) -> i32 {
    predicted::place(place, offset_of!(PredictedPage, page)) as i32
}

fn limit(place: usize) -> i32 {
    predicted::place(place, offset_of!(PredictedPage, limit)) as i32
}

fn addend(place: usize) -> i32 {
    predicted::place(place, offset_of!(PredictedPage, addend)) as i32
}

fn left(place: usize) -> i32 {
    predicted::place(place, offset_of!(PredictedPage, left)) as i32
}

impl Emitter<'_> {
    /// Uses predictions from a place on.
    pub(super) fn use_predictions(&mut self, first: usize) {
        let forget = self.code.new_dynamic_label();
        self.predictions = Some(RegionPredictions { first, rounds: vec![0], round: 0, forget });
    }

    /// What is emitted from now on is executed once in so many instructions.
    pub(super) fn predict_by_round(&mut self, instructions: usize) {
        if let Some(predictions) = &mut self.predictions {
            predictions.round = instructions as u32;
        }
    }

    /// Whether there is room for one more.
    pub(super) fn can_predict(&self) -> bool {
        self.predictions.as_ref().is_some_and(|predictions| predictions.rounds.len() < MOST)
    }

    /// As [`Emitter::look_up`], by a prediction; false if there is no room for one.
    pub(super) fn predict(
        &mut self,
        into: u8,
        access: Access,
        address: Address,
        bytes: u64,
        slow: DynamicLabel,
    ) -> bool {
        let Some(predictions) =
            self.predictions.as_mut().filter(|predictions| predictions.rounds.len() < MOST)
        else {
            return false;
        };
        let place = predictions.first + predictions.rounds.len();
        predictions.rounds.push(predictions.round);
        let (from, back) = (self.code.new_dynamic_label(), self.code.new_dynamic_label());
        self.load_address(RDX, address);
        dynasm!(self.code ; .arch x64
            ; sub rdx, [rbp + page(place)]
            ; cmp rdx, [rbp + limit(place)]
            ; jae =>from
        );
        self.reach(Point::PredictionRight);
        dynasm!(self.code ; .arch x64 ; mov Rq(into), [rbp + addend(place)] ; =>back);
        self.predicted.push(PredictedAccess { from, back, slow, place, into, access, address, bytes });
        true
    }

    /// The ways of wrong predictions: by the first level, which is remembered, or if predictions have stopped, by an addend that is expected.
    pub(super) fn wrong_predictions(&mut self) {
        for predicted in std::mem::take(&mut self.predicted) {
            let PredictedAccess { from, back, slow, place, into, access, address, bytes } = predicted;
            let found = self.code.new_dynamic_label();
            let known = layout::addends(access) as i32;
            dynasm!(self.code ; .arch x64 ; =>from);
            self.reach(Point::PredictionWrong);
            let address = self.in_register(address);
            self.find_first_level(access, address, bytes, slow);
            dynasm!(self.code ; .arch x64
                ; cmp QWORD [rbp + left(place)], BYTE 0
                ; jg >learn
                ; mov rdx, Rq(address)
                ; xor rdx, [rbp + page(place)]
                ; add rdx, [rbp + addend(place)]
                ; sub rdx, Rq(address)
                ; cmp rdx, [rbp + rax * 8 + known]
                ; jne >differs
            );
            self.reach(Point::AddendRight);
            dynasm!(self.code ; .arch x64 ; mov Rq(into), rdx ; jmp =>back ; differs:);
            self.reach(Point::AddendWrong);
            dynasm!(self.code ; .arch x64 ; mov rax, [rbp + rax * 8 + known]);
            self.expect(place, address, found);
            dynasm!(self.code ; .arch x64
                ; learn:
                ; mov rax, [rbp + rax * 8 + known]
            );
            self.learn(place, address, bytes);
            dynasm!(self.code ; .arch x64 ; =>found);
            if into != RAX {
                dynasm!(self.code ; .arch x64 ; mov Rq(into), rax);
            }
            dynasm!(self.code ; .arch x64 ; jmp =>back);
        }
    }

    /// Remembers the page of an address in a register as the prediction, with the addend in RAX. Spoils RDX.
    fn learn(&mut self, place: usize, address: u8, bytes: u64) {
        dynasm!(self.code ; .arch x64
            ; sub QWORD [rbp + left(place)], BYTE 1
            ; jz >enough
            ; mov rdx, Rq(address)
            ; and rdx, PAGE_MASK
            ; mov [rbp + page(place)], rdx
            ; mov QWORD [rbp + limit(place)], (PAGE_SIZE + 1 - bytes) as i32
            ; mov [rbp + addend(place)], rax
            ; jmp >learnt
            ; enough:
        );
        self.reach(Point::PredictionStopped);
        dynasm!(self.code ; .arch x64
            ; mov QWORD [rbp + limit(place)], 0
            ; mov QWORD [rbp + page(place)], 0
            ; learnt:
        );
    }

    /// Another addend than the expected one, in RAX: expects what follows from it if pages lie the other way round than was
    /// thought, upwards or downwards, until that was wrong too often; goes on at `found`. Spoils RDX.
    fn expect(&mut self, place: usize, address: u8, found: DynamicLabel) {
        dynasm!(self.code ; .arch x64
            ; cmp QWORD [rbp + left(place)], NONE_EXPECTED
            ; je =>found
            ; sub QWORD [rbp + left(place)], BYTE 1
            ; mov rdx, [rbp + page(place)]
            ; xor rdx, PAGE_MASK
            ; mov [rbp + page(place)], rdx
            ; xor rdx, Rq(address)
            ; neg rdx
            ; add rdx, Rq(address)
            ; add rdx, rax
            ; mov [rbp + addend(place)], rdx
            ; jmp =>found
        );
    }

    /// Forgets predictions that may not be backed any more. Spoils RAX.
    pub(super) fn forget_predictions(&mut self) {
        if let Some(&RegionPredictions { first, forget, .. }) = self.predictions.as_ref() {
            dynasm!(self.code ; .arch x64
                ; mov rax, [rbp + layout::GENERATION as i32]
                ; cmp rax, [rbp + page(first)]
                ; je >same
            );
            self.reach(Point::PredictionsForgotten);
            dynasm!(self.code ; .arch x64 ; call =>forget ; same:);
        }
    }

    /// What that calls, with the generation in RAX.
    pub(super) fn local_forget(&mut self) {
        let Some(RegionPredictions { first, rounds, forget, .. }) = self.predictions.as_ref() else { return };
        let (first, used, forget) = (*first, rounds.len(), *forget);
        dynasm!(self.code ; .arch x64 ; =>forget ; mov [rbp + page(first)], rax ; xor eax, eax);
        for place in first + 1..first + used {
            dynasm!(self.code ; .arch x64 ; mov [rbp + limit(place)], rax);
        }
        dynasm!(self.code ; .arch x64 ; ret);
    }
}
