//! Which code is traced and compiled, and when.
//!
//! The engine takes a sample every so many instructions: a page in which blocks were found often is traced, and the loop
//! of the trace is compiled. What was tried in vain is tried again only after more and more samples.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::compile::{Compiled, Compiler, Job, Worker};
use super::data::RegionData;
use super::lower::{Addresses, fits};
use super::plan::Plan;
use super::trace::Trace;

/// Instructions between two samples.
const PERIOD: u64 = 1 << 19;
/// One prediction in so many may be wrong, where nothing else is executed.
const WRONG_PREDICTIONS: u64 = 48;
/// For how many samples what was not used of that is kept.
const KEPT: i64 = 20;
/// Samples in a page before it is traced for the first time.
const SAMPLES: u32 = 4;
/// The most that this becomes.
const SAMPLES_MOST: u32 = 512;
/// Loops that are compiled at the same time.
const WAITING: usize = 4;
/// Loops that are known at the same time.
const KNOWN: usize = 2048;
/// How often a loop is compiled again because its predictions were wrong.
const REVISIONS: u8 = 3;
/// Entries of a loop after which it is looked whether it is worth entering, and the least stay, in instructions.
const ENTRIES: u64 = 4096;
const LEAST_STAY: u64 = 40;

/// Where loops are compiled.
enum Mode {
    /// Nowhere.
    Off,
    /// On a thread of its own, started when there is something to do.
    Background(Option<Worker>),
    /// Here, at once: a run then does the same each time.
    AtOnce(Box<Compiler>),
}

/// A page's samples.
#[derive(Clone, Copy)]
struct Samples {
    seen: u32,
    wanted: u32,
}

/// A loop that is compiled, or is being compiled.
#[derive(Clone)]
struct Known {
    plan: Arc<Plan>,
    plain: Vec<usize>,
    revisions: u8,
    /// The block that enters it.
    block: Option<u32>,
}

/// What decides.
pub struct Policy {
    mode: Mode,
    period: u64,
    /// The retired count at which the next sample is taken.
    next_sample: u64,
    samples: FxHashMap<u64, Samples>,
    /// By number.
    known: FxHashMap<u64, Known>,
    /// How many of them are being compiled.
    waiting: usize,
    finished: Vec<(u64, Option<Compiled>)>,
    numbers: u64,
}

impl Policy {
    /// Compiles in the background.
    pub fn new() -> Policy {
        Policy {
            mode: Mode::Background(None),
            period: PERIOD,
            next_sample: 0,
            samples: FxHashMap::default(),
            known: FxHashMap::default(),
            waiting: 0,
            finished: Vec::new(),
            numbers: 0,
        }
    }

    /// Samples every so many instructions, and compiles at once: for tests. 0: never.
    pub fn at_once(&mut self, period: u64) {
        self.mode = match Compiler::new().filter(|_| period != 0) {
            Some(compiler) => Mode::AtOnce(Box::new(compiler)),
            None => Mode::Off,
        };
        self.period = if period == 0 { PERIOD } else { period };
        self.next_sample = 0;
    }

    /// The retired count at which the engine must take the next sample.
    pub fn next_sample(&mut self, now: u64) -> u64 {
        // Harts take turns, each with a count of its own.
        if self.next_sample > now + self.period || self.next_sample <= now {
            self.next_sample = now + self.period;
        }
        self.next_sample
    }

    /// How much more often a prediction that is made once in `round` instructions may be wrong now that a sample is taken, and how often
    /// at most.
    pub fn wrong_predictions(&self, round: u32) -> (i64, i64) {
        let predictions = self.period / (round as u64).max(1);
        let more = (predictions / WRONG_PREDICTIONS).max(1) as i64;
        (more, KEPT * more)
    }

    /// A sample is taken now, even if it was not due yet.
    pub fn restart(&mut self) {
        self.next_sample = 0;
    }

    /// So many loops are known that all code is better dropped.
    pub fn is_full(&self) -> bool {
        self.known.len() >= KNOWN
    }

    /// Takes a sample in a page of blocks. True: it is to be traced.
    pub fn sample(&mut self, page: u64) -> bool {
        let wanted = if matches!(self.mode, Mode::AtOnce(_)) { 1 } else { SAMPLES };
        let samples = self.samples.entry(page).or_insert(Samples { seen: 0, wanted });
        samples.seen += 1;
        if matches!(self.mode, Mode::Off) || samples.seen < samples.wanted || self.waiting >= WAITING {
            return false;
        }
        samples.seen = 0;
        samples.wanted = (samples.wanted * 2).min(SAMPLES_MOST);
        true
    }

    /// Compiles the loop of a trace, if it has one.
    pub fn traced(&mut self, trace: &Trace, addresses: Addresses) {
        let Some(plan) = Plan::of(trace).filter(|plan| fits(&plan.lines)) else { return };
        let entry = (plan.offset, plan.lines[0].pc);
        let is_known = |known: &Known| (known.plan.offset, known.plan.lines[0].pc) == entry;
        if self.known.values().any(is_known) {
            return;
        }
        let known = Known { plan: Arc::new(plan), plain: Vec::new(), revisions: 0, block: None };
        self.compile(known, addresses);
    }

    fn compile(&mut self, known: Known, addresses: Addresses) {
        self.numbers += 1;
        let number = self.numbers;
        let job = Job { number, plan: known.plan.clone(), plain: known.plain.clone(), addresses };
        let given = match &mut self.mode {
            Mode::Off => false,
            Mode::AtOnce(compiler) => {
                self.finished.push(compiler.compile(&job));
                true
            }
            Mode::Background(worker) => {
                if worker.is_none() {
                    *worker = Worker::start();
                }
                worker.as_ref().is_some_and(|worker| worker.give(job))
            }
        };
        if given {
            self.known.insert(number, known);
            self.waiting += 1;
        } else {
            self.mode = Mode::Off;
        }
    }

    /// A loop that has been compiled meanwhile, with its plan, if it is still what the code is.
    pub fn finished(&mut self) -> Option<(Compiled, Arc<Plan>)> {
        while self.waiting > 0 {
            let result = match &self.mode {
                Mode::Background(Some(worker)) => worker.take(),
                _ => self.finished.pop(),
            };
            let (number, compiled) = result?;
            self.waiting -= 1;
            // Dropped meanwhile, or refused by the compiler: then it stays known, and is not tried again.
            if let (Some(known), Some(compiled)) = (self.known.get(&number), compiled) {
                return Some((compiled, known.plan.clone()));
            }
        }
        None
    }

    /// A finished loop is entered by a block; `None`: it could not be.
    pub fn installed(&mut self, number: u64, block: Option<u32>) {
        match self.known.get_mut(&number) {
            Some(known) if block.is_some() => known.block = block,
            _ => {
                self.known.remove(&number);
            }
        }
    }

    /// The block that enters a loop.
    pub fn block(&self, number: u64) -> Option<u32> {
        self.known.get(&number)?.block
    }

    /// Compiles a loop again, without the predictions that were wrong.
    pub fn revise(&mut self, number: u64, data: &RegionData, addresses: Addresses) {
        let Some(mut known) = self.known.get(&number).cloned() else { return };
        if known.revisions == REVISIONS {
            return;
        }
        known.revisions += 1;
        known.plain = data.records.iter().filter(|record| record.plain).map(|record| record.line).collect();
        known.block = None;
        // What it was is not known any more; its code goes on until the new one takes its place.
        self.known.remove(&number);
        self.compile(known, addresses);
    }

    /// Loops that were entered often, but left soon.
    pub fn unworthy(&self, data: impl Fn(u32) -> Option<(u64, u64)>) -> Vec<u32> {
        let unworthy = |block: &u32| {
            data(*block)
                .is_some_and(|(entries, retired)| entries >= ENTRIES && retired / entries < LEAST_STAY)
        };
        self.known.values().filter_map(|known| known.block).filter(unworthy).collect()
    }

    /// A loop's block does not enter it any more. It stays known, so that it is not tried again.
    pub fn gave_up(&mut self, block: u32) {
        for known in self.known.values_mut().filter(|known| known.block == Some(block)) {
            known.block = None;
        }
    }

    /// The code of a page of RAM has changed.
    pub fn drop_page(&mut self, page: u64) {
        self.known.retain(|_, known| known.plan.pages.iter().all(|(_, other)| *other != page));
        self.samples.remove(&page);
    }

    /// All code was dropped.
    pub fn drop_all(&mut self) {
        self.known.clear();
        self.samples.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_may_be_wrong_by_how_often_they_are_made() {
        let policy = Policy::new();
        let (short, long) = (policy.wrong_predictions(4), policy.wrong_predictions(64));
        // A page of 64 accesses is worth predicting, one of 32 is not.
        let made = (PERIOD / 4) as i64;
        assert!(made / 64 < short.0 && short.0 < made / 32, "{short:?}");
        assert!((15..=17).contains(&(short.0 / long.0)), "{short:?} {long:?}");
        assert_eq!(short.1, KEPT * short.0);
        // What is never made has some, too.
        assert_eq!(policy.wrong_predictions(u32::MAX).0, 1);
    }
}
