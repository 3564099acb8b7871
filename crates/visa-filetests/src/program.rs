//! A test file, read: directives, checks and the assembled program.

use std::collections::BTreeMap;

use visa_asm::{Object, Options};

use crate::check::Check;

/// Begins a line of checks.
const CHECK_MARK: &str = ";=";
/// Begins a directive.
const DIRECTIVE_MARK: &str = ";!";
/// Begins a line of the event log.
pub const LOG_MARK: &str = ";~";
/// The section that the checks go into. It is not loaded.
const CHECK_SECTION: &str = ".checks";
/// What the start of the prelude is called; `;! bare` leaves it out.
const START: &str = "prelude_start";
/// The macro library and the start of every test.
const PRELUDE: &str = include_str!("../../../tests/isa/prelude.s");
/// The macro that makes a check: the address, and the text with the parameters of macros put in.
const CHECK_MACRO: &str = "
.macro __check text
__check_\\@:
.pushsection .checks
.dword __check_\\@
.asciz \"\\text\"
.popsection
.endm
";

/// How a run is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// By the finisher, with an exit code.
    Finished(u16),
    /// By a reset.
    Reset,
    /// Three exceptions in a row in Ring -1; the last one's cause.
    Dead(u64),
    /// Every hart halts for good.
    Idle,
}

/// What the directives say.
#[derive(Debug)]
pub struct Directives {
    /// Bytes of RAM.
    pub ram: u64,
    /// Number of harts.
    pub harts: usize,
    /// Most instructions.
    pub limit: u64,
    /// How the run is to end.
    pub end: End,
    /// VM exits by cause, if they are all named.
    pub exits: Option<BTreeMap<String, u64>>,
    /// Whether the events are logged.
    pub events: bool,
    bare: bool,
}

/// A line of checks at an address.
pub struct Checkpoint {
    /// Line of the file.
    pub line: u32,
    /// What must hold.
    pub checks: Vec<Check>,
}

/// A test file, ready to run.
pub struct Program {
    /// What messages call the file.
    pub name: String,
    /// What the directives say.
    pub directives: Directives,
    /// The assembled program.
    pub object: Object,
    /// Checks by address.
    pub checkpoints: BTreeMap<u64, Vec<Checkpoint>>,
    /// The event log as it stands in the file.
    pub logged: Vec<String>,
}

impl Program {
    /// Reads and assembles a file.
    pub fn read(name: &str, text: &str) -> Result<Program, String> {
        let directives = directives(text)?;
        let start = if directives.bare { String::new() } else { format!("{START}\n") };
        let before = format!("{CHECK_MACRO}{PRELUDE}\n{start}");
        let skipped = before.lines().count() as u32;
        let body: String = text.lines().map(|line| check_line(line) + "\n").collect();
        // What a macro of the prelude is called with is found there, too.
        let before: String = before.lines().map(|line| check_line(line) + "\n").collect();
        let source = before + &body;
        let object = visa_asm::assemble(&source, name, &Options::default())
            .map_err(|errors| shift_lines(&errors, name, skipped))?;
        let checkpoints = checkpoints(&object, skipped)?;
        let logged =
            text.lines().filter_map(|line| line.strip_prefix(LOG_MARK)).map(|line| line.trim().into());
        Ok(Program { name: name.into(), directives, object, checkpoints, logged: logged.collect() })
    }

    /// Sections to load.
    pub fn sections(&self) -> impl Iterator<Item = &visa_asm::Section> {
        self.object.sections.iter().filter(|section| section.name != CHECK_SECTION)
    }

    /// The bits of the instruction that was assembled at an address.
    pub fn bits_at(&self, address: u64) -> Option<u32> {
        let byte = |address: u64| {
            self.sections().find_map(|section| {
                let offset = usize::try_from(address.checked_sub(section.address)?).ok()?;
                section.data.get(offset).copied()
            })
        };
        let low = u32::from(byte(address)?) | u32::from(byte(address + 1)?) << 8;
        if low & 3 != 3 {
            return Some(low);
        }
        Some(low | u32::from(byte(address + 2)?) << 16 | u32::from(byte(address + 3)?) << 24)
    }
}

/// A line as the assembler gets it.
fn check_line(line: &str) -> String {
    match line.trim_start().strip_prefix(CHECK_MARK) {
        Some(text) => format!("__check \"{}\"", text.trim()),
        None => line.to_string(),
    }
}

fn shift_lines(errors: &visa_asm::Diagnostics, name: &str, skipped: u32) -> String {
    let show = |error: &visa_asm::Diagnostic| {
        let place = match error.line.checked_sub(skipped) {
            None | Some(0) => format!("prelude:{}", error.line),
            Some(line) => format!("{name}:{line}:{}", error.column),
        };
        let help = error.help.as_deref().unwrap_or("");
        format!("{place}: {}: {} {help}", error.message, error.label)
    };
    errors.list().iter().map(show).collect::<Vec<_>>().join("\n")
}

/// Takes the section of checks apart: an address and a text each.
fn checkpoints(object: &Object, skipped: u32) -> Result<BTreeMap<u64, Vec<Checkpoint>>, String> {
    let mut all: BTreeMap<u64, Vec<Checkpoint>> = BTreeMap::new();
    let Some((number, section)) =
        object.sections.iter().enumerate().find(|(_, section)| section.name == CHECK_SECTION)
    else {
        return Err("the file checks nothing".into());
    };
    let mut rest = section.data.as_slice();
    while rest.len() > 8 {
        let at = section.address + (section.data.len() - rest.len()) as u64;
        let record = object.lines.iter().find(|record| record.section == number && record.address == at);
        let line = record.map_or(0, |record| record.line).saturating_sub(skipped);
        let (head, tail) = rest.split_at(8);
        let address = u64::from_le_bytes(head.try_into().unwrap_or_default());
        let length = tail.iter().position(|&byte| byte == 0).unwrap_or(tail.len());
        let text = String::from_utf8_lossy(&tail[..length]);
        let checks = Check::parse_line(&text).map_err(|message| format!("line {line}: {message}"))?;
        all.entry(address).or_default().push(Checkpoint { line, checks });
        rest = tail.get(length + 1..).unwrap_or(&[]);
    }
    Ok(all)
}

fn directives(text: &str) -> Result<Directives, String> {
    let mut all = Directives {
        ram: 2 << 20,
        harts: 1,
        limit: 100_000,
        end: End::Finished(0),
        exits: None,
        events: false,
        bare: false,
    };
    for (index, line) in text.lines().enumerate() {
        if let Some(words) = line.strip_prefix(DIRECTIVE_MARK) {
            let words: Vec<&str> = words.split_whitespace().collect();
            directive(&mut all, &words).ok_or(format!("line {}: `{line}` is no directive", index + 1))?;
        }
    }
    Ok(all)
}

fn directive(all: &mut Directives, words: &[&str]) -> Option<()> {
    match words {
        ["ram", size] => all.ram = size.strip_suffix('M')?.parse::<u64>().ok()? << 20,
        ["harts", count] => all.harts = count.parse().ok()?,
        ["limit", count] => all.limit = count.parse().ok()?,
        ["bare"] => all.bare = true,
        ["events"] => all.events = true,
        ["end", "pass"] => all.end = End::Finished(0),
        ["end", "fail", code] => all.end = End::Finished(code.parse().ok()?),
        ["end", "reset"] => all.end = End::Reset,
        ["end", "idle"] => all.end = End::Idle,
        ["end", "dead", cause] => all.end = End::Dead(cause.parse().ok()?),
        ["exits", counts @ ..] => {
            let mut exits = BTreeMap::new();
            for count in counts {
                let (name, count) = count.split_once('=')?;
                exits.insert(name.to_string(), count.parse().ok()?);
            }
            all.exits = Some(exits);
        }
        _ => return None,
    }
    Some(())
}
