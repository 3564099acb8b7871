//! Sign extension, left out where the upper half is not read.
//!
//! Results of 32 bits are sign-extended to 64. Most of them only feed others of 32 bits, are compared with such, or are
//! stored. So a host register may hold the low half of a guest's register alone: its extension is pending. Whatever leaves
//! generated code, or moves the register, makes up for it first ([`Emitter::settle`]); most of that is out of the usual way.
//!
//! Three analyses over the instructions of a block or a region decide where:
//!
//! * forwards, which registers certainly hold words, values of 32 bits sign-extended;
//! * backwards, whose upper halves are read further on: results that are, are extended at once;
//! * forwards, whose extensions may be pending. They must be words by whichever way execution comes, because then extending them is
//!   right whether or not it has been done. Where one is not, it counts as read, and the last two begin again.

use std::ops::Range;

use dynasmrt::{DynasmApi, dynasm};
use visa_interp::Slot;
use visa_isa::shape::{Compute, Operation, RegisterFile, Store, Width};
use visa_isa::{Instruction, Shape};

use super::{Emitter, Point};
use crate::region::is_outside;
use crate::registers::Mapping;
use crate::runtime::InstructionRecord;

/// A bit for each integer register.
type Registers = u32;

/// What an instruction's result is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gives {
    /// 64 bits.
    Any,
    /// A word, without being extended.
    Word,
    /// The sign extension of what was computed of low halves.
    Extension,
    /// Bit by bit of its sources: if they are words, it is one, and its low half is computed of theirs.
    Same,
}

/// What an instruction reads and writes.
#[derive(Clone, Copy)]
struct Effect {
    /// Registers that are read as a whole.
    whole: Registers,
    /// Registers of which low halves suffice: always for an extension, for the others if all of them are words.
    low: Registers,
    written: Registers,
    gives: Gives,
}

fn bit(register: u8) -> Registers {
    1 << (register & 31)
}

/// What is known of the instruction at a record.
#[derive(Clone, Copy, Default)]
struct Facts {
    /// Before it.
    words: Registers,
    pending: Registers,
    forced: Registers,
    /// Read as a whole, from it on.
    needed: Registers,
    /// Behind it.
    pending_after: Registers,
    /// Its result stays without extension.
    lazy: bool,
}

/// What is known of a block or a region, by record.
#[derive(Default)]
pub(super) struct Extensions {
    facts: Vec<Facts>,
    /// The records of peeled loops, all rounds.
    loops: Vec<Range<usize>>,
}

/// A run of records in a mapping, for the analysis.
pub(super) struct Run {
    /// Its records.
    pub records: Range<usize>,
    /// The record that a jump to its first instruction reaches: that one, or where the other rounds of a peeled loop begin.
    head: usize,
    /// Of a peeled loop: the records of all rounds.
    rounds: Option<Range<usize>>,
    /// Registers that are in host registers.
    hosted: Registers,
    /// It belongs to a region, which it leaves before some instructions.
    of_region: bool,
}

impl Run {
    /// A block, or a basic block of a region.
    pub(super) fn new(records: Range<usize>, mapping: &Mapping, of_region: bool) -> Run {
        let hosted = mapping.hosts.iter().fold(0, |hosted, (guest, _)| hosted | bit(*guest));
        Run { head: records.start, records, rounds: None, hosted, of_region }
    }

    /// The two runs of a peeled loop: the first round, and the others.
    pub(super) fn peeled(first: usize, length: usize, mapping: &Mapping) -> [Run; 2] {
        let (head, end) = (first + length, first + 2 * length);
        let rounds = Some(first..end);
        [first..head, head..end].map(|records| Run {
            head,
            rounds: rounds.clone(),
            ..Run::new(records, mapping, true)
        })
    }

    fn leaves(&self, slot: &Slot) -> bool {
        self.of_region && is_outside(slot)
    }
}

/// Whether an instruction's result is extended, or would be.
pub fn extends(i: &Instruction) -> bool {
    effect_of(i).gives == Gives::Extension
}

impl Extensions {
    /// Whether the result of an instruction stays without extension.
    pub(super) fn is_lazy(&self, index: usize) -> bool {
        self.facts.get(index).is_some_and(|facts| facts.lazy)
    }

    /// Whether registers hold words before an instruction: then their low halves compare as they do.
    pub(super) fn are_words(&self, index: usize, registers: &[u8]) -> bool {
        let known = self.facts.get(index).map_or(0, |facts| facts.words) | 1;
        registers.iter().all(|register| known & bit(*register) != 0)
    }

    /// Whether the sign extension of a register, by an instruction that does no more, leaves it as it is.
    pub(super) fn extends_nothing(&self, index: usize, register: u8) -> bool {
        let pending = self.pending(index) & bit(register) != 0;
        self.are_words(index, &[register]) && (!pending || self.is_lazy(index))
    }

    /// Whether going on at an address behind a record leaves a peeled loop.
    pub(super) fn leaves_loop(&self, records: &[InstructionRecord], index: usize, target: u64) -> bool {
        let of = self.loops.iter().find(|rounds| rounds.contains(&index));
        of.is_some_and(|rounds| records[rounds.start].pc != target)
    }

    fn pending(&self, index: usize) -> Registers {
        self.facts.get(index).map_or(0, |facts| facts.pending)
    }

    fn pending_after(&self, index: usize) -> Registers {
        self.facts.get(index).map_or(0, |facts| facts.pending_after)
    }

    /// Analyses a block, or a region's basic blocks.
    pub(super) fn of(records: &[InstructionRecord], runs: &[Run]) -> Extensions {
        let effects: Vec<Effect> = records.iter().map(effect).collect();
        // Most blocks of a kernel: nothing is extended, and there is nothing to find out.
        if effects.iter().all(|effect| effect.gives != Gives::Extension) {
            return Extensions::default();
        }
        let mut facts = vec![Facts { words: Registers::MAX, ..Facts::default() }; records.len()];
        if let Some(first) = facts.first_mut() {
            first.words = 1;
        }
        let mut flow = Flow { effects, facts, records: Vec::with_capacity(records.len()) };
        for run in runs {
            let around = run.records.clone().map(|index| Around {
                next: successors(records, runs, run, index),
                hosted: run.hosted,
                rounds: run.rounds.clone(),
            });
            flow.records.extend(around);
        }
        while flow.words() {}
        loop {
            while flow.needed() {}
            while flow.pending() {}
            if !flow.force() {
                let peeled = runs.iter().filter_map(|run| run.rounds.clone());
                return Extensions { facts: flow.facts, loops: peeled.collect() };
            }
        }
    }
}

/// Where a record is.
struct Around {
    /// Where execution may go on within the block or the region.
    next: [Option<usize>; 2],
    /// Registers that are in host registers.
    hosted: Registers,
    /// In a peeled loop: the records of all rounds.
    rounds: Option<Range<usize>>,
}

impl Around {
    /// Where execution may go on with what is pending. What leaves a peeled loop extends, so that its rounds need not.
    fn unsettled(&self) -> impl Iterator<Item = usize> {
        let stays = |next: &usize| self.rounds.as_ref().is_none_or(|rounds| rounds.contains(next));
        self.next.into_iter().flatten().filter(stays)
    }
}

fn successors(records: &[InstructionRecord], runs: &[Run], run: &Run, index: usize) -> [Option<usize>; 2] {
    let record = &records[index];
    let Some(slot) = record.slot.filter(|slot| !run.leaves(slot)) else { return [None; 2] };
    let i = slot.instruction;
    let target = record.pc.wrapping_add(i.imm as i64 as u64);
    // Of a basic block of its own, or over what a conditional move takes the place of.
    let basic_block = |pc| match records[run.head].pc == pc {
        true => Some(run.head),
        false => runs.iter().map(|run| run.records.start).find(|first| records[*first].pc == pc),
    };
    let ahead = |pc| (index + 1..run.records.end).find(|ahead| records[*ahead].pc == pc);
    let next = if index + 1 < run.records.end { Some(index + 1) } else { basic_block(record.next) };
    match i.op.shape() {
        Shape::Jump => [basic_block(target), None],
        Shape::Branch(_) => [next, basic_block(target).or_else(|| ahead(target))],
        _ => [next, None],
    }
}

/// The analyses under way. Each of their steps goes over all records once, and says whether anything has changed.
struct Flow {
    records: Vec<Around>,
    effects: Vec<Effect>,
    facts: Vec<Facts>,
}

impl Flow {
    fn words(&mut self) -> bool {
        let mut changed = false;
        for (index, record) in self.records.iter().enumerate() {
            let Effect { low, written, gives, .. } = self.effects[index];
            let before = self.facts[index].words;
            let is_word = match gives {
                Gives::Any => false,
                Gives::Word | Gives::Extension => true,
                Gives::Same => low & !before == 0,
            };
            let after = before & !written | if is_word { written } else { 0 } | 1;
            for next in record.next.into_iter().flatten() {
                let known = &mut self.facts[next].words;
                changed |= *known & !after != 0;
                *known &= after;
            }
        }
        changed
    }

    fn needed(&mut self) -> bool {
        let mut changed = false;
        for (index, record) in self.records.iter().enumerate().rev() {
            let Effect { whole, low, written, gives } = self.effects[index];
            let after = record.unsettled().fold(0, |needed, next| needed | self.facts[next].needed);
            let facts = &mut self.facts[index];
            let seen = written & (after | !record.hosted) != 0;
            facts.lazy = gives == Gives::Extension && !seen && written != 0;
            let are_words = low & !facts.words == 0;
            let low_suffices = match gives {
                Gives::Extension | Gives::Any => true,
                Gives::Word => are_words,
                Gives::Same => are_words && !seen,
            };
            let read = whole | if low_suffices { 0 } else { low };
            let needed = (after & !written | read | facts.forced) & !1;
            changed |= needed != facts.needed;
            facts.needed = needed;
        }
        changed
    }

    fn pending(&mut self) -> bool {
        let mut changed = false;
        for (index, record) in self.records.iter().enumerate() {
            let Effect { low, written, gives, .. } = self.effects[index];
            let facts = &mut self.facts[index];
            let stays = facts.lazy || gives == Gives::Same && low & facts.pending != 0;
            let after = facts.pending & !written | if stays { written } else { 0 };
            facts.pending_after = after;
            for next in record.unsettled() {
                // What is not there in a host register was extended on the way.
                let after = after & self.records[next].hosted;
                let known = &mut self.facts[next].pending;
                changed |= after & !*known != 0;
                *known |= after;
            }
        }
        changed
    }

    /// What is pending and not certainly a word counts as read; nothing is pending then, to begin with.
    fn force(&mut self) -> bool {
        let mut forced = false;
        for facts in &mut self.facts {
            let wrong = facts.pending & !facts.words;
            forced |= wrong != 0;
            facts.forced |= wrong;
        }
        if forced {
            self.facts.iter_mut().for_each(|facts| facts.pending = 0);
        }
        forced
    }
}

fn effect(record: &InstructionRecord) -> Effect {
    // One that reaches into the next page: the interpreter's.
    let unknown = Effect { whole: 0, low: 0, written: Registers::MAX, gives: Gives::Any };
    record.slot.map_or(unknown, |slot| effect_of(&slot.instruction))
}

fn effect_of(i: &Instruction) -> Effect {
    let (one, two) = (bit(i.rs1), bit(i.rs1) | bit(i.rs2));
    let (whole, low, gives) = match i.op.shape() {
        Shape::Compute(compute) => match of_computation(i, compute) {
            Some(effect) => effect,
            None => return other(i),
        },
        Shape::Load(load) if load.gives_word() => (one, 0, Gives::Word),
        Shape::Store(Store { bytes: 1..8, file: RegisterFile::Integer }) => {
            return Effect { whole: one, low: 0, written: 0, gives: Gives::Any };
        }
        Shape::Branch(_) => return Effect { whole: 0, low: two, written: 0, gives: Gives::Word },
        _ => return other(i),
    };
    Effect { whole, low, written: bit(i.rd) & !1, gives }
}

/// What a computation reads as a whole, of what low halves suffice, and what it gives; `None`: nothing more is known than its
/// operands.
fn of_computation(
    i: &Instruction,
    Compute { operation, width }: Compute,
) -> Option<(Registers, Registers, Gives)> {
    use Operation::*;
    let (one, two) = (bit(i.rs1), bit(i.rs1) | bit(i.rs2));
    let immediate = i.op.has_immediate().then_some(i.imm);
    let sources = if immediate.is_some() { one } else { two };
    Some(match (width, operation, immediate) {
        (Width::Double, Immediate, _) => (0, 0, Gives::Word),
        (Width::Double, Add, Some(_)) if i.rs1 == 0 => (0, 0, Gives::Word),
        (Width::Double, Add, Some(0)) => (0, one, Gives::Same),
        (Width::Double, Add, None) if i.rs1 == 0 || i.rs2 == 0 => (0, two, Gives::Same),
        // Words of what is in the low half, whatever that is.
        (Width::Double, And, Some(0..)) => (0, 0, Gives::Word),
        (Width::Double, SignExtend(1..4) | ZeroExtend(1..4), _) => (0, 0, Gives::Word),
        (Width::Double, Xor | Or | And, _) => (0, sources, Gives::Same),
        (Width::Double, Less | LessUnsigned, _) => (0, sources, Gives::Word),
        (Width::Double, ShiftRightLogical, Some(33..)) => (one, 0, Gives::Word),
        (Width::Double, ShiftRightArithmetic, Some(32..)) => (one, 0, Gives::Word),
        (Width::Double, ShiftLeft, Some(32..)) => (0, one, Gives::Any),
        (Width::UnsignedWord, Add | ShiftAdd(_), _) => (bit(i.rs2), one, Gives::Any),
        // Counts have code of their own.
        (Width::Word, LeadingZeros | TrailingZeros | PopulationCount, _) => return None,
        (Width::Word, ShiftRightLogical, Some(amount)) if amount & 31 != 0 => (0, 0, Gives::Word),
        (Width::Word, ..) => (0, sources, Gives::Extension),
        _ => return None,
    })
}

/// An instruction of which nothing more is known than its operands.
fn other(i: &Instruction) -> Effect {
    Effect { whole: i.reads().integer, low: 0, written: i.writes().integer, gives: Gives::Any }
}

impl Emitter<'_> {
    /// Extends whatever is pending before an instruction; flags stay, and so do temporary registers.
    pub(super) fn settle(&mut self, index: usize) {
        self.extend(self.extensions.pending(index));
    }

    /// Extends whatever is pending behind it.
    pub(super) fn settle_after(&mut self, index: usize) {
        self.extend(self.extensions.pending_after(index));
    }

    fn extend(&mut self, registers: Registers) {
        if registers != 0 {
            self.reach(Point::Extended);
        }
        for (guest, host) in self.mapping.hosts {
            if registers & bit(guest) != 0 {
                dynasm!(self.code ; .arch x64 ; movsxd Rq(host), Rd(host));
            }
        }
    }
}
