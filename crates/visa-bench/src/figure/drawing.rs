//! What figures are made of.

use serde::Serialize;

use crate::chart::{Chart, Group, Scale};
use crate::report::{Report, Row};

/// Names of the series, and groups with a value for each.
pub(super) type Data = (Vec<String>, Vec<Group>);

/// A chart with its words.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// Its heading.
    pub title: &'static str,
    /// The reduction that it shows, of the four that the concept names; nothing for the others.
    pub reduction: Option<&'static str>,
    /// What causes it.
    pub feature: &'static str,
    /// What is drawn, and how to read it.
    pub caption: String,
    /// The result in a sentence.
    pub finding: Option<String>,
    /// The chart; nothing if there is nothing to draw.
    pub svg: Option<String>,
}

/// A value for each workload and each of some variants. Workloads without any are left out, and variants too.
pub(super) fn by_workload(report: &Report, variants: &[&str], value: impl Fn(&Row) -> Option<f64>) -> Data {
    let of = |variant: &str, workload: &str| report.row(variant, workload).and_then(&value);
    let ran = |variant: &&&str| report.rows.iter().any(|row| row.variant == **variant);
    let variants: Vec<&str> = variants.iter().filter(ran).copied().collect();
    let groups = report.workloads.iter().map(|workload| {
        let values: Vec<_> = variants.iter().map(|variant| of(variant, workload.name)).collect();
        (workload.name.to_string(), values)
    });
    let groups = groups.filter(|(_, values)| values.iter().any(Option::is_some)).collect();
    (variants.into_iter().map(str::to_string).collect(), groups)
}

/// The chart, unless there is nothing in it.
pub(super) fn draw(scale: Scale, origin: f64, decimals: usize, (series, groups): Data) -> Option<String> {
    let is_empty = series.is_empty() || groups.is_empty();
    (!is_empty).then(|| Chart { scale, origin, decimals, series, groups }.svg())
}

/// What a row costs by what it costs natively: cycles if they are modelled.
pub(super) fn cost_ratio(row: &Row) -> Option<f64> {
    row.cycles_ratio.or(row.instructions_ratio)
}

pub(super) fn unit(report: &Report) -> &'static str {
    if report.has_cycles() { "modelled cycles" } else { "instructions" }
}

pub(super) fn sum(report: &Report, variant: &str, value: impl Fn(&Row) -> u64) -> Option<u64> {
    let mut rows = report.rows.iter().filter(|row| row.variant == variant).peekable();
    rows.peek()?;
    Some(rows.map(value).sum())
}
