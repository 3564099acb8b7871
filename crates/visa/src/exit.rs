//! How a run ends, and the exit code that says so.

use visa_isa::Ring;
use visa_machine::machine::End;
use visa_state::HypervisorException;

use crate::symbols::Symbols;

/// All went well.
pub const SUCCESS: u8 = 0;
/// An input could not be used: a file that is missing or damaged, memory that cannot be had, an output that cannot be
/// written, a source with errors.
pub const BAD_INPUT: u8 = 1;
/// The command line is not well-formed, or asks for what does not go together.
pub const BAD_USAGE: u8 = 2;
/// The demonstration did not go as it is told.
pub const NOT_AS_TOLD: u8 = 3;
/// The JIT and the interpreter differ.
const ENGINES_DIFFER: u8 = 119;
/// Ring -1 of a hart cannot go on.
const HYPERVISOR_DEAD: u8 = 120;
/// `--max-insns` is reached.
const INSTRUCTION_LIMIT: u8 = 121;
/// Every hart halts and nothing can wake one.
const IDLE_FOREVER: u8 = 122;
/// The guest asked for a reset.
const RESET: u8 = 123;
/// `--timeout` is over, as of timeout(1).
pub const TIMEOUT: u8 = 124;
/// The user ended the run.
pub const QUIT: u8 = 125;
/// What a shell adds to the number of the signal that ended a program.
pub const SIGNAL_BASE: u8 = 128;
/// What every larger code of a guest becomes.
const GUEST_CODE_MAX: u8 = 255;

/// The table of exit codes, for `--help`. The specification's chapter 8 has it too.
pub const HELP: &str = "\
Exit codes:
  The guest's own code, where it ends the run itself (test finisher, SBI system reset). Codes above 255 become 255,
  never 0; --json has the whole number. visor's own are 96 to 101: 96 the guest cannot go on (shutdown), 97 an entry
  failed, 98 nested page fault, 99 unexpected exit, 100 visor itself failed, 101 device tree not understood.
    1  bad input: a missing, damaged or misfit file, impossible memory, an output that cannot be written
    2  bad usage: a flag or argument that is not known or not well-formed, or flags that do not go together
  119  --engine lockstep or checked: the JIT and the interpreter differ
  120  Ring -1 of a hart is dead: three exceptions in a row
  121  --max-insns is reached
  122  every hart halts, and nothing can wake one: no timer, no input
  123  the guest asked for a reset
  124  --timeout is over
  125  quit by the user: Ctrl-A x, quit in the monitor, kill in the debugger
  128+n  ended by signal n: 129 SIGHUP, 130 SIGINT, 143 SIGTERM
A guest may use a number that is in this list; \"ended\" in --json tells them apart.";

/// How a run has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The machine ended it.
    Machine(End),
    /// `--timeout`.
    Timeout,
    /// `--max-insns`.
    InstructionLimit(u64),
    /// Every hart halts for good.
    IdleForever,
    /// The JIT and the interpreter differ.
    EnginesDiffer,
    /// The user.
    Quit,
    /// A signal, by number.
    Signal(u8),
}

impl Ending {
    /// The exit code of the command.
    pub fn exit_code(self) -> u8 {
        match self {
            Ending::Machine(End::Finished(code)) => u8::try_from(code).unwrap_or(GUEST_CODE_MAX),
            Ending::Machine(End::Reset) => RESET,
            Ending::Machine(End::Dead { .. }) => HYPERVISOR_DEAD,
            Ending::EnginesDiffer => ENGINES_DIFFER,
            Ending::Timeout => TIMEOUT,
            Ending::InstructionLimit(_) => INSTRUCTION_LIMIT,
            Ending::IdleForever => IDLE_FOREVER,
            Ending::Quit => QUIT,
            Ending::Signal(number) => SIGNAL_BASE.saturating_add(number),
        }
    }

    /// What it is, if the command was told to end with a code before all that the guest printed was taken.
    pub fn hurried(self, code: u8) -> Ending {
        match (self, code) {
            (Ending::Timeout | Ending::Quit | Ending::Signal(_), _) => self,
            (_, TIMEOUT) => Ending::Timeout,
            (_, QUIT) => Ending::Quit,
            (_, code) => Ending::Signal(code.saturating_sub(SIGNAL_BASE)),
        }
    }

    /// One word for JSON.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Machine(End::Finished(_)) => "finished",
            Ending::Machine(End::Reset) => "reset",
            Ending::Machine(End::Dead { .. }) => "hypervisor-dead",
            Ending::EnginesDiffer => "engines-differ",
            Ending::Timeout => "timeout",
            Ending::InstructionLimit(_) => "instruction-limit",
            Ending::IdleForever => "idle-forever",
            Ending::Quit => "quit",
            Ending::Signal(_) => "signal",
        }
    }

    /// The code that the guest itself gave.
    pub fn guest_code(self) -> Option<u16> {
        match self {
            Ending::Machine(End::Finished(code)) => Some(code),
            _ => None,
        }
    }
}

impl Ending {
    /// How the run has ended, in a sentence.
    pub fn describe(self, symbols: &Symbols) -> String {
        match self {
            Ending::Machine(End::Finished(code)) if code > u16::from(GUEST_CODE_MAX) => {
                format!("the guest ended the run with code {code}, which is exit code {GUEST_CODE_MAX}")
            }
            Ending::Machine(End::Finished(code)) => format!("the guest ended the run with code {code}"),
            Ending::Machine(End::Reset) => "the guest asked for a reset".into(),
            Ending::Machine(End::Dead { hart, cause, value, pc, first, vector }) => {
                let last = HypervisorException { cause, value, pc };
                let mut text = format!(
                    "hart {hart}: Ring -1 cannot go on after three exceptions in a row, the first {}",
                    describe_fault(first, symbols)
                );
                if last != first {
                    text += &format!(", the last {}", describe_fault(last, symbols));
                }
                // The reset value: the program has named no handler.
                if vector == 0 { text + "; HVVEC is 0" } else { text }
            }
            Ending::EnginesDiffer => "the JIT and the interpreter differ".into(),
            Ending::Timeout => "the time limit (--timeout) is over".into(),
            Ending::InstructionLimit(limit) => {
                format!("the limit of {limit} instructions (--max-insns) is reached")
            }
            Ending::IdleForever => {
                "every hart halts, and there is neither a timer nor input that could wake one".into()
            }
            Ending::Quit => "ended by the user".into(),
            Ending::Signal(number) => format!("ended by signal {number}"),
        }
    }
}

fn describe_fault(
    HypervisorException { cause, value, pc }: HypervisorException,
    symbols: &Symbols,
) -> String {
    let name = visa_isa::cause::Exception::from_number(cause);
    let name = name.map_or("unknown exception", visa_isa::cause::Exception::name);
    let place = symbols.describe(Ring::Hypervisor, pc);
    let place = if place.is_empty() { place } else { format!(" {place}") };
    format!("{name} ({cause}) at pc {pc:#x}{place}, value {value:#x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_guest_code_but_zero_becomes_zero() {
        for code in 1..=u16::MAX {
            assert_ne!(Ending::Machine(End::Finished(code)).exit_code(), 0, "{code}");
        }
        assert_eq!(Ending::Machine(End::Finished(0)).exit_code(), 0);
        assert_eq!(Ending::Machine(End::Finished(77)).exit_code(), 77);
        assert_eq!(Ending::Machine(End::Finished(0x100)).exit_code(), 255);
    }
}
