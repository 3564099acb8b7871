//! The cycle model and the machine's features on the command line and in reports.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use visa_cycles::{Account, CacheCounts, CycleReport, Parameters, Preset, RING_NAMES, Spent};
use visa_machine::machine::Machine;
use visa_state::{Feature, Features};

use crate::numbers::grouped;

/// What the machine lacks, and which core is modelled.
#[derive(Args, Debug, Clone)]
pub struct CycleOptions {
    /// Model the cycles of a core: small (in order) or large (out of order). Changes nothing but the report; slower
    #[arg(long, value_name = "CORE", value_parser = preset, help_heading = "Cycle model")]
    pub cycles: Option<Preset>,
    /// Override a parameter of the cycle model (docs/cycle-model.md lists them); may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "cycles", help_heading = "Cycle model")]
    pub cycle_param: Vec<String>,
    /// Take a feature away from the machine: banked-switch, tlb-tags, walk-caches, decode-assist, trap-filter,
    /// timer-without-exit or nested-paging; may be repeated
    #[arg(long, value_name = "FEATURE", value_parser = feature, help_heading = "Machine")]
    pub without: Vec<Feature>,
}

fn preset(text: &str) -> Result<Preset, String> {
    Preset::from_name(text)
        .ok_or_else(|| format!("the cores are {}", Preset::ALL.map(Preset::name).join(" and ")))
}

fn feature(text: &str) -> Result<Feature, String> {
    Feature::from_name(text)
        .ok_or_else(|| format!("the features are {}", Feature::ALL.map(Feature::name).join(", ")))
}

impl CycleOptions {
    /// The parameters of the model, if there is to be one.
    fn parameters(&self) -> anyhow::Result<Option<Parameters>> {
        let Some(preset) = self.cycles else { return Ok(None) };
        let mut parameters = Parameters::preset(preset);
        self.cycle_param.iter().try_for_each(|assignment| parameters.set(assignment))?;
        parameters.check()?;
        Ok(Some(parameters))
    }

    /// What the machine has.
    pub fn features(&self) -> Features {
        self.without.iter().fold(Features::default(), |features, &missing| features.without(missing))
    }

    /// Sets up a machine that has not run yet.
    pub fn apply(&self, machine: &mut Machine) -> anyhow::Result<()> {
        if let Some(parameters) = self.parameters()? {
            machine.model_cycles(&parameters)?;
        }
        Ok(())
    }

    /// The names of the features that were taken away.
    pub fn missing(&self) -> Vec<&'static str> {
        Feature::ALL
            .iter()
            .filter(|feature| self.without.contains(feature))
            .map(|feature| feature.name())
            .collect()
    }

    /// What the model says of a machine that has run.
    pub fn figures(&self, machine: &Machine) -> anyhow::Result<Option<Cycles>> {
        let (Some(preset), Some(parameters), Some(report)) =
            (self.cycles, self.parameters()?, machine.cycles())
        else {
            return Ok(None);
        };
        Ok(Some(Cycles::new(preset, &parameters, &report)))
    }
}

/// The object `cycles` of the report. Cycles are a model's, not silicon's.
#[derive(Serialize, Debug)]
pub struct Cycles {
    /// The preset.
    core: &'static str,
    /// Parameters that differ from it.
    overridden: Vec<String>,
    /// Cycles of all harts and rings.
    total: u64,
    /// Cycles for each instruction.
    per_instruction: f64,
    /// What they were spent on.
    spent: BTreeMap<&'static str, u64>,
    /// The same by ring.
    rings: BTreeMap<&'static str, Ring>,
    caches: BTreeMap<&'static str, Cache>,
    branches: Branches,
    translation: Translation,
    /// Cycles from exit to entry, by cause.
    exits: BTreeMap<&'static str, Stays>,
}

#[derive(Serialize, Debug)]
struct Ring {
    instructions: u64,
    cycles: u64,
    spent: BTreeMap<&'static str, u64>,
}

#[derive(Serialize, Debug)]
struct Cache {
    accesses: u64,
    misses: u64,
}

#[derive(Serialize, Debug)]
struct Branches {
    conditional: u64,
    conditional_wrong: u64,
    indirect: u64,
    indirect_wrong: u64,
    returns: u64,
    returns_wrong: u64,
    found_at_decode: u64,
}

#[derive(Serialize, Debug)]
struct Translation {
    instruction_tlb_misses: u64,
    data_tlb_misses: u64,
    walks: u64,
    guest_references: u64,
    nested_references: u64,
    references_per_walk: f64,
    /// Walks by the number of entries that they read.
    walks_by_references: BTreeMap<usize, u64>,
    flushes: u64,
}

#[derive(Serialize, Debug)]
struct Stays {
    count: u64,
    total: u64,
    minimum: u64,
    maximum: u64,
    average: f64,
}

fn spent(account: &Account) -> BTreeMap<&'static str, u64> {
    Spent::ALL.into_iter().map(|what| (what.name(), account.millicycles[what as usize] / 1000)).collect()
}

fn cache(counts: CacheCounts) -> Cache {
    Cache { accesses: counts.accesses, misses: counts.misses }
}

impl Cycles {
    fn new(preset: Preset, parameters: &Parameters, report: &CycleReport) -> Cycles {
        let rings = RING_NAMES.into_iter().zip(&report.rings).map(|(name, account)| {
            let ring = Ring {
                instructions: account.instructions,
                cycles: account.total() / 1000,
                spent: spent(account),
            };
            (name, ring)
        });
        let stays = report.exit_cycles.iter().map(|(cause, spread)| {
            let stays = Stays {
                count: spread.count,
                total: spread.total,
                minimum: spread.minimum,
                maximum: spread.maximum,
                average: spread.average(),
            };
            (cause.name(), stays)
        });
        Cycles {
            core: preset.name(),
            overridden: parameters.differences(preset),
            total: report.cycles(),
            per_instruction: report.millicycles() as f64 / 1000.0 / report.instructions().max(1) as f64,
            spent: Spent::ALL.into_iter().map(|what| (what.name(), report.spent(what) / 1000)).collect(),
            rings: rings.collect(),
            caches: BTreeMap::from([
                ("l1i", cache(report.caches.instruction)),
                ("l1d", cache(report.caches.data)),
                ("l2", cache(report.caches.second)),
            ]),
            branches: Branches::new(report),
            translation: Translation::new(report),
            exits: stays.collect(),
        }
    }

    /// Lines for the table of `--stats`.
    pub fn lines(&self) -> String {
        let mut text = format!(
            "  {:>16}  cycles modelled of the core `{}`, {:.3} an instruction: of a model, not of silicon\n",
            grouped(self.total),
            self.core,
            self.per_instruction
        );
        for (what, cycles) in self.spent.iter().filter(|&(_, &cycles)| cycles != 0) {
            let share = 100.0 * *cycles as f64 / self.total.max(1) as f64;
            text += &format!("  {:>16}    {what} ({share:.1}%)\n", grouped(*cycles));
        }
        text += &format!(
            "  {:>16}  walks modelled, of {:.2} references each\n",
            grouped(self.translation.walks),
            self.translation.references_per_walk
        );
        text
    }
}

impl Branches {
    fn new(report: &CycleReport) -> Branches {
        let counts = &report.branches;
        Branches {
            conditional: counts.conditional,
            conditional_wrong: counts.conditional_wrong,
            indirect: counts.indirect,
            indirect_wrong: counts.indirect_wrong,
            returns: counts.returns,
            returns_wrong: counts.returns_wrong,
            found_at_decode: counts.redirects,
        }
    }
}

impl Translation {
    fn new(report: &CycleReport) -> Translation {
        let counts = &report.translation;
        let walks = counts.walks_by_references.iter().copied().enumerate().filter(|&(_, walks)| walks != 0);
        Translation {
            instruction_tlb_misses: counts.instruction_misses,
            data_tlb_misses: counts.data_misses,
            walks: counts.walks,
            guest_references: counts.guest_references,
            nested_references: counts.nested_references,
            references_per_walk: report.references_per_walk(),
            walks_by_references: walks.collect(),
            flushes: counts.flushes,
        }
    }
}
