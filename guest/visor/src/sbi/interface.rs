//! What a call is and what it gives, and what the SBI needs from the machine.

use super::error::SbiError;
use super::hart_mask::HartSet;
use crate::guest::memory::Region;

/// Numbers of the extensions.
pub mod extension {
    /// Base.
    pub const BASE: u64 = 0x10;
    /// Timer.
    pub const TIME: u64 = 0x5449_4d45;
    /// Interrupts between harts.
    pub const IPI: u64 = 0x0073_5049;
    /// Fences on other harts.
    pub const RFENCE: u64 = 0x5246_4e43;
    /// Hart state management.
    pub const HSM: u64 = 0x0048_534d;
    /// System reset.
    pub const SRST: u64 = 0x5352_5354;
    /// Debug console.
    pub const DBCN: u64 = 0x4442_434e;
    /// Legacy: set the timer.
    pub const LEGACY_SET_TIMER: u64 = 0;
    /// Legacy: write a byte to the console.
    pub const LEGACY_PUTCHAR: u64 = 1;
    /// Legacy: read a byte from the console.
    pub const LEGACY_GETCHAR: u64 = 2;
    /// Legacy: make the caller's software interrupt no longer pending.
    pub const LEGACY_CLEAR_IPI: u64 = 3;
    /// Legacy: interrupts between harts.
    pub const LEGACY_SEND_IPI: u64 = 4;
    /// Legacy: FENCE.I on other harts.
    pub const LEGACY_FENCE_I: u64 = 5;
    /// Legacy: SFENCE.VMA of addresses on other harts.
    pub const LEGACY_FENCE_VMA: u64 = 6;
    /// Legacy: the same of one ASID.
    pub const LEGACY_FENCE_VMA_ASID: u64 = 7;
    /// Legacy: end the run.
    pub const LEGACY_SHUTDOWN: u64 = 8;
}

/// What a call gives: a value, or an error.
pub type SbiResult = Result<u64, SbiError>;

/// A call: R17 (a7), R16 (a6), and the arguments in R10 (a0) and up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// The extension.
    pub extension: u64,
    /// The function in it.
    pub function: u64,
    /// The arguments.
    pub arguments: [u64; 5],
}

/// What is to happen after a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The guest goes on, with an error code in R10 and a value in R11.
    Return(SbiResult),
    /// The guest goes on, with a value in R10 (legacy calls).
    Legacy(i64),
    /// This hart stops.
    Stop,
    /// This hart waits for an interrupt and then returns from the call.
    Suspend,
    /// This hart waits for an interrupt and then starts afresh.
    SuspendAndStart(Start),
    /// The machine ends, with this value for the test finisher.
    End(u32),
}

impl From<SbiResult> for Outcome {
    fn from(result: SbiResult) -> Outcome {
        Outcome::Return(result)
    }
}

/// How a hart starts in Ring 0: translation off, interrupts off, R10 its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Start {
    /// Guest-physical address of the first instruction.
    pub entry: u64,
    /// R11.
    pub opaque: u64,
}

/// The state of a hart, with HSM's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum HartState {
    /// Running.
    Started = 0,
    /// Not running.
    Stopped = 1,
    /// About to run.
    StartPending = 2,
    /// Waiting for an interrupt in a suspend call.
    Suspended = 4,
}

/// A fence that other harts are to execute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fence {
    /// FENCE.I.
    Instructions,
    /// SFENCE.VMA, whatever its operands.
    Translations,
}

/// What the SBI needs from the machine. "Hart" is a virtual CPU of the guest, which has the number of its hart.
pub trait Environment {
    /// The hart that calls.
    fn hart(&self) -> usize;
    /// How many harts there are.
    fn harts(&self) -> usize;
    /// The guest's memory.
    fn memory(&self) -> &[Region];
    /// Sets the guest's timer.
    fn set_timer(&mut self, time: u64);
    /// Makes the supervisor software interrupt pending.
    fn interrupt(&mut self, harts: HartSet);
    /// Makes the caller's own no longer pending; whether it was.
    fn clear_interrupt(&mut self) -> bool;
    /// Has harts execute a fence; returns when they all have.
    fn fence(&mut self, harts: HartSet, fence: Fence);
    /// The state of a hart.
    fn state(&self, hart: usize) -> HartState;
    /// Starts a hart that is stopped; false if it is not.
    fn start(&mut self, hart: usize, start: Start) -> bool;
    /// Writes a byte to the console.
    fn write_console(&mut self, byte: u8);
    /// Reads a byte from the console, if one is there.
    fn read_console(&mut self) -> Option<u8>;
    /// The physical address of a byte at a guest-virtual one, for a load by the guest's kernel as it now is; `None`: it would
    /// fault, or reach a device.
    fn locate(&self, address: u64) -> Option<u64>;
    /// Reads a byte of the guest's memory, at a physical address that [`Environment::memory`] has.
    fn load(&self, physical: u64) -> u8;
    /// Writes a byte of the guest's memory, likewise.
    fn store(&mut self, physical: u64, value: u8);
}

/// Whether there is an extension of this number.
pub fn has_extension(number: u64) -> bool {
    use extension::*;
    matches!(number, BASE | TIME | IPI | RFENCE | HSM | SRST | DBCN | LEGACY_SET_TIMER..=LEGACY_SHUTDOWN)
}

/// What user programs may read from a start on: cycle, time and instret. Kernels leave it to the firmware, and their C libraries read
/// the time without asking.
pub const COUNTERS: u64 = 0b111;
