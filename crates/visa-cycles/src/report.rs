//! What a model has counted, and the parameters as a document.

use std::collections::BTreeMap;
use std::fmt::Write;

use visa_isa::Ring;
use visa_isa::cause::ExitCause;
use visa_state::Spread;

use crate::cache::{CacheCounts, HierarchyCounts};
use crate::parameters::PARAMETERS;
use crate::predictor::BranchCounts;
use crate::translation::TranslationCounts;

/// What a cycle was spent on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Spent {
    /// Issuing instructions.
    Base,
    /// Waiting for an operand of an instruction in the pipeline.
    Operand,
    /// Wrong or late branch predictions.
    Branch,
    /// Instruction cache misses.
    InstructionCache,
    /// Data cache misses, and accesses to devices.
    DataCache,
    /// Translation: the second-level TLB and walks.
    Translation,
    /// Exceptions, interrupts and returns from them.
    Trap,
    /// VM entries and exits, VMSAVE, VMLOAD.
    WorldSwitch,
    /// TLB flush instructions.
    Flush,
}

impl Spent {
    /// Number of kinds.
    pub const COUNT: usize = Spent::ALL.len();

    /// Every kind.
    pub const ALL: [Spent; 9] = [
        Spent::Base,
        Spent::Operand,
        Spent::Branch,
        Spent::InstructionCache,
        Spent::DataCache,
        Spent::Translation,
        Spent::Trap,
        Spent::WorldSwitch,
        Spent::Flush,
    ];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Spent::Base => "base",
            Spent::Operand => "operand",
            Spent::Branch => "branch",
            Spent::InstructionCache => "instruction-cache",
            Spent::DataCache => "data-cache",
            Spent::Translation => "translation",
            Spent::Trap => "trap",
            Spent::WorldSwitch => "world-switch",
            Spent::Flush => "flush",
        }
    }
}

/// Number of rings.
pub const RINGS: usize = 3;
/// Their names in reports, in the order of [`CycleReport::rings`].
pub const RING_NAMES: [&str; RINGS] = ["ring-3", "ring-0", "ring-minus-1"];

pub(crate) fn ring_index(ring: Ring) -> usize {
    match ring {
        Ring::User => 0,
        Ring::Kernel => 1,
        Ring::Hypervisor => 2,
    }
}

/// What one ring did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Instructions that retired.
    pub instructions: u64,
    /// Thousandths of cycles, by what they were spent on: in the order of [`Spent::ALL`].
    pub millicycles: [u64; Spent::COUNT],
}

impl Account {
    /// Thousandths of cycles, all together.
    pub fn total(&self) -> u64 {
        self.millicycles.iter().sum()
    }

    fn add(&mut self, other: &Account) {
        self.instructions += other.instructions;
        self.millicycles.iter_mut().zip(other.millicycles).for_each(|(sum, more)| *sum += more);
    }
}

/// What a model has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CycleReport {
    /// By ring, in the order of [`RING_NAMES`]. A world switch counts as Ring -1's.
    pub rings: [Account; RINGS],
    /// Caches.
    pub caches: HierarchyCounts,
    /// Branch prediction.
    pub branches: BranchCounts,
    /// TLBs and walks.
    pub translation: TranslationCounts,
    /// VM entries.
    pub entries: u64,
    /// Cycles from an exit to the next entry, both included, by the exit's cause.
    pub exit_cycles: BTreeMap<ExitCause, Spread>,
}

impl CycleReport {
    /// Thousandths of cycles of all rings.
    pub fn millicycles(&self) -> u64 {
        self.rings.iter().map(Account::total).sum()
    }

    /// Cycles of all rings, rounded down.
    pub fn cycles(&self) -> u64 {
        self.millicycles() / 1000
    }

    /// Instructions of all rings.
    pub fn instructions(&self) -> u64 {
        self.rings.iter().map(|ring| ring.instructions).sum()
    }

    /// Thousandths of cycles spent on something, by all rings.
    pub fn spent(&self, what: Spent) -> u64 {
        self.rings.iter().map(|ring| ring.millicycles[what as usize]).sum()
    }

    /// Page-table entries that a walk read, on average; 0 without walks.
    pub fn references_per_walk(&self) -> f64 {
        let references = self.translation.guest_references + self.translation.nested_references;
        if self.translation.walks == 0 { 0.0 } else { references as f64 / self.translation.walks as f64 }
    }

    /// Adds what another hart's model has counted.
    pub fn merge(&mut self, other: &CycleReport) {
        self.rings.iter_mut().zip(&other.rings).for_each(|(sum, more)| sum.add(more));
        merge_caches(&mut self.caches, &other.caches);
        merge_branches(&mut self.branches, &other.branches);
        merge_translation(&mut self.translation, &other.translation);
        self.entries += other.entries;
        for (&cause, spread) in &other.exit_cycles {
            self.exit_cycles.entry(cause).or_default().merge(spread);
        }
    }
}

fn merge_caches(sum: &mut HierarchyCounts, more: &HierarchyCounts) {
    let add = |sum: &mut CacheCounts, more: &CacheCounts| {
        sum.accesses += more.accesses;
        sum.misses += more.misses;
    };
    add(&mut sum.instruction, &more.instruction);
    add(&mut sum.data, &more.data);
    add(&mut sum.second, &more.second);
}

fn merge_branches(sum: &mut BranchCounts, more: &BranchCounts) {
    sum.conditional += more.conditional;
    sum.conditional_wrong += more.conditional_wrong;
    sum.returns += more.returns;
    sum.returns_wrong += more.returns_wrong;
    sum.indirect += more.indirect;
    sum.indirect_wrong += more.indirect_wrong;
    sum.redirects += more.redirects;
}

fn merge_translation(sum: &mut TranslationCounts, more: &TranslationCounts) {
    sum.instruction_misses += more.instruction_misses;
    sum.data_misses += more.data_misses;
    sum.walks += more.walks;
    sum.guest_references += more.guest_references;
    sum.nested_references += more.nested_references;
    sum.flushes += more.flushes;
    sum.walks_by_references.iter_mut().zip(more.walks_by_references).for_each(|(sum, more)| *sum += more);
}

/// The table of parameters in Markdown, as `docs/cycle-model.md` has it.
pub fn markdown() -> String {
    let mut text = String::new();
    let mut section = "";
    for row in PARAMETERS {
        if row.section != section {
            section = row.section;
            let heading = "| key | unit | range | `small` | `large` | meaning |\n|---|---|---|---|---|---|\n";
            let _ = write!(text, "\n### {section}\n\n{heading}");
        }
        let value = |value: u64, source: &str| format!("**{}**: {source}", row.show(value));
        let _ = writeln!(
            text,
            "| `{}` | {} | {} to {} | {} | {} | {} |",
            row.key,
            row.unit.name(),
            row.minimum,
            row.maximum,
            value(row.small, row.small_source),
            value(row.large, row.large_source),
            row.summary,
        );
    }
    text
}
