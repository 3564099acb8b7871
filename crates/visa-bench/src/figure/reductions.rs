//! The four reductions that the concept names: VM exit frequency, context-switch overhead, software-emulation overhead,
//! and what nested translation loses.

use std::collections::BTreeSet;

use super::drawing::{Figure, by_workload, cost_ratio, draw, sum, unit};
use crate::chart::{Scale, shown};
use crate::report::{Report, Row};
use crate::variant::{ACCELERATED, NATIVE, SOFTWARE};
use crate::visor_exits::VisorExit;

pub(super) fn exit_frequency(report: &Report) -> Figure {
    let exits = |variant| sum(report, variant, |row| row.counts.exits_total());
    let steady = |variant: &str| {
        let rows =
            report.rows.iter().filter(|row| row.variant == variant && row.workload != crate::workload::BOOT);
        rows.map(|row| row.counts.exits_total()).sum::<u64>()
    };
    let others = [("without the trap filter", "without-trap-filter"), ("software-only", SOFTWARE)];
    let more = others
        .into_iter()
        .filter_map(|(name, variant)| Some(format!("{name}: {}", shown(exits(variant)? as f64, 0))));
    let more: Vec<String> = more.collect();
    let more = if more.is_empty() { String::new() } else { format!("; {}", more.join(", ")) };
    Figure {
        title: "How often the guest leaves for Ring -1",
        reduction: Some("VM exit frequency"),
        feature: "trap filter (VMTRAPCFG), second stage, virtual interrupts and timer",
        caption: "VM exits of each workload; software-only: traps into visor. The scale is logarithmic; no bar is no exit.".into(),
        finding: exits(ACCELERATED).map(|total| {
            format!(
                "Accelerated: {} exits in all, {} of them after the boot{more}.",
                shown(total as f64, 0),
                steady(ACCELERATED)
            )
        }),
        svg: draw(
            Scale::Logarithmic,
            1.0,
            0,
            by_workload(
                report,
                &[ACCELERATED, "without-timer-without-exit", "without-trap-filter", SOFTWARE],
                |row| Some(row.counts.exits_total() as f64),
            ),
        ),
    }
}

/// Events that leave for Ring -1 once and do next to nothing there, and a switch to another VM.
const SWITCHES: [&str; 5] =
    ["hypercall", "out-trapped", "msr-write-trapped", "device-read-trapped", "vm-switch"];

pub(super) fn context_switch(report: &Report) -> Figure {
    let value = |variant: &str, name: &str| {
        let event = report.events.get(variant)?.iter().find(|event| event.name == name)?;
        event.cycles.or(Some(event.instructions))
    };
    let variants = [ACCELERATED, "without-banked-switch", "without-tlb-tags"];
    let variants: Vec<&str> =
        variants.into_iter().filter(|variant| report.events.contains_key(variant)).collect();
    let groups = SWITCHES.iter().map(|name| {
        (name.to_string(), variants.iter().map(|variant| value(variant, name)).collect::<Vec<_>>())
    });
    let finding = || {
        let with = value(ACCELERATED, SWITCHES[0])?;
        let one_bank = value("without-banked-switch", SWITCHES[0])?;
        let untagged = value("without-tlb-tags", SWITCHES[0])?;
        Some(format!(
            "A hypercall there and back takes {} {}; {} if registers go through memory, {} if a switch flushes the TLB.",
            shown(with, 0),
            unit(report),
            shown(one_bank, 0),
            shown(untagged, 0)
        ))
    };
    Figure {
        title: "What a switch between guest and Ring -1 costs",
        reduction: Some("context-switch overhead"),
        feature: "two banks of registers; tags in the TLB; VMSAVE and VMLOAD for a switch of VMs",
        caption: format!("Single events on the bare machine, there and back, in {}.", unit(report)),
        finding: finding(),
        svg: draw(
            Scale::Linear,
            0.0,
            1,
            (variants.iter().map(ToString::to_string).collect(), groups.collect()),
        ),
    }
}

/// What visor does for each kind of exit, with the record that decode assist fills and without; what it does in the
/// software-only mode is another figure.
pub(super) fn software_emulation(report: &Report) -> Figure {
    let decoding = &report.visor_exits_decoding;
    let without = |exit: &VisorExit| {
        let key = |exit: &VisorExit| (exit.without, exit.name.clone(), exit.cause);
        let same = |other: &&VisorExit| key(other) == key(exit);
        decoding.iter().find(same).map(|other| other.least as f64)
    };
    // Without the trap filter only what does not exit otherwise.
    let exits_anyway = |exit: &VisorExit| {
        let with_all = report.visor_exits.iter().filter(|other| other.without.is_none());
        exit.without.is_some() && with_all.clone().any(|other| other.name == exit.name)
    };
    let groups = report.visor_exits.iter().filter(|exit| !exits_anyway(exit)).map(|exit| {
        let mut values = vec![Some(exit.least as f64)];
        if !decoding.is_empty() {
            values.push(without(exit));
        }
        (exit.name.clone(), values)
    });
    let mut series = vec!["with decode assist".to_string()];
    if !decoding.is_empty() {
        series.push("without: visor fetches and decodes".into());
    }
    let emulated = sum(report, ACCELERATED, |row| row.counts.emulated);
    let finding = emulated.map(|emulated| {
        let ring = sum(report, ACCELERATED, |row| row.counts.instructions_hypervisor).unwrap_or(0);
        let all = sum(report, ACCELERATED, |row| row.counts.instructions).unwrap_or(0).max(1);
        let software = sum(report, SOFTWARE, |row| row.counts.instructions_hypervisor)
            .zip(sum(report, SOFTWARE, |row| row.counts.instructions))
            .map(|(part, whole)| format!("; software-only: {:.1} %", 100.0 * part as f64 / whole.max(1) as f64));
        format!(
            "Accelerated, {} instructions were completed in software, and {:.4} % of all were the hypervisor's{}.",
            shown(emulated as f64, 0),
            100.0 * ring as f64 / all as f64,
            software.unwrap_or_default()
        )
    });
    Figure {
        title: "What visor does for an exit",
        reduction: Some("software-emulation overhead"),
        feature: "decode assist: the exit record, and the resume action that completes an instruction",
        caption: "Instructions of visor from an exit to the next entry, both ends included, by what the guest does; what \
                  exits only without the trap filter, without it. The scale is logarithmic, from 10."
            .into(),
        finding,
        svg: draw(Scale::Logarithmic, 10.0, 0, (series, groups.collect())),
    }
}

/// The same from whole workloads: averages by cause, in each mode.
pub(super) fn exit_work(report: &Report) -> Figure {
    let per_exit = |variant: &str, cause: &str| {
        let rows = report.rows.iter().filter(|row| row.variant == variant);
        let exits = rows.filter_map(|row| row.counts.exits.get(cause));
        let (count, instructions) =
            exits.fold((0, 0), |(count, total), exits| (count + exits.count, total + exits.instructions));
        (count != 0).then(|| instructions as f64 / count as f64)
    };
    let variants = [ACCELERATED, "without-trap-filter", "without-nested-paging", SOFTWARE];
    let variants: Vec<&str> =
        variants.into_iter().filter(|variant| sum(report, variant, |_| 1).is_some()).collect();
    let causes: BTreeSet<&str> = report
        .rows
        .iter()
        .filter(|row| variants.contains(&row.variant))
        .flat_map(|row| row.counts.exits.keys().copied())
        .collect();
    let groups = causes.iter().map(|cause| {
        (cause.to_string(), variants.iter().map(|variant| per_exit(variant, cause)).collect::<Vec<_>>())
    });
    let groups = groups.filter(|(_, values)| values.iter().any(Option::is_some)).collect();
    Figure {
        title: "What an exit costs in whole workloads",
        reduction: None,
        feature: "what is left to do once the record says what happened",
        caption: "Instructions of visor from an exit to the next entry, on average over the boot and all workloads, by cause; \
                  software-only: from a trap to the return."
            .into(),
        finding: None,
        svg: draw(Scale::Linear, 0.0, 1, (variants.iter().map(ToString::to_string).collect(), groups)),
    }
}

pub(super) fn nested_translation(report: &Report) -> Figure {
    let variants = [NATIVE, ACCELERATED, "without-walk-caches", SOFTWARE];
    let overall = |variant: &str| {
        let of = |row: &Row| match &row.counts.modelled {
            Some(modelled) => (modelled.walk_references, modelled.walks),
            None => (row.counts.walk_references, row.counts.tlb_misses),
        };
        let references = sum(report, variant, |row| of(row).0)?;
        let misses = sum(report, variant, |row| of(row).1)?;
        (misses != 0).then(|| references as f64 / misses as f64)
    };
    let without = overall("without-walk-caches");
    let without =
        without.map_or(String::new(), |without| format!(", {without:.2} of them without walk caches"));
    let pager = |variant: &str| {
        let ratio = |row: &Row| Some(cost_ratio(row)? / cost_ratio(report.row(ACCELERATED, row.workload)?)?);
        let rows = report.rows.iter().filter(|row| row.variant == variant);
        let ratios: Vec<f64> = rows.filter_map(ratio).collect();
        let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len().max(1) as f64).exp();
        (!ratios.is_empty()).then(|| {
            let exits = sum(report, variant, |row| row.counts.exits_total()).unwrap_or(0);
            format!(
                " With shadow tables in place of nested paging: {} exits, {mean:.2} times the {} on average.",
                shown(exits as f64, 0),
                unit(report)
            )
        })
    };
    let pager = pager("without-nested-paging").unwrap_or_default();
    Figure {
        title: "What a TLB miss costs",
        reduction: Some("performance loss from nested translation"),
        feature: "second stage in hardware, large pages, walk caches",
        caption: "Page-table entries that are read for each miss of the combined TLB.".into(),
        finding: match (overall(NATIVE), overall(ACCELERATED)) {
            (Some(native), Some(accelerated)) => Some(format!(
                "Over everything: {native:.2} natively, {accelerated:.2} with two stages{without}.{pager}"
            )),
            _ => None,
        },
        svg: draw(Scale::Linear, 0.0, 2, by_workload(report, &variants, |row| row.walk_references_per_miss)),
    }
}
