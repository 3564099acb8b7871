//! The results as one page that needs nothing else.

use minijinja::{Environment, context};

use crate::figure;
use crate::report::Report;
use crate::table;

const TEMPLATE: &str = include_str!("report.html");

/// The style of all pages, with the colours of the charts.
pub(crate) const STYLE: &str = include_str!("style.css");

/// The page.
pub fn render(report: &Report) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_filter("grouped", table::grouped);
    environment.add_filter("thousandth", |millicycles: u64| table::grouped(millicycles / 1000));
    environment.add_filter("fixed", |value: f64, decimals: usize| format!("{value:.decimals$}"));
    // The name decides that text is escaped.
    environment.add_template("report.html", TEMPLATE)?;
    environment.add_template("style.css", STYLE)?;
    let rows: Vec<_> = report
        .rows
        .iter()
        .map(|row| context! { row => row, exits => row.counts.exits_total(), causes => table::causes(&row.counts) })
        .collect();
    environment.get_template("report.html")?.render(context! {
        report => report,
        rows => rows,
        figures => figure::all(report),
        has_cycles => report.has_cycles(),
    })
}
