//! The console: what the guest prints through either 16550, and what was typed and not yet read.

use std::collections::VecDeque;
use std::io::Write;

use visa_devices::Uart;

/// How many typed bytes wait for the guest at most.
pub const CONSOLE_INPUT_BYTES_MAX: usize = 64 * 1024;

/// Both ends of the wire.
pub struct Console {
    typed: VecDeque<u8>,
    output: Box<dyn Write + Send>,
    error: Option<std::io::Error>,
}

impl Console {
    pub fn new() -> Self {
        Self { typed: VecDeque::new(), output: Box::new(std::io::sink()), error: None }
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
            self.poll(uart);
        }
    }

    /// Gives a port that is being polled its next byte.
    pub fn poll(&mut self, uart: &mut Uart) {
        if uart.receiver_is_empty()
            && let Some(byte) = self.typed.front()
            && uart.receive(*byte)
        {
            self.typed.pop_front();
        }
    }

    fn print(&mut self, byte: u8) {
        if let Err(error) = self.output.write_all(&[byte]).and_then(|()| self.output.flush()) {
            self.error.get_or_insert(error);
        }
    }
}
