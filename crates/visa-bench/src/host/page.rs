//! The results as one page that needs nothing else.

use minijinja::{Environment, context};

use super::report::{Report, RowResult};
use super::table;
use crate::chart::{Chart, Group, Scale};
use crate::html::STYLE;

const TEMPLATE: &str = include_str!("page.html");

/// The page.
pub fn render(report: &Report) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    // The name decides that text is escaped.
    environment.add_template("page.html", TEMPLATE)?;
    environment.add_template("style.css", STYLE)?;
    environment.get_template("page.html")?.render(context! {
        report => report,
        by_qemu => by_qemu(report),
        by_native => by_native(report),
        table => table::render(report),
    })
}

/// Native, accelerated and what is aimed at, by QEMU's time.
fn by_qemu(report: &Report) -> Option<String> {
    chart(report, &["native", "under visor", "at most"], &|row| {
        let native = row.native_by_qemu?;
        Some(vec![Some(native.ratio), row.accelerated_by_qemu, Some(native.target)])
    })
}

/// Accelerated by native time.
fn by_native(report: &Report) -> Option<String> {
    chart(report, &["under visor", "at most"], &|row| {
        let ratio = row.accelerated_by_native?;
        Some(vec![Some(ratio.ratio), Some(ratio.target)])
    })
}

fn chart(
    report: &Report,
    series: &[&str],
    values: &dyn Fn(&RowResult) -> Option<Vec<Option<f64>>>,
) -> Option<String> {
    let groups: Vec<Group> =
        report.rows.iter().filter_map(|row| Some((row.name.to_string(), values(row)?))).collect();
    let series = series.iter().map(ToString::to_string).collect();
    let chart = Chart { scale: Scale::Linear, origin: 0.0, decimals: 2, series, groups };
    (!chart.groups.is_empty()).then(|| chart.svg())
}
