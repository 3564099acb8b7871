//! Lines of the JIT's sources, and which of them were executed.

use anyhow::{Context, Result, bail};
use llvm_profparser::{CoverageMapping, SourceLocation, parse};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Where the JIT's sources are.
pub const SOURCES: &str = "crates/visa-jit/src";

/// Groups of sources: what they are called, and the directories and files that they are. What checks generated code, and what notes
/// that it is executed, is no part of the JIT; nor is what stands for it on other hosts.
pub const GROUPS: [(&str, &[&str]); 6] = [
    ("emit", &["emit"]),
    ("regions", &["region", "registers", "block"]),
    ("optimise", &["optimise"]),
    ("cache", &["cache", "memory", "predicted"]),
    ("engine", &["engine", "settings"]),
    ("runtime", &["runtime", "trampolines"]),
];
/// What belongs to none.
#[cfg(test)]
const OTHERS: [&str; 4] = ["check", "coverage", "fallback", "lib"];

/// For each file, the lines that have code, and whether they were executed.
#[derive(Clone, Default, Debug, PartialEq, Eq, Serialize)]
pub struct Lines(pub BTreeMap<String, BTreeMap<usize, bool>>);

impl Lines {
    /// Reads what a run of a program has left behind.
    pub fn read(program: &Path, profile: &Path, sources: &Path) -> Result<Lines> {
        let counters = parse(profile).with_context(|| format!("cannot read {}", profile.display()))?;
        let programs = [program.to_owned()];
        let mapping = CoverageMapping::new(&programs, &counters, false)?;
        let report =
            mapping.generate_subreport(|paths| paths.iter().any(|path| path.starts_with(sources)))?;
        let mut lines = Lines::default();
        for (path, found) in &report.files {
            let Ok(file) = path.strip_prefix(sources) else { continue };
            if group(file).is_some() {
                lines.0.insert(file.display().to_string(), of_parts(&found.hits));
            }
        }
        if lines.0.is_empty() {
            bail!("{} has no lines of {}", program.display(), sources.display());
        }
        Ok(lines)
    }

    /// Adds what another run has reached.
    pub fn add(&mut self, other: &Lines) {
        for (file, lines) in &other.0 {
            let known = self.0.entry(file.clone()).or_default();
            lines.iter().for_each(|(line, reached)| *known.entry(*line).or_default() |= reached);
        }
    }

    /// How many lines of a group, or of all, were reached, of how many.
    pub fn share(&self, of: Option<&str>) -> (usize, usize) {
        let wanted = |file: &str| of.is_none() || group(Path::new(file)) == of;
        let lines = self.0.iter().filter(|(file, _)| wanted(file)).flat_map(|(_, lines)| lines.values());
        lines.fold((0, 0), |(reached, all), line| (reached + usize::from(*line), all + 1))
    }

    /// The lines that were not reached, for each file, those side by side together.
    pub fn missing(&self) -> Vec<(&str, Vec<(usize, usize)>)> {
        let missing = self.0.iter().map(|(file, lines)| {
            let mut ranges: Vec<(usize, usize)> = Vec::new();
            let mut last_missed = false;
            for (&line, &reached) in lines {
                match ranges.last_mut().filter(|_| last_missed) {
                    // Lines without code in between do not matter.
                    Some((_, end)) if !reached => *end = line,
                    _ if !reached => ranges.push((line, line)),
                    _ => {}
                }
                last_missed = !reached;
            }
            (file.as_str(), ranges)
        });
        missing.filter(|(_, ranges)| !ranges.is_empty()).collect()
    }
}

/// The group of a file of the sources.
fn group(file: &Path) -> Option<&'static str> {
    let first = Path::new(file.iter().next()?).file_stem()?.to_str()?;
    GROUPS.iter().find(|(_, names)| names.contains(&first)).map(|(group, _)| *group)
}

/// Whether each line was executed, by how often parts of the source were: if any part that begins there was, or else the smallest
/// around it.
fn of_parts(parts: &BTreeMap<SourceLocation, usize>) -> BTreeMap<usize, bool> {
    // A count is a difference of others: negative if two threads have counted at once.
    let executed = |count: &usize| *count as isize > 0;
    let mut lines = BTreeMap::new();
    // Those that begin earlier come first, so that of those around a line the last is the smallest.
    for (part, count) in parts {
        (part.line_start + 1..=part.line_end).for_each(|line| {
            lines.insert(line, executed(count));
        });
    }
    let mut begun = BTreeMap::new();
    for (part, count) in parts {
        *begun.entry(part.line_start).or_default() |= executed(count);
    }
    lines.extend(begun);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    fn part(line_start: usize, column_start: usize, line_end: usize, column_end: usize) -> SourceLocation {
        SourceLocation { line_start, column_start, line_end, column_end }
    }

    #[test]
    fn every_source_of_the_jit_is_in_a_group_or_left_out() {
        for entry in std::fs::read_dir(workspace::root().join(SOURCES)).unwrap() {
            let name = entry.unwrap().file_name();
            let stem = Path::new(&name).file_stem().and_then(|stem| stem.to_str()).unwrap();
            let is_left_out = OTHERS.contains(&stem);
            assert!(group(Path::new(&name)).is_some() != is_left_out, "{name:?}");
        }
        assert_eq!(group(Path::new("emit/alu.rs")), Some("emit"));
        assert_eq!(group(Path::new("check/flow.rs")), None);
    }

    #[test]
    fn a_line_goes_by_what_begins_in_it_or_else_by_what_is_around() {
        let parts = BTreeMap::from([
            // A call over four lines, with a closure on the third that is not called.
            (part(10, 5, 13, 6), 3),
            (part(12, 9, 12, 20), 0),
            // Two ways on one line, of which one was taken.
            (part(20, 5, 20, 10), 0),
            (part(20, 12, 20, 18), 1),
            // What two threads have counted at once.
            (part(30, 5, 30, 10), (-2isize) as usize),
        ]);
        let expected = [(10, true), (11, true), (12, false), (13, true), (20, true), (30, false)];
        assert_eq!(of_parts(&parts), BTreeMap::from(expected));
    }

    #[test]
    fn runs_are_added_and_what_none_reaches_is_named() {
        let lines = |reached: [(usize, bool); 4]| {
            Lines(BTreeMap::from([("emit/alu.rs".to_owned(), BTreeMap::from(reached))]))
        };
        let mut all = lines([(1, true), (3, false), (5, false), (9, false)]);
        all.add(&lines([(1, false), (3, false), (5, false), (9, true)]));
        assert_eq!(all, lines([(1, true), (3, false), (5, false), (9, true)]));
        assert_eq!(
            (all.share(None), all.share(Some("emit")), all.share(Some("engine"))),
            ((2, 4), (2, 4), (0, 0))
        );
        assert_eq!(all.missing(), [("emit/alu.rs", vec![(3, 5)])]);
    }
}
