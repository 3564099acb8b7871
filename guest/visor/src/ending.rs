//! How a run ends: what visor writes to the test finisher (specification, 8.2).

/// The run ends well: the exit code is 0.
pub const PASS: u32 = 0x5555;
/// The machine starts again.
pub const RESET: u32 = 0x7777;

/// The run ends with an exit code.
pub const fn fail(code: u16) -> u32 {
    (code as u32) << 16 | 0x3333
}

/// The exit codes of visor's own. The guest's are 0 and 1 (SBI system reset).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Ending {
    /// The guest cannot go on: three exceptions without an instruction in between (exit 0x0D).
    GuestShutdown = 0x60,
    /// An entry failed: a field of the VMCS is invalid (exit 0x0E).
    EntryFailure = 0x61,
    /// The second stage does not map an address that it should.
    NestedPageFault = 0x62,
    /// An exit that visor did not ask for.
    UnexpectedExit = 0x63,
    /// visor itself trapped or panicked.
    Internal = 0x64,
    /// The device tree is not what visor needs.
    BadDeviceTree = 0x65,
}
