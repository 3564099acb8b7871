//! Whether programs printed what is expected, for people and for programs.

use super::catalogue::{self, Program};
use super::console::{self, Output};
use super::packages::Disk;
use anyhow::{Context, Result};
use serde::Serialize;
use std::fs;
use std::path::Path;

/// What became of a program.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It printed what QEMU's run printed.
    Right,
    /// It printed something else: the first line that differs.
    Wrong {
        /// The line's number.
        line: usize,
        /// What QEMU gave.
        expected: String,
        /// What came here.
        got: String,
    },
    /// The machine ended while it ran, for this reason.
    Unfinished(String),
    /// Nothing is expected of it yet.
    Unknown,
}

/// A program's result.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The program.
    pub name: String,
    /// Seconds by this machine's clock, if it came to its end.
    pub seconds: Option<f64>,
    /// What became of it.
    pub verdict: Verdict,
}

impl Line {
    /// For people.
    pub fn text(&self) -> String {
        let said = match &self.verdict {
            Verdict::Right => "right".into(),
            Verdict::Wrong { line, expected, got } => {
                format!("WRONG: line {line}: expected `{}`, got `{}`", shortened(expected), shortened(got))
            }
            Verdict::Unfinished(why) => format!("WRONG: did not come to its end: {why}"),
            Verdict::Unknown => "nothing is expected: cargo xtask corpus --record".into(),
        };
        match self.seconds {
            Some(seconds) => format!("{:<14} {seconds:>7.1} s  {said}", self.name),
            None => format!("{:<14} {:>9}  {said}", self.name, "-"),
        }
    }
}

fn shortened(line: &str) -> String {
    const MOST: usize = 100;
    line.chars().take(MOST).collect()
}

/// The results of one engine in one mode.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// `--engine`.
    pub engine: String,
    /// `--mode`.
    pub mode: String,
    /// The programs.
    pub lines: Vec<Line>,
}

impl Summary {
    /// Programs that are not right.
    pub fn wrong(&self) -> usize {
        self.lines.iter().filter(|line| line.verdict != Verdict::Right).count()
    }

    /// For people.
    pub fn line(&self) -> String {
        let seconds: f64 = self.lines.iter().filter_map(|line| line.seconds).sum();
        let right = self.lines.len() - self.wrong();
        format!(
            "{}, {}: {right} of {} programs right, in {seconds:.0} s",
            self.engine,
            self.mode,
            self.lines.len()
        )
    }
}

/// Compares an output with what is expected of its program.
pub fn judge(output: &Output, programs: &[Program]) -> Line {
    let program = programs.iter().find(|program| program.name == output.name);
    let verdict = match program.and_then(catalogue::expected) {
        None => Verdict::Unknown,
        Some(expected) => match console::first_difference(&expected, &output.text) {
            None => Verdict::Right,
            Some((line, expected, got)) => Verdict::Wrong { line, expected, got },
        },
    };
    Line { name: output.name.clone(), seconds: Some(output.took.as_secs_f64()), verdict }
}

/// Says if the disk's packages are not those that the expected outputs are of.
pub fn warn_of_other_versions(disk: &Disk) -> Result<()> {
    let recorded = catalogue::directory().join("expected/packages.txt");
    let Ok(recorded) = fs::read_to_string(recorded) else { return Ok(()) };
    let here = fs::read_to_string(&disk.versions)?;
    let other: Vec<&str> =
        here.lines().filter(|line| !recorded.lines().any(|recorded| recorded == *line)).collect();
    if !other.is_empty() {
        eprintln!(
            "what is expected was recorded with other versions of {} packages: {}",
            other.len(),
            other.join(", ")
        );
    }
    Ok(())
}

/// Programs by engine and mode, in Markdown: the seconds of those that were right.
pub fn table(summaries: &[Summary]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for line in summaries.iter().flat_map(|summary| &summary.lines) {
        if !names.contains(&line.name.as_str()) {
            names.push(&line.name);
        }
    }
    let titles = summaries.iter().map(|summary| format!(" {}, {} |", summary.engine, summary.mode));
    let mut text =
        format!("| program |{}\n|---|{}\n", titles.collect::<String>(), "---:|".repeat(summaries.len()));
    for name in names {
        let cell = |summary: &Summary| {
            let line = summary.lines.iter().find(|line| line.name == name);
            let cell = match line.map(|line| (&line.verdict, line.seconds)) {
                None => "".into(),
                Some((Verdict::Right, Some(seconds))) => format!("{seconds:.1}"),
                Some(_) => "wrong".into(),
            };
            format!(" {cell} |")
        };
        text += &format!("| {name} |{}\n", summaries.iter().map(cell).collect::<String>());
    }
    text
}

/// Writes all results.
pub fn write_json(file: &Path, summaries: &[Summary]) -> Result<()> {
    let text = serde_json::to_string_pretty(summaries)? + "\n";
    if file == Path::new("-") {
        print!("{text}");
        return Ok(());
    }
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_what_was_right_with_its_seconds() {
        let line = |name: &str, seconds, verdict| Line { name: name.into(), seconds, verdict };
        let wrong = Verdict::Wrong { line: 1, expected: "a".into(), got: "b".into() };
        let lines = [
            vec![line("bash", Some(1.25), Verdict::Right), line("sed", Some(2.0), wrong)],
            vec![
                line("sed", None, Verdict::Unfinished("signal".into())),
                line("perl", Some(30.0), Verdict::Right),
            ],
        ];
        let [first, second] =
            lines.map(|lines| Summary { engine: "jit".into(), mode: "native".into(), lines });
        let expected = "| program | jit, native | jit, native |\n|---|---:|---:|\n\
                        | bash | 1.2 |  |\n| sed | wrong | wrong |\n| perl |  | 30.0 |\n";
        assert_eq!(table(&[first, second]), expected);
    }
}
