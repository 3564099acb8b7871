//! What tests have reached, for people: tables in Markdown, and lists.

use super::lines::GROUPS;
use super::reached::Reached;
use anyhow::{Result, ensure};
use std::fmt::Write;

/// The columns of the table of what is generated: the heading, the kind, the tier.
const COLUMNS: [(&str, &str, Option<&str>); 8] = [
    ("operations: blocks", "operation", Some("block")),
    ("regions", "operation", Some("region")),
    ("optimised", "operation", Some("optimised")),
    ("patterns", "pattern", None),
    ("edges: blocks", "edge", Some("block")),
    ("regions", "edge", Some("region")),
    ("optimised", "edge", Some("optimised")),
    ("shared", "edge", Some("shared")),
];

/// The share of lines that each test reaches.
pub fn lines(tests: &[Reached]) -> Result<String> {
    let headings: Vec<&str> =
        std::iter::once("all lines").chain(GROUPS.iter().map(|(group, _)| *group)).collect();
    let mut rows = vec![row("lines", &headings), rule(headings.len())];
    for test in tests {
        let groups = std::iter::once(None).chain(GROUPS.iter().map(|(group, _)| Some(*group)));
        let mut cells = Vec::new();
        for of in groups {
            let (reached, all) = test.lines.share(of);
            ensure!(all > 0, "`{}` has no lines of {of:?}", test.name);
            cells.push(format!("{:.1} %", 100.0 * reached as f64 / all as f64));
        }
        rows.push(row(&format!("`{}`", test.name), &cells));
    }
    if let Some(test) = tests.first() {
        let groups = std::iter::once(None).chain(GROUPS.iter().map(|(group, _)| Some(*group)));
        let sizes: Vec<String> = groups.map(|of| test.lines.share(of).1.to_string()).collect();
        rows.push(row("of", &sizes));
    }
    Ok(rows.concat())
}

/// How much of what the JIT generates each test executes.
pub fn points(tests: &[Reached]) -> String {
    let mut rows = vec![row("executed", &COLUMNS.map(|(heading, ..)| heading)), rule(COLUMNS.len())];
    for test in tests {
        let cells = COLUMNS.map(|(_, kind, tier)| test.points.share(kind, tier).0.to_string());
        rows.push(row(&format!("`{}`", test.name), &cells));
    }
    if let Some(test) = tests.first() {
        rows.push(row("of", &COLUMNS.map(|(_, kind, tier)| test.points.share(kind, tier).1.to_string())));
    }
    rows.concat()
}

/// What was not reached, with or without lines.
pub fn missing(test: &Reached, with_lines: bool) -> String {
    let mut text = String::new();
    for kind in ["operation", "pattern", "edge"] {
        for tier in ["block", "region", "optimised", "shared"] {
            let names = test.points.missing(kind, tier);
            if !names.is_empty() {
                let separator = if kind == "operation" { ", " } else { "; " };
                let _ = writeln!(text, "not executed: {tier}: {kind}s: {}", names.join(separator));
            }
        }
    }
    if with_lines {
        for (file, ranges) in test.lines.missing() {
            let ranges: Vec<String> = ranges.into_iter().map(range).collect();
            let _ = writeln!(text, "not reached: {file}: {}", ranges.join(" "));
        }
    }
    text
}

fn range((first, last): (usize, usize)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn row(name: &str, cells: &[impl AsRef<str>]) -> String {
    let cells: String = cells.iter().map(|cell| format!(" {} |", cell.as_ref())).collect();
    format!("| {name} |{cells}\n")
}

fn rule(cells: usize) -> String {
    format!("|---|{}\n", "---:|".repeat(cells))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::lines::Lines;
    use std::collections::BTreeMap;

    fn reached() -> Reached {
        let files = ["emit/alu.rs", "block.rs", "optimise/plan.rs", "cache.rs", "engine.rs", "runtime.rs"];
        let lines = |_| BTreeMap::from([(1, true), (2, false), (3, false), (4, true)]);
        Reached {
            name: "loops".into(),
            lines: Lines(files.into_iter().map(|file| (file.to_owned(), lines(file))).collect()),
            points: "block\toperation\taddi\t1\nblock\toperation\tsc.w\t0\nshared\tedge\tout\t0\n"
                .parse()
                .unwrap(),
        }
    }

    #[test]
    fn tables_have_a_row_for_each_test_and_what_there_is() {
        let text = lines(&[reached()]).unwrap();
        assert!(text.contains("| `loops` | 50.0 % | 50.0 % |"), "{text}");
        assert!(text.ends_with("| of | 24 | 4 | 4 | 4 | 4 | 4 | 4 |\n"), "{text}");
        let text = points(&[reached()]);
        assert!(text.contains("| `loops` | 1 | 0 |") && text.contains("| of | 2 | 0 |"), "{text}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let text = missing(&reached(), true);
        assert!(
            text.contains("not executed: block: operations: sc.w\nnot executed: shared: edges: out\n"),
            "{text}"
        );
        assert!(text.contains("not reached: block.rs: 2-3\n"), "{text}");
        assert!(!missing(&reached(), false).contains("block.rs"));
    }

    #[test]
    fn a_group_without_lines_is_an_error() {
        let nothing = Reached { name: "nothing".into(), ..Reached::default() };
        assert!(lines(&[nothing]).is_err());
    }
}
