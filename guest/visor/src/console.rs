//! visor's own console, a polled 16550, and the test finisher: the two devices that visor itself uses.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Where the platform has the UART (specification, chapter 8), until the device tree says so.
static UART: AtomicU64 = AtomicU64::new(0x1000_0000);
/// Where the platform has the test finisher, likewise.
static FINISHER: AtomicU64 = AtomicU64::new(0x10_0000);

/// Registers of the 16550 and bits of its line status.
const DATA: u64 = 0;
const LINE_STATUS: u64 = 5;
const RECEIVED: u8 = 1 << 0;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// How often to look whether the transmitter is empty, before the byte is written anyway.
const POLLS_MAX: u32 = 100_000;

/// Uses the devices at these addresses.
pub fn set_devices(uart: u64, finisher: u64) {
    UART.store(uart, Relaxed);
    FINISHER.store(finisher, Relaxed);
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

/// Ends the run: `value` goes to the test finisher.
pub fn finish(value: u32) -> ! {
    // SAFETY: the finisher is no memory of ours.
    unsafe { core::ptr::write_volatile(FINISHER.load(Relaxed) as *mut u32, value) };
    loop {
        crate::hart::wait();
    }
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
#[macro_export]
macro_rules! line {
    ($($argument:tt)*) => {{
        use core::fmt::Write;
        // Writing to the console does not fail.
        let _ = writeln!($crate::console::Console, $($argument)*);
    }};
}
