//! What comes out of the guest's console: programs' outputs between marks.

use std::time::{Duration, Instant};

/// What a program printed, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The program.
    pub name: String,
    /// What it printed, and a line with its exit code.
    pub text: String,
    /// How long it took, by this machine's clock.
    pub took: Duration,
}

/// What a guest says, line by line.
#[derive(Debug, Default)]
pub struct Console {
    /// Programs that came to their end.
    pub outputs: Vec<Output>,
    /// Whether all programs of the list ran.
    pub done: bool,
    /// The program that runs, since when, and what is known of its output.
    running: Option<(String, Instant, String)>,
    /// What the guest says is wrong with itself, and what its kernel said of programs that died.
    pub complaints: Vec<String>,
    /// The last line that was not empty.
    pub last_line: String,
}

impl Console {
    /// The program that has begun and not ended.
    pub fn unfinished(&self) -> Option<&str> {
        self.running.as_ref().map(|(name, ..)| name.as_str())
    }

    /// Takes one line, which has come now.
    pub fn line(&mut self, line: &str, now: Instant) {
        let line = line.trim_end_matches(['\r', '\n']);
        if !line.trim().is_empty() {
            self.last_line = line.into();
        }
        if let Some(text) = line.strip_prefix('|') {
            if let Some((_, _, output)) = &mut self.running {
                output.push_str(text);
                output.push('\n');
            }
        } else if let Some(name) = line.strip_prefix("@@begin ") {
            self.running = Some((name.into(), now, String::new()));
        } else if let Some(rest) = line.strip_prefix("@@end ") {
            self.end(rest, now);
        } else if line == "@@done" {
            self.done = true;
        } else if let Some(complaint) =
            line.strip_prefix("@@fail ").or_else(|| line.strip_prefix("@@kernel "))
        {
            self.complaints.push(complaint.into());
        }
    }

    /// `NAME CODE`: the program that runs has ended.
    fn end(&mut self, rest: &str, now: Instant) {
        let Some((name, began, text)) = self.running.take() else { return };
        match rest.split_once(' ') {
            Some((ended, code)) if ended == name => {
                let text = format!("{text}code {code}\n");
                self.outputs.push(Output { name, text, took: now.duration_since(began) });
            }
            _ => self.running = Some((name, began, text)),
        }
    }
}

/// The first line in which an output is not what is expected: its number, and both.
pub fn first_difference(expected: &str, got: &str) -> Option<(usize, String, String)> {
    let (mut expected, mut got) = (expected.lines(), got.lines());
    let mut number = 1;
    loop {
        match (expected.next(), got.next()) {
            (None, None) => return None,
            (a, b) if a == b => number += 1,
            (a, b) => {
                let shown = |line: Option<&str>| line.unwrap_or("(nothing more)").to_owned();
                return Some((number, shown(a), shown(b)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Console {
        let mut console = Console::default();
        lines.iter().for_each(|line| console.line(line, Instant::now()));
        console
    }

    #[test]
    fn outputs_are_what_is_between_the_marks() {
        let console = heard(&[
            "boot\r\n",
            "@@begin a\r\n",
            "|one\r\n",
            "|@@end a 0\r\n",
            "\r\n",
            "@@end a 3\r\n",
            "@@begin b\n",
            "|x\n",
            "@@kernel b died\n",
        ]);
        assert_eq!(console.outputs.len(), 1);
        assert_eq!(console.outputs[0].text, "one\n@@end a 0\ncode 3\n");
        assert_eq!(console.unfinished(), Some("b"));
        assert_eq!(console.complaints, ["b died"]);
        assert!(!console.done);
        assert!(heard(&["@@done"]).done);
    }

    #[test]
    fn the_first_difference_has_its_line() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some((2, "b".into(), "c".into())));
        assert_eq!(first_difference("a\n", ""), Some((1, "a".into(), "(nothing more)".into())));
    }
}
