//! The console: what the guest prints through either 16550, and what was typed and not yet read.

use std::collections::VecDeque;
use std::io::Write;

use serde::{Deserialize, Serialize};
use visa_devices::Uart;

/// How many typed bytes wait for the guest at most.
pub const CONSOLE_INPUT_BYTES_MAX: usize = 64 * 1024;

/// A guest that prints looks at the line status too, once or twice a byte; one that looks so often in a row reads.
const IDLE_POLLS_MIN: u32 = 16;

/// What the guest has printed since the start, to compare two runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Printed {
    /// How many bytes.
    pub bytes: u64,
    /// Their checksum (CRC-32).
    pub crc32: u32,
}

/// The state of a console.
#[derive(Serialize, Deserialize)]
pub struct SavedConsole {
    typed: VecDeque<u8>,
    idle_polls: u32,
    printed: Printed,
}

impl SavedConsole {
    /// Whether a console can be so.
    pub fn is_possible(&self) -> bool {
        self.typed.len() <= CONSOLE_INPUT_BYTES_MAX
    }
}

/// Both ends of the wire.
pub struct Console {
    typed: VecDeque<u8>,
    /// How often in a row the guest has polled for a byte, found none, and printed nothing.
    idle_polls: u32,
    printed: crc32fast::Hasher,
    printed_bytes: u64,
    output: Box<dyn Write + Send>,
    error: Option<std::io::Error>,
}

impl Console {
    pub fn new() -> Self {
        Self {
            typed: VecDeque::new(),
            idle_polls: 0,
            printed: crc32fast::Hasher::new(),
            printed_bytes: 0,
            output: Box::new(std::io::sink()),
            error: None,
        }
    }

    pub fn set_output(&mut self, output: Box<dyn Write + Send>) {
        self.output = output;
    }

    pub fn take_error(&mut self) -> Option<std::io::Error> {
        self.error.take()
    }

    /// Takes as many of `bytes` as there is room for; returns how many.
    pub fn type_ahead(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(CONSOLE_INPUT_BYTES_MAX - self.typed.len());
        self.typed.extend(&bytes[..taken]);
        taken
    }

    /// Moves what has been transmitted to the sink, and gives a port whose driver waits for an interrupt its next byte.
    /// Bytes go over one by one, each when the one before is read, so that little is lost when a driver is closed.
    pub fn exchange(&mut self, uart: &mut Uart) {
        if let Some(byte) = uart.take_transmitted() {
            self.print(byte);
        }
        if uart.wants_received_data() {
            self.hand_over(uart);
        }
    }

    /// How many typed bytes no port has taken yet.
    pub fn unread(&self) -> usize {
        self.typed.len()
    }

    /// Whether the guest polls for a byte that nobody has typed.
    pub fn is_polled(&self) -> bool {
        self.idle_polls >= IDLE_POLLS_MIN
    }

    /// Gives a port that is being polled its next byte.
    pub fn poll(&mut self, uart: &mut Uart) {
        let finds_none = self.typed.is_empty() && uart.receiver_is_empty();
        self.idle_polls = if finds_none { self.idle_polls.saturating_add(1) } else { 0 };
        self.hand_over(uart);
    }

    fn hand_over(&mut self, uart: &mut Uart) {
        if uart.receiver_is_empty()
            && let Some(byte) = self.typed.front()
            && uart.receive(*byte)
        {
            self.typed.pop_front();
        }
    }

    pub fn printed(&self) -> Printed {
        Printed { bytes: self.printed_bytes, crc32: self.printed.clone().finalize() }
    }

    /// What is typed and not read, and what was printed; not where it goes.
    pub fn save(&self) -> SavedConsole {
        SavedConsole { typed: self.typed.clone(), idle_polls: self.idle_polls, printed: self.printed() }
    }

    /// Makes a state its own.
    pub fn load(&mut self, saved: SavedConsole) {
        let Printed { bytes, crc32 } = saved.printed;
        self.typed = saved.typed;
        self.idle_polls = saved.idle_polls;
        self.printed_bytes = bytes;
        self.printed = crc32fast::Hasher::new_with_initial_len(crc32, bytes);
    }

    fn print(&mut self, byte: u8) {
        self.idle_polls = 0;
        self.printed_bytes += 1;
        self.printed.update(&[byte]);
        if let Err(error) = self.output.write_all(&[byte]).and_then(|()| self.output.flush()) {
            self.error.get_or_insert(error);
        }
    }
}
