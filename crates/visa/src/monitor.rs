//! The monitor (Ctrl-A c): a look at the machine while it stands still.

mod tlb;

use std::fmt::Write;

use visa_bench::stat::ExitTable;
use visa_core::Hart;
use visa_isa::register::{FLOAT_ABI, INTEGER_ABI};
use visa_isa::{GuestPhysical, Ring, msr};
use visa_machine::machine::Machine;
use visa_machine::memory_map::MEMORY_MAP;
use visa_mem::Platform;
use visa_mmu::inspect::{locate_guest_physical, locate_in_guest};

use crate::numbers::{grouped, number};
use crate::symbols::Symbols;

/// What is said on entering.
pub const GREETING: &str =
    "\nvisa monitor: the machine stands still; \"help\" lists the commands, \"c\" goes on\n";
/// What asks for a line.
pub const PROMPT: &str = "(visa) ";

const HELP: &str = "\
info registers [HART]   R registers, PC, ring and MSRs (HART: default all)
info float [HART]       F registers and fcsr
info mem                the physical address map
info tlb [HART]         the combined TLB's second level: guest-virtual, guest-physical and physical page, what is allowed
info stat               instructions, exits by cause, counters
x[/COUNT][FORMAT] ADDR  memory at a virtual address; FORMAT: x (words), g (double words), b (bytes), i (instructions), s (text)
xp[/COUNT][FORMAT] ADDR the same at a physical address
gva2gpa ADDR [HART]     where a guest-virtual address leads: guest-physical and physical
gpa2hpa ADDR [HART]     where a guest-physical address leads
c, continue             go on
quit                    end the run
";

/// The most bytes that one command shows.
const SHOWN_BYTES_MAX: u64 = 64 * 1024;

/// What a command comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Something to print.
    Text(String),
    /// Go on.
    Continue,
    /// End the run.
    Quit,
}

/// What an address that is given is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AddressSpace {
    /// Virtual.
    Virtual,
    /// Physical: the guest's, where it is about translation.
    Physical,
}

/// The monitor: the line that is being typed.
#[derive(Default)]
pub struct Monitor {
    line: String,
}

impl Monitor {
    /// Takes a typed byte; returns what to show, and the line if it is complete.
    pub fn edit(&mut self, byte: u8) -> (String, Option<String>) {
        const BACKSPACE: u8 = 8;
        const DELETE: u8 = 127;
        const CTRL_C: u8 = 3;
        const CTRL_D: u8 = 4;
        const CTRL_U: u8 = 21;
        match byte {
            b'\r' | b'\n' => ("\n".into(), Some(std::mem::take(&mut self.line))),
            BACKSPACE | DELETE => match self.line.pop() {
                Some(_) => ("\x08 \x08".into(), None),
                None => (String::new(), None),
            },
            CTRL_C | CTRL_U => {
                let shown = self.line.len();
                self.line.clear();
                ("\x08 \x08".repeat(shown), None)
            }
            CTRL_D if self.line.is_empty() => ("\n".into(), Some("continue".into())),
            b' '..=b'~' => {
                self.line.push(char::from(byte));
                (char::from(byte).into(), None)
            }
            _ => (String::new(), None),
        }
    }

    /// Does what a line says.
    pub fn execute(&self, line: &str, machine: &Machine, symbols: &Symbols) -> Reply {
        let words: Vec<&str> = line.split_whitespace().collect();
        let result = match words.as_slice() {
            [] => Ok(String::new()),
            ["c" | "cont" | "continue"] => return Reply::Continue,
            ["q" | "quit" | "exit"] => return Reply::Quit,
            ["help" | "h" | "?", ..] => Ok(HELP.into()),
            ["info", "registers" | "reg", rest @ ..] => {
                for_harts(machine, rest, |hart| registers(hart, symbols))
            }
            ["info", "float", rest @ ..] => for_harts(machine, rest, float_registers),
            ["info", "mem"] => Ok(memory_map(machine)),
            ["info", "tlb", rest @ ..] => hart_of(machine, rest).map(|hart| tlb::show(&machine.harts[hart])),
            ["info", "stat"] => Ok(statistics(machine)),
            ["gva2gpa", address, rest @ ..] => locate(machine, address, rest, AddressSpace::Virtual),
            ["gpa2hpa", address, rest @ ..] => locate(machine, address, rest, AddressSpace::Physical),
            [command, address] if command.split('/').next() == Some("x") => {
                examine(machine, symbols, command, address, AddressSpace::Virtual)
            }
            [command, address] if command.split('/').next() == Some("xp") => {
                examine(machine, symbols, command, address, AddressSpace::Physical)
            }
            _ => Err(format!("\"{line}\" is no command; \"help\" lists them")),
        };
        Reply::Text(match result {
            Ok(text) => text,
            Err(message) => format!("{message}\n"),
        })
    }
}

/// The hart that an optional last word names; hart 0 if there is none.
fn hart_of(machine: &Machine, words: &[&str]) -> Result<usize, String> {
    let index = match words {
        [] => 0,
        [word] => number(word)? as usize,
        _ => return Err("too many words; \"help\" lists the commands".into()),
    };
    match index < machine.harts.len() {
        true => Ok(index),
        false => Err(format!("there is no hart {index}; the machine has {}", machine.harts.len())),
    }
}

fn for_harts(machine: &Machine, words: &[&str], show: impl Fn(&Hart) -> String) -> Result<String, String> {
    if words.is_empty() {
        return Ok(machine.harts.iter().map(show).collect());
    }
    Ok(show(&machine.harts[hart_of(machine, words)?]))
}

/// The registers of a hart. Writing to a `String` does not fail.
pub fn registers(hart: &Hart, symbols: &Symbols) -> String {
    let mut text = String::new();
    let place = symbols.describe(hart.state.ring, hart.state.bank.pc);
    let state = if hart.state.waiting { ", halts" } else { "" };
    let _ = writeln!(
        text,
        "hart {}: {}{state}, pc {:#018x} {place}",
        hart.state.id,
        hart.state.ring.name(),
        hart.state.bank.pc
    );
    for row in 0..8 {
        for column in 0..4 {
            let index = row + 8 * column;
            let _ = write!(text, "  r{index:<2} {:>4} {:016x}", INTEGER_ABI[index], hart.state.bank.r[index]);
        }
        text.push('\n');
    }
    let mut column = 0;
    for entry in msr::MSRS {
        let Some(value) = hart.read_msr(entry.number) else { continue };
        let name = entry.cr.map_or(entry.name.to_string(), |cr| format!("{} (CR{cr})", entry.name));
        let _ = write!(text, "  {name:<17} {value:016x}");
        column += 1;
        if column % 3 == 0 {
            text.push('\n');
        }
    }
    if column % 3 != 0 {
        text.push('\n');
    }
    text
}

fn float_registers(hart: &Hart) -> String {
    let mut text = format!("hart {}: fcsr {:#04x}\n", hart.state.id, hart.state.bank.fcsr);
    for row in 0..8 {
        for column in 0..4 {
            let index = row + 8 * column;
            let _ = write!(text, "  f{index:<2} {:>4} {:016x}", FLOAT_ABI[index], hart.state.bank.f[index]);
        }
        text.push('\n');
    }
    text
}

fn memory_map(machine: &Machine) -> String {
    let ram = machine.board.ram();
    let mut text = String::new();
    for region in MEMORY_MAP {
        let interrupt = region.interrupt.map_or(String::new(), |source| format!("  interrupt {source}"));
        let _ = writeln!(text, "{:#018x} {:#012x}  {}{interrupt}", region.base, region.size, region.name);
    }
    let _ = writeln!(text, "{:#018x} {:#012x}  RAM", ram.base(), ram.size());
    text
}

/// Counts, and exits by cause.
pub fn statistics(machine: &Machine) -> String {
    let totals = machine.totals();
    let mut text = ExitTable::of(machine).render();
    for (count, name) in [
        (totals.instructions, "instructions"),
        (totals.instructions_ring_minus_1, "of them in Ring -1"),
        (totals.emulated, "instructions completed in software"),
        (totals.tlb_misses, "combined TLB misses"),
        (totals.walk_references, "page-table entries read by walks"),
    ] {
        let _ = writeln!(text, "{:>26} {name}", grouped(count));
    }
    text
}

fn locate(machine: &Machine, address: &str, rest: &[&str], space: AddressSpace) -> Result<String, String> {
    let address = number(address)?;
    let hart = &machine.harts[hart_of(machine, rest)?];
    let ram = machine.board.ram();
    if space == AddressSpace::Virtual {
        let found =
            locate_in_guest(&hart.state, ram, address).map_err(|reason| format!("{address:#x}: {reason}"))?;
        return Ok(format!(
            "gva {address:#x} -> gpa {:#x} -> hpa {:#x}\n",
            found.guest_physical, found.physical
        ));
    }
    let found = locate_guest_physical(&hart.state, ram, GuestPhysical(address))
        .map_err(|reason| format!("{address:#x}: {reason}"))?;
    Ok(format!("gpa {address:#x} -> hpa {found:#x}\n"))
}

/// `x/8i` and the like.
fn examine(
    machine: &Machine,
    symbols: &Symbols,
    command: &str,
    address: &str,
    space: AddressSpace,
) -> Result<String, String> {
    let address = number(address)?;
    let options = command.split_once('/').map_or("", |(_, options)| options);
    let digits = options.len() - options.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let count = if digits == 0 { 1 } else { number(&options[..digits])? };
    let read = |at: u64, into: &mut [u8]| {
        let done = match space {
            AddressSpace::Virtual => machine.read_virtual(0, at, into),
            AddressSpace::Physical => machine.read_physical(at, into),
        };
        done.map_err(|error| error.to_string())
    };
    let unit = match &options[digits..] {
        "" | "x" | "w" => 4,
        "g" => 8,
        "b" => 1,
        "i" => return instructions(machine, symbols, address, count.min(SHOWN_BYTES_MAX / 4), read),
        "s" => return text_at(address, read),
        other => return Err(format!("format \"{other}\" is none of x, g, b, i, s")),
    };
    let mut text = String::new();
    let per_line = 16 / unit;
    for index in 0..count.min(SHOWN_BYTES_MAX / unit) {
        let at = address.wrapping_add(index * unit);
        if index % per_line == 0 {
            let _ = write!(text, "{}{at:#018x}:", if index == 0 { "" } else { "\n" });
        }
        let mut bytes = [0; 8];
        read(at, &mut bytes[..unit as usize])?;
        let _ = write!(text, " {:0width$x}", u64::from_le_bytes(bytes), width = 2 * unit as usize);
    }
    text.push('\n');
    Ok(text)
}

fn instructions(
    machine: &Machine,
    symbols: &Symbols,
    address: u64,
    count: u64,
    read: impl Fn(u64, &mut [u8]) -> Result<(), String>,
) -> Result<String, String> {
    let ring = machine.harts.first().map_or(Ring::Hypervisor, |hart| hart.state.ring);
    let mut text = String::new();
    let mut at = address;
    for _ in 0..count {
        let mut bytes = [0; 4];
        read(at, &mut bytes[..2])?;
        let length = if bytes[0] & 3 == 3 { 4 } else { 2 };
        if length == 4 {
            read(at.wrapping_add(2), &mut bytes[2..])?;
        }
        let line = visa_asm::format_instruction(u32::from_le_bytes(bytes), at);
        let line = format!("{at:#018x}: {line:<32} {}", symbols.describe(ring, at));
        let _ = writeln!(text, "{}", line.trim_end());
        at = at.wrapping_add(length);
    }
    Ok(text)
}

fn text_at(address: u64, read: impl Fn(u64, &mut [u8]) -> Result<(), String>) -> Result<String, String> {
    const LENGTH_MAX: u64 = 256;
    let mut bytes = Vec::new();
    for index in 0..LENGTH_MAX {
        let mut byte = [0];
        read(address.wrapping_add(index), &mut byte)?;
        if byte[0] == 0 {
            break;
        }
        bytes.push(byte[0]);
    }
    Ok(format!("{address:#018x}: \"{}\"\n", bytes.escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_in(monitor: &mut Monitor, text: &str) -> Option<String> {
        text.bytes().filter_map(|byte| monitor.edit(byte).1).last()
    }

    #[test]
    fn a_line_is_edited_as_on_any_terminal() {
        let mut monitor = Monitor::default();
        assert_eq!(type_in(&mut monitor, "infp\x7fo\r"), Some("info".into()));
        assert_eq!(type_in(&mut monitor, "junk\x15quit\r"), Some("quit".into()));
        assert_eq!(type_in(&mut monitor, "junk\x03\x04"), Some("continue".into()));
        assert_eq!(type_in(&mut monitor, "\x1b\x08\r"), Some(String::new()));
    }
}
