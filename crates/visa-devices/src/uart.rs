//! A 16550A serial port (National Semiconductor NS16550A data sheet; register names are its).
//!
//! The wire is infinitely fast: a byte written to THR is on the wire at once, so the transmitter is always empty. A
//! received byte that stays below the FIFO's trigger level is reported as a character timeout at once, for the same
//! reason. The interrupt is a level, [`Uart::interrupt`].
//!
//! Reception is flow-controlled by RTS, so that what is typed ahead survives a driver's start-up, which empties the
//! receiver before it raises RTS. Software that has never touched MCR gets its bytes without asking.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use visa_mem::{AccessFault, AccessSize, Device};

use crate::model::{COMPATIBLE, LoadError, Model, Property, bytes_of, require, value_of};

/// Depth of the receive FIFO, in bytes. With the FIFO switched off the depth is one.
pub const UART_FIFO_BYTES: usize = 16;

/// Offset of the line status register: reading it is how software polls for a received byte.
pub const UART_LINE_STATUS: u64 = register::LSR;

/// Register offsets; three of them mean something else for reads, writes, or while LCR.DLAB is set.
mod register {
    pub const RBR_THR_DLL: u64 = 0;
    pub const IER_DLM: u64 = 1;
    pub const IIR_FCR: u64 = 2;
    pub const LCR: u64 = 3;
    pub const MCR: u64 = 4;
    pub const LSR: u64 = 5;
    pub const MSR: u64 = 6;
    pub const SCR: u64 = 7;
}

mod interrupt_enable {
    pub const RECEIVED_DATA: u8 = 1 << 0;
    pub const TRANSMITTER_EMPTY: u8 = 1 << 1;
    pub const LINE_STATUS: u8 = 1 << 2;
    pub const MODEM_STATUS: u8 = 1 << 3;
    pub const ALL: u8 = RECEIVED_DATA | TRANSMITTER_EMPTY | LINE_STATUS | MODEM_STATUS;
}

/// Interrupt identification: the low four bits of IIR.
mod identification {
    pub const MODEM_STATUS: u8 = 0x0;
    pub const NONE: u8 = 0x1;
    pub const TRANSMITTER_EMPTY: u8 = 0x2;
    pub const RECEIVED_DATA: u8 = 0x4;
    pub const LINE_STATUS: u8 = 0x6;
    pub const CHARACTER_TIMEOUT: u8 = 0xC;
    pub const FIFOS_ENABLED: u8 = 0xC0;
}

mod fifo_control {
    pub const ENABLE: u8 = 1 << 0;
    pub const CLEAR_RECEIVER: u8 = 1 << 1;
    pub const TRIGGER_SHIFT: u32 = 6;
    /// Bytes in the FIFO at which received data raises its interrupt, by FCR bits 7:6.
    pub const TRIGGER_LEVELS: [usize; 4] = [1, 4, 8, 14];
}

mod line_status {
    pub const DATA_READY: u8 = 1 << 0;
    pub const OVERRUN: u8 = 1 << 1;
    pub const TRANSMITTER_HOLDING_EMPTY: u8 = 1 << 5;
    pub const TRANSMITTER_EMPTY: u8 = 1 << 6;
}

mod modem_control {
    pub const DTR: u8 = 1 << 0;
    pub const RTS: u8 = 1 << 1;
    pub const OUT1: u8 = 1 << 2;
    pub const OUT2: u8 = 1 << 3;
    pub const LOOPBACK: u8 = 1 << 4;
    pub const ALL: u8 = DTR | RTS | OUT1 | OUT2 | LOOPBACK;
}

mod modem_status {
    /// Bits 3:0 report changes of bits 7:4 since the last read; the ring indicator reports its falling edge only.
    pub const DELTA_SHIFT: u32 = 4;
    pub const DELTAS: u8 = 0x0F;
    pub const RING_FELL: u8 = 1 << 2;
    pub const CTS: u8 = 1 << 4;
    pub const DSR: u8 = 1 << 5;
    pub const RING: u8 = 1 << 6;
    pub const DCD: u8 = 1 << 7;
}

/// The input clock, in Hz: gives the usual divisors for the usual rates.
const CLOCK_HZ: u32 = 3_686_400;

/// LCR.DLAB: the first two registers are the divisor latch.
const DIVISOR_LATCH_ACCESS: u8 = 1 << 7;

/// The model. Registers are one byte wide, at offsets 0 to 7; other sizes and offsets fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Uart {
    received: VecDeque<u8>,
    transmitted: Option<u8>,
    divisor: [u8; 2],
    interrupt_enable: u8,
    fifo_control: u8,
    line_control: u8,
    modem_control: u8,
    /// Whether MCR was ever written: from then on RTS is what the guest means.
    flow_controlled: bool,
    modem_deltas: u8,
    scratch: u8,
    overrun: bool,
    transmitter_interrupt: bool,
}

impl Default for Uart {
    fn default() -> Self {
        Self::new()
    }
}

impl Uart {
    /// A port just after reset: FIFO off, every interrupt disabled, 8250 defaults.
    pub fn new() -> Self {
        Self {
            received: VecDeque::with_capacity(UART_FIFO_BYTES),
            transmitted: None,
            divisor: [0; 2],
            interrupt_enable: 0,
            fifo_control: 0,
            line_control: 0,
            modem_control: 0,
            flow_controlled: false,
            modem_deltas: 0,
            scratch: 0,
            overrun: false,
            transmitter_interrupt: false,
        }
    }

    /// Hands the port one byte from the wire. `false`, and nothing changed, when [`Uart::can_receive`] is: offer it
    /// again later.
    pub fn receive(&mut self, byte: u8) -> bool {
        let accepted = self.can_receive();
        if accepted {
            self.received.push_back(byte);
        }
        accepted
    }

    /// Whether the receiver has room, is not looped back (it then hears only itself), and RTS invites the peer to send.
    pub fn can_receive(&self) -> bool {
        let invited = !self.flow_controlled || self.modem_control & modem_control::RTS != 0;
        invited && !self.loops_back() && self.received.len() < self.depth()
    }

    /// Whether the guest has read everything that was received.
    pub fn receiver_is_empty(&self) -> bool {
        self.received.is_empty()
    }

    /// Whether the guest has asked to be interrupted by received bytes.
    pub fn wants_received_data(&self) -> bool {
        self.interrupt_enable & interrupt_enable::RECEIVED_DATA != 0
    }

    /// Takes the byte that the guest has put on the wire, if any. To be called after every write: the wire holds one.
    pub fn take_transmitted(&mut self) -> Option<u8> {
        self.transmitted.take()
    }

    fn depth(&self) -> usize {
        if self.fifo_control & fifo_control::ENABLE != 0 { UART_FIFO_BYTES } else { 1 }
    }

    fn loops_back(&self) -> bool {
        self.modem_control & modem_control::LOOPBACK != 0
    }

    fn divisor_latched(&self) -> bool {
        self.line_control & DIVISOR_LATCH_ACCESS != 0
    }

    /// The highest-priority enabled and pending interrupt (data sheet, table "Interrupt Control Functions").
    fn identify(&self) -> u8 {
        let enabled = |bit| self.interrupt_enable & bit != 0;
        let trigger = if self.fifo_control & fifo_control::ENABLE != 0 {
            fifo_control::TRIGGER_LEVELS[usize::from(self.fifo_control >> fifo_control::TRIGGER_SHIFT)]
        } else {
            1
        };
        if enabled(interrupt_enable::LINE_STATUS) && self.overrun {
            identification::LINE_STATUS
        } else if enabled(interrupt_enable::RECEIVED_DATA) && self.received.len() >= trigger {
            identification::RECEIVED_DATA
        } else if enabled(interrupt_enable::RECEIVED_DATA) && !self.received.is_empty() {
            identification::CHARACTER_TIMEOUT
        } else if enabled(interrupt_enable::TRANSMITTER_EMPTY) && self.transmitter_interrupt {
            identification::TRANSMITTER_EMPTY
        } else if enabled(interrupt_enable::MODEM_STATUS) && self.modem_deltas != 0 {
            identification::MODEM_STATUS
        } else {
            identification::NONE
        }
    }

    fn identification(&self) -> u8 {
        let fifos =
            if self.fifo_control & fifo_control::ENABLE != 0 { identification::FIFOS_ENABLED } else { 0 };
        self.identify() | fifos
    }

    fn line_status(&self) -> u8 {
        let mut value = line_status::TRANSMITTER_HOLDING_EMPTY | line_status::TRANSMITTER_EMPTY;
        if !self.received.is_empty() {
            value |= line_status::DATA_READY;
        }
        if self.overrun {
            value |= line_status::OVERRUN;
        }
        value
    }

    /// The modem's inputs: a peer that is always there, or, looped back, our own outputs.
    fn modem_inputs(&self) -> u8 {
        if !self.loops_back() {
            return modem_status::CTS | modem_status::DSR | modem_status::DCD;
        }
        [
            (modem_control::RTS, modem_status::CTS),
            (modem_control::DTR, modem_status::DSR),
            (modem_control::OUT1, modem_status::RING),
            (modem_control::OUT2, modem_status::DCD),
        ]
        .into_iter()
        .filter(|(output, _)| self.modem_control & output != 0)
        .fold(0, |inputs, (_, input)| inputs | input)
    }

    fn write_modem_control(&mut self, value: u8) {
        let before = self.modem_inputs();
        self.flow_controlled = true;
        self.modem_control = value & modem_control::ALL;
        let after = self.modem_inputs();
        let mut deltas = (before ^ after) >> modem_status::DELTA_SHIFT;
        if after & modem_status::RING != 0 {
            deltas &= !modem_status::RING_FELL;
        }
        self.modem_deltas |= deltas & modem_status::DELTAS;
    }

    fn transmit(&mut self, byte: u8) {
        if self.loops_back() {
            if self.received.len() < self.depth() {
                self.received.push_back(byte);
            } else {
                self.overrun = true;
            }
        } else {
            self.transmitted = Some(byte);
        }
        self.transmitter_interrupt = true;
    }

    fn write_interrupt_enable(&mut self, value: u8) {
        let value = value & interrupt_enable::ALL;
        // Enabling the transmitter interrupt while the transmitter is empty raises it at once: drivers start sending,
        // and probe for the interrupt, that way.
        if (self.interrupt_enable ^ value) & interrupt_enable::TRANSMITTER_EMPTY != 0 {
            self.transmitter_interrupt = value & interrupt_enable::TRANSMITTER_EMPTY != 0;
        }
        self.interrupt_enable = value;
    }

    fn write_fifo_control(&mut self, value: u8) {
        let toggled = (self.fifo_control ^ value) & fifo_control::ENABLE != 0;
        if toggled || value & fifo_control::CLEAR_RECEIVER != 0 {
            self.received.clear();
        }
        // While ENABLE is clear the other bits are not programmed.
        self.fifo_control = if value & fifo_control::ENABLE != 0 { value } else { 0 };
    }
}

impl Device for Uart {
    fn read(&mut self, offset: u64, size: AccessSize) -> Result<u64, AccessFault> {
        let value = self.peek(offset, size).ok_or(AccessFault)?;
        match offset {
            register::RBR_THR_DLL if !self.divisor_latched() => drop(self.received.pop_front()),
            // Reading IIR acknowledges the transmitter interrupt, and only if that is what it reports.
            register::IIR_FCR if self.identify() == identification::TRANSMITTER_EMPTY => {
                self.transmitter_interrupt = false;
            }
            register::LSR => self.overrun = false,
            register::MSR => self.modem_deltas = 0,
            _ => {}
        }
        Ok(value)
    }

    fn peek(&self, offset: u64, size: AccessSize) -> Option<u64> {
        if size != AccessSize::Byte {
            return None;
        }
        let value = match offset {
            register::RBR_THR_DLL if self.divisor_latched() => self.divisor[0],
            register::IER_DLM if self.divisor_latched() => self.divisor[1],
            register::RBR_THR_DLL => self.received.front().copied().unwrap_or(0),
            register::IER_DLM => self.interrupt_enable,
            register::IIR_FCR => self.identification(),
            register::LCR => self.line_control,
            register::MCR => self.modem_control,
            register::LSR => self.line_status(),
            register::MSR => self.modem_inputs() | self.modem_deltas,
            register::SCR => self.scratch,
            _ => return None,
        };
        Some(value.into())
    }

    fn write(&mut self, offset: u64, size: AccessSize, value: u64) -> Result<(), AccessFault> {
        if size != AccessSize::Byte {
            return Err(AccessFault);
        }
        let value = value as u8;
        match offset {
            register::RBR_THR_DLL if self.divisor_latched() => self.divisor[0] = value,
            register::IER_DLM if self.divisor_latched() => self.divisor[1] = value,
            register::RBR_THR_DLL => self.transmit(value),
            register::IER_DLM => self.write_interrupt_enable(value),
            register::IIR_FCR => self.write_fifo_control(value),
            register::LCR => self.line_control = value,
            register::MCR => self.write_modem_control(value),
            register::LSR | register::MSR => {} // read-only
            register::SCR => self.scratch = value,
            _ => return Err(AccessFault),
        }
        Ok(())
    }
}

impl Model for Uart {
    fn reset(&mut self) {
        *self = Self::new();
    }

    fn save(&self) -> Vec<u8> {
        bytes_of(self)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), LoadError> {
        const DEVICE: &str = "serial port";
        let state: Self = value_of(DEVICE, saved)?;
        require(state.received.len() <= UART_FIFO_BYTES, DEVICE, "the number of received bytes")?;
        require(state.interrupt_enable & !interrupt_enable::ALL == 0, DEVICE, "IER")?;
        require(state.modem_control & !modem_control::ALL == 0, DEVICE, "MCR")?;
        require(state.modem_deltas & !modem_status::DELTAS == 0, DEVICE, "MSR")?;
        *self = state;
        Ok(())
    }

    fn describe(&self) -> Vec<Property> {
        vec![Property::Texts(COMPATIBLE, &["ns16550a"]), Property::Number("clock-frequency", CLOCK_HZ)]
    }

    fn interrupt(&self) -> bool {
        self.identify() != identification::NONE
    }
}
