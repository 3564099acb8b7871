//! How far conclusions about whole workloads depend on the cycle model.
//!
//! Two kinds of changes, because most parameters need no second run:
//!
//! - **Scaled.** The model adds up cycles by account, and an account is a sum of costs times how often they were paid. With
//!   all costs of an account halved or doubled, the account is, and nothing else: an out-of-order core's cycles are then
//!   exactly what a run with these parameters gives (a test compares the two). In order, an instruction that waits for an
//!   operand may hide part of a cost; then this is the most that the change can make of it.
//! - **Run again.** Sizes of TLBs, walk caches and caches change what hits. The three modes run again, in little, with each
//!   size halved and doubled, and once with the sizes as they are; by how many times a ratio changes there is applied
//!   to the ratio of the full run.

use std::collections::BTreeMap;

use serde::Serialize;
use visa_cycles::{ParameterError, Parameters, Spent};

use crate::counts::Accounts;
use crate::variant::{ACCELERATED, NATIVE, SOFTWARE};

/// Groups of accounts whose costs are scaled, and what they are called.
const SCALED: [(&str, &[Spent]); 7] = [
    ("issue", &[Spent::Base, Spent::Operand]),
    ("branch penalties", &[Spent::Branch]),
    ("cache misses", &[Spent::InstructionCache, Spent::DataCache]),
    ("TLB misses and walks", &[Spent::Translation]),
    ("traps", &[Spent::Trap]),
    ("world switches", &[Spent::WorldSwitch]),
    ("TLB flushes", &[Spent::Flush]),
];

/// Sizes that are changed together, and what they are called.
const SIZES: [(&str, &[&str]); 3] = [
    ("TLB sizes", &["tlb.instruction", "tlb.data", "tlb.second"]),
    ("walk cache sizes", &["walk.guest-cache", "walk.nested-cache", "walk.nested-tlb"]),
    ("cache sizes", &["l1i.size", "l1d.size", "l2.size"]),
];

/// The factors, and what they are called.
const FACTORS: [(f64, &str); 2] = [(0.5, "half"), (2.0, "twice")];

/// What stands for all workloads.
const MEAN: &str = "mean";

/// The variants that run again.
pub const RUN_AGAIN: [&str; 3] = [NATIVE, ACCELERATED, SOFTWARE];

/// Cycles of a workload in a variant, by account.
pub type Spending = BTreeMap<(&'static str, &'static str), Accounts>;

/// A run with other sizes: what was changed (nothing: the sizes as they are), and what came of it.
#[derive(Clone, Debug)]
pub struct Again {
    /// The change.
    pub change: String,
    /// Cycles.
    pub spending: Spending,
}

/// How many times the cycles of one variant another takes, and what changes of the model make of that.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkloadConclusion {
    /// The dearer variant.
    pub dear: &'static str,
    /// The cheaper variant.
    pub cheap: &'static str,
    /// The workload, or `mean`: the geometric mean of all.
    pub workload: &'static str,
    /// With the parameters as they are.
    pub ratio: f64,
    /// The least that any change makes of it, and that change.
    pub least: (f64, String),
    /// The most, likewise.
    pub most: (f64, String),
    /// The ratio with each change.
    pub changes: BTreeMap<String, f64>,
}

/// The parameters to run again with, and what they are called: first as they are, which has no name.
pub fn sizes(parameters: &Parameters) -> Result<Vec<(String, Parameters)>, ParameterError> {
    let mut all = vec![(String::new(), parameters.clone())];
    for (name, keys) in SIZES {
        for (factor, word) in FACTORS {
            let mut changed = parameters.clone();
            for key in keys {
                let value = parameters.value(key).unwrap_or_default() as f64 * factor;
                changed.set(&format!("{key}={value}"))?;
            }
            changed.check()?;
            all.push((format!("{name} {word}"), changed));
        }
    }
    Ok(all)
}

/// All conclusions. `workloads` are all that ran, `without` the variants that lack a feature.
pub fn conclude(
    spending: &Spending,
    again: &[Again],
    workloads: &[&'static str],
    without: &[&'static str],
) -> Vec<WorkloadConclusion> {
    let pairs = [(ACCELERATED, NATIVE), (SOFTWARE, ACCELERATED)].into_iter();
    let pairs = pairs.chain(without.iter().map(|name| (*name, ACCELERATED)));
    let mut conclusions = Vec::new();
    for (dear, cheap) in pairs {
        let Some(mean) = mean(spending, (dear, cheap), workloads, &[1.0; Spent::COUNT]) else { continue };
        conclusions.push(with_changes(spending, again, workloads, (dear, cheap, MEAN), mean));
        let ratio = |workload: &&'static str| {
            Some((*workload, ratio(spending, (dear, cheap), workload, &[1.0; Spent::COUNT])?))
        };
        let mut each: Vec<_> = workloads.iter().filter_map(ratio).collect();
        each.sort_by(|(_, one), (_, other)| one.total_cmp(other));
        // What speaks most against a conclusion: where V-ISA's mode is worst, where the others are best.
        let extreme = if cheap == NATIVE { each.last() } else { each.first() };
        let most = each.last().filter(|_| cheap != NATIVE);
        for (workload, ratio) in extreme.into_iter().chain(most) {
            conclusions.push(with_changes(spending, again, workloads, (dear, cheap, workload), *ratio));
        }
    }
    conclusions
}

fn with_changes(
    spending: &Spending,
    again: &[Again],
    workloads: &[&'static str],
    (dear, cheap, workload): (&'static str, &'static str, &'static str),
    as_is: f64,
) -> WorkloadConclusion {
    let of = |spending: &Spending, factors: &[f64; Spent::COUNT]| match workload {
        MEAN => mean(spending, (dear, cheap), workloads, factors),
        workload => ratio(spending, (dear, cheap), workload, factors),
    };
    let mut changes = BTreeMap::new();
    for (name, accounts) in SCALED {
        for (factor, word) in FACTORS {
            let mut factors = [1.0; Spent::COUNT];
            accounts.iter().for_each(|account| factors[*account as usize] = factor);
            changes.extend(of(spending, &factors).map(|ratio| (format!("{name} {word}"), rounded(ratio))));
        }
    }
    let unscaled = [1.0; Spent::COUNT];
    let base = again.iter().find(|run| run.change.is_empty()).and_then(|run| of(&run.spending, &unscaled));
    for run in again.iter().filter(|run| !run.change.is_empty()) {
        let ratio = base.zip(of(&run.spending, &unscaled)).map(|(base, changed)| as_is * changed / base);
        changes.extend(ratio.map(|ratio| (run.change.clone(), rounded(ratio))));
    }
    let ratio = rounded(as_is);
    let (mut least, mut most) = ((ratio, String::new()), (ratio, String::new()));
    for (name, &changed) in &changes {
        if changed < least.0 {
            least = (changed, name.clone());
        }
        if changed > most.0 {
            most = (changed, name.clone());
        }
    }
    WorkloadConclusion { dear, cheap, workload, ratio, least, most, changes }
}

/// How many times the cycles of the cheaper variant the dearer one takes in a workload, with factors for the accounts.
fn ratio(
    spending: &Spending,
    (dear, cheap): (&'static str, &'static str),
    workload: &'static str,
    factors: &[f64; Spent::COUNT],
) -> Option<f64> {
    let cost = |variant| {
        let accounts = spending.get(&(variant, workload))?;
        Some(accounts.iter().zip(factors).map(|(cycles, factor)| *cycles as f64 * factor).sum::<f64>())
    };
    let (dear, cheap) = (cost(dear)?, cost(cheap)?);
    (cheap > 0.0).then_some(dear / cheap)
}

/// The geometric mean over all workloads that both ran.
fn mean(
    spending: &Spending,
    pair: (&'static str, &'static str),
    workloads: &[&'static str],
    factors: &[f64; Spent::COUNT],
) -> Option<f64> {
    let ratios = workloads.iter().filter_map(|workload| ratio(spending, pair, workload, factors));
    let logarithms: Vec<f64> = ratios.map(f64::ln).collect();
    (!logarithms.is_empty()).then(|| (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp())
}

/// As many decimals as the difference of two long runs bears.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use visa_cycles::Preset;

    use super::*;
    use crate::micro;

    /// The parameters whose costs go to each group of accounts of [`SCALED`], but for issue.
    const COSTS: [(&str, &[&str]); 6] = [
        ("branch penalties", &["branch.mispredict", "branch.redirect"]),
        ("cache misses", &["l2.latency", "memory.latency", "memory.device"]),
        (
            "TLB misses and walks",
            &["tlb.second-latency", "walk.start", "walk.hit", "l2.latency", "memory.latency"],
        ),
        ("traps", &["trap.enter", "trap.return"]),
        (
            "world switches",
            &[
                "switch.enter",
                "switch.exit",
                "switch.bank",
                "switch.check",
                "switch.record",
                "switch.vmcs-value",
                "l2.latency",
                "memory.latency",
            ],
        ),
        ("TLB flushes", &["flush.address", "flush.all"]),
    ];

    fn doubled(preset: Preset, keys: &[&str]) -> Parameters {
        let mut parameters = Parameters::preset(preset);
        for key in keys {
            let rows = visa_cycles::PARAMETERS.iter();
            let row = rows.clone().find(|row| row.key == *key).unwrap();
            let value = parameters.value(key).unwrap();
            parameters.set(&format!("{key}={}", row.show(2 * value))).unwrap();
        }
        parameters
    }

    #[test]
    fn out_of_order_scaling_an_account_is_what_a_run_gives() {
        let as_is = micro::accounts(&Parameters::preset(Preset::Large)).unwrap();
        for (name, keys) in COSTS {
            let accounts = SCALED.iter().find(|(scaled, _)| *scaled == name).unwrap().1;
            let run = micro::accounts(&doubled(Preset::Large, keys)).unwrap();
            for account in accounts {
                let account = *account as usize;
                assert!(as_is[account] != 0, "{name}: the program spends nothing on {account}");
                assert_eq!(run[account], 2 * as_is[account], "{name}: {account}");
            }
            if keys.iter().all(|key| !key.ends_with(".latency")) {
                let (run, expected): (u64, u64) = (run.iter().sum(), as_is.iter().sum());
                let added: u64 = accounts.iter().map(|account| as_is[*account as usize]).sum();
                assert_eq!(run, expected + added, "{name}: something else has changed");
            }
        }
    }

    #[test]
    fn in_order_scaling_an_account_is_the_most_that_a_run_gives() {
        let total = |accounts: Accounts| accounts.iter().sum::<u64>();
        let as_is = micro::accounts(&Parameters::preset(Preset::Small)).unwrap();
        let trap = as_is[Spent::Trap as usize];
        let run = total(micro::accounts(&doubled(Preset::Small, COSTS[3].1)).unwrap());
        assert!((total(as_is)..=total(as_is) + trap).contains(&run), "{run}");
    }

    fn spending(accelerated_switch: u64) -> Spending {
        let mut cheap = [0; Spent::COUNT];
        cheap[Spent::Base as usize] = 1000;
        let mut dear = cheap;
        dear[Spent::WorldSwitch as usize] = accelerated_switch;
        Spending::from([((NATIVE, "boot"), cheap), ((ACCELERATED, "boot"), dear)])
    }

    #[test]
    fn a_conclusion_ranges_over_all_changes() {
        let run = |change: &str, switch| Again { change: change.into(), spending: spending(switch) };
        let again = [run("", 100), run("TLB sizes half", 430)];
        let conclusions = conclude(&spending(200), &again, &["boot"], &["without-tlb-tags"]);
        assert_eq!(conclusions.len(), 2, "nothing is known of the others");
        let (mean, worst) = (&conclusions[0], &conclusions[1]);
        assert_eq!((mean.workload, worst.workload), (MEAN, "boot"));
        assert_eq!(worst.ratio, 1.2);
        // By hand: 1000 + 2 * 200, 1000 + 100, 500 + 200 to 500; and 1.2 * 1.43 / 1.1.
        assert_eq!(worst.changes["world switches twice"], 1.4);
        assert_eq!(worst.changes["issue half"], 1.4);
        assert_eq!(worst.changes["TLB sizes half"], 1.56);
        assert_eq!(worst.least, (1.1, "issue twice".into()));
        assert_eq!(worst.most, (1.56, "TLB sizes half".into()));
    }

    #[test]
    fn every_size_can_be_halved_and_doubled() {
        for preset in Preset::ALL {
            let all = sizes(&Parameters::preset(preset)).unwrap();
            assert_eq!(all.len(), 1 + 2 * SIZES.len());
            assert_eq!(all[1].0, "TLB sizes half");
            assert_eq!(2 * all[1].1.value("tlb.second").unwrap(), all[0].1.value("tlb.second").unwrap());
        }
    }
}
