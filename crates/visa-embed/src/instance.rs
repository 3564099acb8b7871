//! A machine that runs.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use visa_core::Hart;
use visa_devices::BlockError;
use visa_isa::{GuestVirtual, Physical};
use visa_machine::boot::Ready;
use visa_machine::input::{Input, InputLog, ReplayError};
use visa_machine::inspect::InspectError;
use visa_machine::loader::LoadedImage;
use visa_machine::lockstep::Difference;
use visa_machine::machine::{End, EngineKind, Machine, Progress, Totals};
use visa_machine::snapshot::{Snapshot, SnapshotError};

use crate::register::{Register, RegisterError};

/// Bytes that the guest has printed and nobody has taken at which a run comes back.
pub const CONSOLE_BYTES: usize = 1 << 20;

/// Instructions between two looks at the console; nothing of a run depends on it.
const CHUNK: u64 = 1_000_000;

/// Why a run came back. The machine can be run on after each but [`RunOutcome::Ended`], and is as it says.
#[derive(Clone, PartialEq, Debug)]
pub enum RunOutcome {
    /// So many instructions have retired as were asked for.
    Limit,
    /// A hart is at a breakpoint, whose instruction it has not executed: [`Instance::step`] goes past it.
    Breakpoint {
        /// The hart, from 0.
        hart: usize,
    },
    /// Every hart halts.
    Waits {
        /// Nanoseconds that its clock must go on by until something wakes one; with time from instructions that does not occur.
        /// `None`: only input can wake one.
        nanoseconds: Option<u64>,
    },
    /// The guest has printed [`CONSOLE_BYTES`] or more, which wait for [`Instance::take_console`].
    ConsoleFull,
    /// An engine that is checked has found that it does not do what the interpreter does.
    EnginesDiffer(Box<Difference>),
    /// The run has ended.
    Ended(End),
}

/// Where memory is read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryPlace {
    /// A physical address.
    Physical(Physical),
    /// A virtual address, as the ring that a hart has in use translates it.
    Virtual {
        /// The hart, from 0.
        hart: usize,
        /// The address.
        address: GuestVirtual,
    },
}

/// Why memory was not read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MemoryError {
    /// The machine has no such hart.
    #[error("there is no hart {hart}: the machine has {harts}")]
    NoHart {
        /// The number asked for, from 0.
        hart: usize,
        /// How many there are.
        harts: usize,
    },
    /// There is no memory.
    #[error(transparent)]
    Unreachable(#[from] InspectError),
}

/// What the guest has printed and nobody has taken.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<u8>>>);

impl Collected {
    fn with<T>(&self, use_it: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.with(|printed| printed.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A machine with what was loaded into it.
pub struct Instance {
    machine: Machine,
    image: LoadedImage,
    visor: Option<LoadedImage>,
    device_tree: Vec<u8>,
    printed: Collected,
}

impl Instance {
    /// Of what was made ready.
    pub(crate) fn new(ready: Ready, engine: EngineKind) -> Instance {
        let Ready { mut machine, image, visor, device_tree } = ready;
        let printed = Collected::default();
        machine.board.set_console_output(Box::new(printed.clone()));
        machine.set_engine(engine);
        Instance { machine, image, visor, device_tree, printed }
    }

    /// The program or the kernel: where it is, where it starts, and its symbols.
    pub fn image(&self) -> &LoadedImage {
        &self.image
    }

    /// visor, if a kernel was booted.
    pub fn visor(&self) -> Option<&LoadedImage> {
        self.visor.as_ref()
    }

    /// The flattened device tree that the program or the kernel gets.
    pub fn device_tree(&self) -> &[u8] {
        &self.device_tree
    }

    /// Gives it something from outside; how much of it was taken (of typed bytes: how many there was room for, of at most
    /// [`visa_machine::board::CONSOLE_INPUT_BYTES_MAX`] that the guest has not read).
    pub fn input(&mut self, input: &Input) -> usize {
        self.machine.input(input)
    }

    /// Types on the console: [`Instance::input`] of bytes.
    pub fn type_bytes(&mut self, bytes: &[u8]) -> usize {
        self.input(&Input::Typed(bytes.to_vec()))
    }

    /// What the guest has printed since the last call.
    pub fn take_console(&mut self) -> Vec<u8> {
        self.printed.with(std::mem::take)
    }

    /// Runs for at most so many retired instructions of all harts together, or until something else happens. A run is the same
    /// however it is divided.
    pub fn run(&mut self, instructions: u64) -> RunOutcome {
        let end = self.machine.instructions().saturating_add(instructions);
        loop {
            if self.printed.with(|printed| printed.len()) >= CONSOLE_BYTES {
                return RunOutcome::ConsoleFull;
            }
            let left = end.saturating_sub(self.machine.instructions());
            let progress = self.machine.run_slice(u64::MAX, left.min(CHUNK));
            let outcome = self.outcome(progress);
            if outcome != RunOutcome::Limit || self.machine.instructions() >= end {
                return outcome;
            }
        }
    }

    /// Executes at most one instruction of a hart, also at a breakpoint; the others have their turns meanwhile.
    /// [`RunOutcome::Limit`]: nothing else happened.
    ///
    /// # Errors
    ///
    /// [`RegisterError::NoHart`].
    pub fn step(&mut self, hart: usize) -> Result<RunOutcome, RegisterError> {
        self.hart(hart)?;
        let (_, progress) = self.machine.step(hart);
        Ok(self.outcome(progress))
    }

    fn outcome(&mut self, progress: Progress) -> RunOutcome {
        if let Some(difference) = self.machine.take_difference() {
            return RunOutcome::EnginesDiffer(Box::new(difference));
        }
        match progress {
            Progress::Running => RunOutcome::Limit,
            Progress::Idle(nanoseconds) => RunOutcome::Waits { nanoseconds },
            Progress::Breakpoint(hart) => RunOutcome::Breakpoint { hart },
            Progress::Ended(end) => RunOutcome::Ended(end),
        }
    }

    /// Virtual addresses, of whatever ring is running, at which a run comes back.
    pub fn breakpoints_mut(&mut self) -> &mut BTreeSet<u64> {
        self.machine.breakpoints_mut()
    }

    /// Number of harts.
    pub fn harts(&self) -> usize {
        self.machine.harts.len()
    }

    /// A hart, to look at.
    ///
    /// # Errors
    ///
    /// [`RegisterError::NoHart`].
    pub fn hart(&self, hart: usize) -> Result<&Hart, RegisterError> {
        let harts = self.harts();
        self.machine.harts.get(hart).ok_or(RegisterError::NoHart { hart, harts })
    }

    /// A register of a hart, in the bank in use.
    ///
    /// # Errors
    ///
    /// [`RegisterError::NoHart`] and [`RegisterError::NoRegister`].
    pub fn register(&self, hart: usize, register: Register) -> Result<u64, RegisterError> {
        register.read(self.hart(hart)?).ok_or(RegisterError::NoRegister { register })
    }

    /// Writes a register of a hart, in the bank in use. That is no input: a log that is being written knows nothing of it.
    ///
    /// # Errors
    ///
    /// All of [`RegisterError`]; then nothing is changed.
    pub fn set_register(&mut self, hart: usize, register: Register, value: u64) -> Result<(), RegisterError> {
        let harts = self.harts();
        let of = self.machine.harts.get_mut(hart).ok_or(RegisterError::NoHart { hart, harts })?;
        register.write(of, value)
    }

    /// Fills `into` with what is in memory from a place on, with no trace in translation caches and counters. Devices whose
    /// registers can be read without a change are read.
    ///
    /// # Errors
    ///
    /// No such hart, no translation, or neither RAM nor such a device; `into` may be filled up to there.
    pub fn read_memory(&self, place: MemoryPlace, into: &mut [u8]) -> Result<(), MemoryError> {
        match place {
            MemoryPlace::Physical(address) => self.machine.read_physical(address.0, into)?,
            MemoryPlace::Virtual { hart, address } => {
                self.has_hart(hart)?;
                self.machine.read_virtual(hart, address.0, into)?;
            }
        }
        Ok(())
    }

    /// Writes RAM from a place on. Code that is overwritten is executed as it is then. That is no input: a log that is being written
    /// knows nothing of it.
    ///
    /// # Errors
    ///
    /// No such hart, no translation, or no RAM; what is before that is written.
    pub fn write_memory(&mut self, place: MemoryPlace, from: &[u8]) -> Result<(), MemoryError> {
        match place {
            MemoryPlace::Physical(address) => self.machine.write_physical(address.0, from)?,
            MemoryPlace::Virtual { hart, address } => {
                self.has_hart(hart)?;
                self.machine.write_virtual(hart, address.0, from)?;
            }
        }
        Ok(())
    }

    fn has_hart(&self, hart: usize) -> Result<(), MemoryError> {
        let harts = self.harts();
        (hart < harts).then_some(()).ok_or(MemoryError::NoHart { hart, harts })
    }

    /// Retired instructions of all harts and rings, since the start.
    pub fn instructions(&self) -> u64 {
        self.machine.instructions()
    }

    /// Nanoseconds of the machine's time since the start.
    pub fn now_ns(&self) -> u64 {
        self.machine.now_ns()
    }

    /// What was counted since the start, over all harts.
    pub fn totals(&self) -> Totals {
        self.machine.totals()
    }

    /// A checksum (CRC-32) of all of RAM.
    pub fn memory_checksum(&self) -> u32 {
        self.machine.memory_checksum()
    }

    /// Begins a log of what happens to it. All of RAM and of the disks is read.
    ///
    /// # Errors
    ///
    /// A disk cannot be read.
    pub fn record(&mut self) -> Result<(), BlockError> {
        self.machine.record()
    }

    /// The log, which ends; `None`: there is none.
    pub fn take_log(&mut self) -> Option<InputLog> {
        self.machine.take_log()
    }

    /// Lets a log happen again. The machine is made as the log's was, and is where that was when the log began.
    ///
    /// # Errors
    ///
    /// It is not, or the run came out differently.
    pub fn replay(&mut self, log: &InputLog) -> Result<RunOutcome, ReplayError> {
        let progress = log.replay(&mut self.machine)?;
        Ok(self.outcome(progress))
    }

    /// What it is now, to come back to. What the guest has printed and nobody has taken is not in it.
    ///
    /// # Errors
    ///
    /// Its time comes from a clock, or a disk cannot be read.
    pub fn save(&mut self) -> Result<Snapshot, SnapshotError> {
        self.machine.save()
    }

    /// Makes it what it was, or what another one of the same make was. Breakpoints stay.
    ///
    /// # Errors
    ///
    /// It is made of something else; then nothing is changed.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.machine.restore(snapshot)
    }

    /// The machine alone, without what is known of what was loaded into it.
    pub fn into_machine(self) -> Machine {
        self.machine
    }

    /// The machine itself: for what this face does not have.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The same, to use it. Its console prints to [`Instance::take_console`] as long as nobody gives it another output.
    pub fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }
}
