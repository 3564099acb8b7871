//! Running one test, and what its exit code means.

use crate::process;
use std::fmt;
use std::path::Path;
use std::process::Command;

/// How long a test may take; the longest needs some thousand instructions.
const TIMEOUT_S: &str = "20";

/// The exit code of `visa run` when the time is over. (A test's case of that number would fail as well.)
const EXIT_TIMEOUT: i32 = 124;

/// How a test ended.
pub enum Outcome {
    /// It wrote the pass word to the test finisher.
    Passed,
    /// It ended with this exit code: the case that failed.
    Failed(i32, String),
    /// It did not end.
    TimedOut,
    /// It could not be built or run.
    Broken(String),
}

impl Outcome {
    /// Whether the test passed.
    pub fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => formatter.write_str("passed"),
            Self::Failed(code, said) => write!(formatter, "failed, exit code {code} {said}"),
            Self::TimedOut => write!(formatter, "not finished after {TIMEOUT_S} s"),
            Self::Broken(why) => formatter.write_str(why),
        }
    }
}

/// Runs a built test on the `visa` command.
pub fn run(visa: &Path, program: &Path) -> Outcome {
    let mut command = Command::new(visa);
    command.arg("run").arg(program).args(["--clock", "virtual", "--timeout", TIMEOUT_S]);
    let output = match process::run_captured(&mut command) {
        Ok(output) => output,
        Err(error) => return Outcome::Broken(format!("{error:#}")),
    };
    match output.status.code() {
        Some(0) => Outcome::Passed,
        Some(EXIT_TIMEOUT) => Outcome::TimedOut,
        Some(code) => {
            let said =
                [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
            Outcome::Failed(code, said.join(" "))
        }
        None => Outcome::Broken(process::describe_failure(&command, &output)),
    }
}
