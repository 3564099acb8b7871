//! The charts of the report: which numbers, and what they say.

mod drawing;
mod reductions;

use crate::chart::Scale;
use crate::ranges::{self, Range};
use crate::report::{Report, Row};
use crate::variant::{ACCELERATED, NATIVE, SOFTWARE};
use crate::workload_sensitivity::WorkloadConclusion;
pub use drawing::Figure;
use drawing::{by_workload, cost_ratio, draw, sum, unit};

/// All figures.
pub fn all(report: &Report) -> Vec<Figure> {
    vec![
        slowdown(report),
        exits_by_cause(report),
        reductions::exit_frequency(report),
        reductions::context_switch(report),
        reductions::software_emulation(report),
        reductions::exit_work(report),
        reductions::nested_translation(report),
        features(report),
        sensitivity(report),
        workload_sensitivity(report),
    ]
}

fn slowdown(report: &Report) -> Figure {
    let worst = report
        .rows
        .iter()
        .filter(|row| row.variant == ACCELERATED)
        .filter_map(|row| Some((row.workload, cost_ratio(row)?)))
        .max_by(|(_, one), (_, other)| one.total_cmp(other));
    Figure {
        title: "Slowdown by workload",
        reduction: None,
        feature: "all together",
        caption: format!("What each workload takes in {}, native = 1.", unit(report)),
        finding: worst.map(|(workload, ratio)| {
            format!(
                "Accelerated, the slowest of all, {workload}, takes {ratio:.4} times the native run's {}.",
                unit(report)
            )
        }),
        svg: draw(Scale::Linear, 0.0, 4, by_workload(report, &[ACCELERATED, SOFTWARE], cost_ratio)),
    }
}

fn exits_by_cause(report: &Report) -> Figure {
    let variants: Vec<&str> = [ACCELERATED, SOFTWARE, "without-trap-filter", "without-nested-paging"]
        .into_iter()
        .filter(|variant| sum(report, variant, |_| 1).is_some())
        .collect();
    let mut causes: Vec<&str> = report
        .rows
        .iter()
        .filter(|row| variants.contains(&row.variant))
        .flat_map(|row| row.counts.exits.keys().copied())
        .collect();
    causes.sort_unstable();
    causes.dedup();
    let count = |row: &Row, cause: &str| row.counts.exits.get(cause).map_or(0, |exits| exits.count);
    let groups = causes.iter().map(|cause| {
        let of = |variant: &&str| sum(report, variant, |row| count(row, cause)).map(|count| count as f64);
        (cause.to_string(), variants.iter().map(of).collect())
    });
    let series = variants.iter().map(ToString::to_string).collect();
    Figure {
        title: "Exits by cause",
        reduction: None,
        feature: "trap filter, nested paging, virtual interrupts",
        caption: "VM exits over the boot and all workloads, by cause; software-only: traps into visor. The scale is logarithmic.".into(),
        finding: None,
        svg: draw(Scale::Logarithmic, 1.0, 0, (series, groups.collect())),
    }
}

fn sensitivity(report: &Report) -> Figure {
    let ranges: Vec<Range> = report
        .sensitivity
        .iter()
        .map(|conclusion| Range {
            label: conclusion.name.into(),
            least: conclusion.least.0,
            value: conclusion.ratio,
            most: conclusion.most.0,
        })
        .collect();
    let words: Vec<String> = report
        .sensitivity
        .iter()
        .map(|conclusion| {
            format!(
                "{} (least with {}, most with {})",
                conclusion.name, conclusion.least.1, conclusion.most.1
            )
        })
        .collect();
    Figure {
        title: "How far single events depend on the cycle model",
        reduction: None,
        feature: "parameters of the model, halved and doubled one at a time",
        caption: format!(
            "Ratios of modelled cycles: as it is (dot), least and most (bar). {}.",
            words.join("; ")
        ),
        finding: None,
        svg: (!ranges.is_empty()).then(|| ranges::svg(&ranges)),
    }
}

fn workload_sensitivity(report: &Report) -> Figure {
    let conclusions = &report.workload_sensitivity;
    let ranges: Vec<Range> = conclusions
        .iter()
        .map(|conclusion| Range {
            label: label(conclusion),
            least: conclusion.least.0,
            value: conclusion.ratio,
            most: conclusion.most.0,
        })
        .collect();
    let worst = conclusions
        .iter()
        .filter(|conclusion| conclusion.cheap == NATIVE && conclusion.workload != "mean")
        .max_by(|one, other| one.most.0.total_cmp(&other.most.0));
    let rival =
        conclusions.iter().find(|conclusion| conclusion.dear == SOFTWARE && conclusion.workload == "mean");
    let finding = worst.zip(rival).map(|(worst, rival)| {
        let change = if worst.most.1.is_empty() { "the parameters as they are" } else { &worst.most.1 };
        format!(
            "Whatever is halved or doubled, the accelerated mode's worst workload stays at or below {:.3} times native \
             ({change}), and software-only on average between {:.2} and {:.2} times accelerated.",
            worst.most.0, rival.least.0, rival.most.0
        )
    });
    Figure {
        title: "How far whole workloads depend on the cycle model",
        reduction: None,
        feature: "costs and sizes of the model, halved and doubled one kind at a time",
        caption: "Ratios of modelled cycles: as it is (dot), least and most (bar); \"no\": without a feature, by the accelerated mode with all; for each pair the geometric mean of all \
                  workloads, and the workloads at the ends. Costs are scaled by account (issue, branch penalties, cache misses, \
                  TLB misses and walks, traps, world switches, TLB flushes), which is exact out of order and the most that a \
                  change can do in order. Sizes of TLBs, walk caches and caches, in full runs, by running the three modes \
                  again in little."
            .into(),
        finding,
        svg: (!ranges.is_empty()).then(|| ranges::svg(&ranges)),
    }
}

/// What a conclusion is about, where there is little room.
fn label(conclusion: &WorkloadConclusion) -> String {
    match conclusion.dear.strip_prefix("without-") {
        Some(feature) => format!("no {feature}: {}", conclusion.workload),
        None => format!("{} / {}: {}", conclusion.dear, conclusion.cheap, conclusion.workload),
    }
}

fn features(report: &Report) -> Figure {
    let without =
        report.variants.iter().filter(|variant| variant.without.is_some() && variant.failure.is_none());
    let groups = without.map(|variant| {
        let ratios: Vec<f64> = report
            .rows
            .iter()
            .filter(|row| row.variant == variant.name)
            .filter_map(|row| Some(cost_ratio(row)? / cost_ratio(report.row(ACCELERATED, row.workload)?)?))
            .collect();
        let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len().max(1) as f64).exp();
        let most = ratios.iter().copied().fold(f64::NAN, f64::max);
        // What is lost, in percent; a difference of a timer tick can make it less than nothing.
        let value = |ratio: f64| ratio.is_finite().then_some(((ratio - 1.0) * 100.0).max(0.0));
        (variant.without.unwrap_or_default().to_string(), vec![value(mean), value(most)])
    });
    Figure {
        title: "What each feature buys",
        reduction: None,
        feature: "each on its own",
        caption: format!(
            "What the accelerated mode loses without a feature, in percent of {}: the geometric mean over all workloads, \
             and the workload that loses most.{}",
            unit(report),
            if report.quick {
                " In a quick run a timer tick more or less is worth some percent."
            } else {
                ""
            }
        ),
        finding: None,
        svg: draw(
            Scale::Linear,
            0.0,
            2,
            (vec!["mean of all workloads".into(), "workload that loses most".into()], groups.collect()),
        ),
    }
}
