//! Text tests of the architecture.
//!
//! A test is a file of V-ISA assembly in `tests/isa/<group>/`, with comments that say what must hold and where. Any
//! engine runs it; the results in it are written by hand from the specification, which the file's head names.
//!
//! # The file
//!
//! A prelude (`tests/isa/prelude.s`) stands before each file: it sets up a VMCS with nothing trapped and jumps to
//! `main`, and has macros to enter guests, to fill page tables and VMCS fields, and to end the test.
//!
//! Directives stand anywhere, but by habit at the top:
//!
//! | directive | |
//! |---|---|
//! | `;! ram 8M` | size of RAM; 2M unless said |
//! | `;! harts 2` | number of harts; 1 unless said |
//! | `;! limit 5000` | most instructions that may retire; 100,000 unless said |
//! | `;! bare` | without the prelude's start: execution begins at `_start` |
//! | `;! end fail 7` | how the machine ends: `pass` (unless said), `fail N`, `reset`, `dead CAUSE`, `idle` |
//! | `;! exits hypercall=2 halt=1` | VM exits by cause in the whole run; causes not named have none |
//! | `;! events` | the lines `;~ ...` are the log of all traps and world switches; `VISA_BLESS=1` rewrites them |
//!
//! # Checks
//!
//! A line `;= ...` holds one or more checks, separated by commas. They are made each time that execution reaches the
//! next instruction, in whatever ring, before it executes; a line that is never reached is a failure. They may stand in
//! macros, and use their parameters. Values are expressions of numbers, symbols of the program and registers.
//!
//! | check | holds if |
//! |---|---|
//! | `NAME = value` | a register (`R5`, `F1`, `HR5`, `PC`, `RING`, `CR3`, any MSR) or memory (`mem64[address]`) has the value |
//! | `NAME += value` | it has grown by so much since the last `mark` |
//! | `mark` | always; remembers the state of hart and memory |
//! | `same except NAME NAME*` | everything but what is named is as it was at the mark |
//! | `exit CAUSE key=value flag ...` | Ring -1 runs, and the exit record is this, with zero in everything not named |
//! | `refused OFFSET` | an entry has just failed for that field, and nothing but VMCAUSE and VMQUAL changed since the mark |
//! | `trap CAUSE at=label tval=value from=ring` | the guest took this trap to Ring 0, whose handler in the prelude left by VMEXIT |
//! | `hv CAUSE at=label tval=value` | Ring -1 took exactly this exception since the last such check |
//!
//! Keys of `exit`: `at=label` (VMPC is the label, VMINST and the length those of the instruction there), `pc=value`
//! (VMPC alone), `ring=3`, `gva`, `gpa`, `value`, `code`, `cookie`, `result`, `size`, `reg`, `len`, `inst`; flags are those of
//! VMQUAL: `write signed execute float walk read host`.
//!
//! Exceptions of Ring -1 are skipped by the prelude's handler; each must be named by one `hv` check.

mod check;
mod event;
mod expression;
mod program;
mod run;
mod state;

use std::path::{Path, PathBuf};

pub use run::{Engine, Failure};

/// Every test file under `root`, by name.
pub fn discover(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "s") && directory != root {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Runs one file on one engine. `name` is what messages call it; with `bless` its event log is rewritten if it differs.
pub fn run_file(path: &Path, name: &str, engine: Engine, bless: bool) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::plain(name, error.to_string()))?;
    let program = program::Program::read(name, &text).map_err(|message| Failure::plain(name, message))?;
    let log = run::run(&program, engine)?;
    if !program.directives.events || log == program.logged {
        return Ok(());
    }
    if bless {
        let kept = text.lines().filter(|line| !line.starts_with(program::LOG_MARK));
        let lines =
            kept.map(str::to_string).chain(log.iter().map(|line| format!("{} {line}", program::LOG_MARK)));
        let blessed: String = lines.map(|line| line + "\n").collect();
        return std::fs::write(path, blessed).map_err(|error| Failure::plain(name, error.to_string()));
    }
    let differs = log.iter().zip(&program.logged).position(|(a, b)| a != b);
    let index = differs.unwrap_or(log.len().min(program.logged.len()));
    let show = |list: &[String]| list.get(index).map_or("(nothing)".to_string(), String::clone);
    Err(Failure::plain(
        name,
        format!(
            "event {} is not as logged\n  expected {}\n  found    {}\n  (VISA_BLESS=1 rewrites the log)",
            index + 1,
            show(&program.logged),
            show(&log)
        ),
    ))
}
