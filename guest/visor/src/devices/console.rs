//! visor's own console, a polled 16550.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Where the platform has the UART (specification, chapter 8), until the device tree says so.
static UART: AtomicU64 = AtomicU64::new(0x1000_0000);

/// Registers of the 16550 and bits of its line status.
const DATA: u64 = 0;
const LINE_STATUS: u64 = 5;
const RECEIVED: u8 = 1 << 0;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// How often to look whether the transmitter is empty, before the byte is written anyway.
const POLLS_MAX: u32 = 100_000;

/// Uses the one at an address.
pub fn set_address(address: u64) {
    UART.store(address, Relaxed);
}

fn read_register(register: u64) -> u8 {
    // SAFETY: the UART is no memory of ours, and its registers are a byte each.
    unsafe { core::ptr::read_volatile((UART.load(Relaxed) + register) as *const u8) }
}

/// Writes a byte.
pub fn write_byte(byte: u8) {
    for _ in 0..POLLS_MAX {
        if read_register(LINE_STATUS) & TRANSMITTER_EMPTY != 0 {
            break;
        }
    }
    // SAFETY: as in `read_register`.
    unsafe { core::ptr::write_volatile((UART.load(Relaxed) + DATA) as *mut u8, byte) };
}

/// Reads a byte, if one is there.
pub fn read_byte() -> Option<u8> {
    (read_register(LINE_STATUS) & RECEIVED != 0).then(|| read_register(DATA))
}

/// The console as text.
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                write_byte(b'\r');
            }
            write_byte(byte);
        }
        Ok(())
    }
}

/// Writes a line to visor's console.
macro_rules! line {
    ($($argument:tt)*) => {{
        use core::fmt::Write;
        // Writing to the console does not fail.
        let _ = writeln!($crate::devices::console::Console, $($argument)*);
    }};
}

pub(crate) use line;
