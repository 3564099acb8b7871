//! The Goldfish real-time clock: 64-bit nanoseconds since the Unix epoch, behind pairs of 32-bit registers, with one
//! alarm (Android Goldfish virtual hardware documentation, "RTC").

use serde::{Deserialize, Serialize};
use visa_mem::{AccessFault, AccessSize, Device};

use crate::model::{COMPATIBLE, LoadError, Model, Property, bytes_of, value_of};

mod register {
    /// Reading it latches the upper half for the read of `TIME_HIGH` that follows.
    pub const TIME_LOW: u64 = 0x00;
    pub const TIME_HIGH: u64 = 0x04;
    /// Writing it arms the alarm; `ALARM_HIGH` is to be written first.
    pub const ALARM_LOW: u64 = 0x08;
    pub const ALARM_HIGH: u64 = 0x0C;
    pub const IRQ_ENABLED: u64 = 0x10;
    pub const CLEAR_ALARM: u64 = 0x14;
    pub const ALARM_STATUS: u64 = 0x18;
    pub const CLEAR_INTERRUPT: u64 = 0x1C;
}

/// The model. It has no clock of its own: [`Model::set_time_ns`] tells it the time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rtc {
    /// The machine's time, in nanoseconds since the epoch, as last told.
    machine_time_ns: u64,
    /// What the guest has added by setting the clock, modulo 2^64.
    offset_ns: u64,
    latched_high: u32,
    alarm_ns: u64,
    alarm_armed: bool,
    interrupt_pending: bool,
    interrupt_enabled: bool,
}

impl Rtc {
    /// A clock that shows the epoch, alarm off.
    pub fn new() -> Self {
        Self::default()
    }

    /// The time the guest reads, in nanoseconds since the Unix epoch.
    pub fn time_ns(&self) -> u64 {
        self.machine_time_ns.wrapping_add(self.offset_ns)
    }

    fn fire_if_due(&mut self) {
        if self.alarm_armed && self.time_ns() >= self.alarm_ns {
            self.fire();
        }
    }

    fn fire(&mut self) {
        self.alarm_armed = false;
        self.interrupt_pending = true;
    }

    fn set_guest_time(&mut self, time_ns: u64) {
        self.offset_ns = time_ns.wrapping_sub(self.machine_time_ns);
        self.fire_if_due();
    }
}

fn with_low(value: u64, low: u32) -> u64 {
    value & !u64::from(u32::MAX) | u64::from(low)
}

fn with_high(value: u64, high: u32) -> u64 {
    value & u64::from(u32::MAX) | u64::from(high) << 32
}

impl Device for Rtc {
    fn read(&mut self, offset: u64, size: AccessSize) -> Result<u64, AccessFault> {
        let value = self.peek(offset, size).ok_or(AccessFault)?;
        if offset == register::TIME_LOW {
            self.latched_high = (self.time_ns() >> 32) as u32;
        }
        Ok(value)
    }

    fn peek(&self, offset: u64, size: AccessSize) -> Option<u64> {
        if size != AccessSize::Word {
            return None;
        }
        let value = match offset {
            register::TIME_LOW => self.time_ns() as u32,
            register::TIME_HIGH => self.latched_high,
            register::ALARM_LOW => self.alarm_ns as u32,
            register::ALARM_HIGH => (self.alarm_ns >> 32) as u32,
            register::IRQ_ENABLED => self.interrupt_enabled.into(),
            register::ALARM_STATUS => self.alarm_armed.into(),
            register::CLEAR_ALARM | register::CLEAR_INTERRUPT => 0, // write-only
            _ => return None,
        };
        Some(value.into())
    }

    fn write(&mut self, offset: u64, size: AccessSize, value: u64) -> Result<(), AccessFault> {
        if size != AccessSize::Word {
            return Err(AccessFault);
        }
        let value = value as u32;
        match offset {
            register::TIME_LOW => self.set_guest_time(with_low(self.time_ns(), value)),
            register::TIME_HIGH => self.set_guest_time(with_high(self.time_ns(), value)),
            register::ALARM_LOW => {
                self.alarm_ns = with_low(self.alarm_ns, value);
                self.alarm_armed = true;
                self.fire_if_due();
            }
            register::ALARM_HIGH => {
                self.alarm_ns = with_high(self.alarm_ns, value);
                self.fire_if_due();
            }
            register::IRQ_ENABLED => self.interrupt_enabled = value & 1 != 0,
            register::CLEAR_ALARM => self.alarm_armed = false,
            register::CLEAR_INTERRUPT => self.interrupt_pending = false,
            register::ALARM_STATUS => {} // read-only
            _ => return Err(AccessFault),
        }
        Ok(())
    }
}

impl Model for Rtc {
    fn reset(&mut self) {
        *self = Self::new();
    }

    fn save(&self) -> Vec<u8> {
        bytes_of(self)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), LoadError> {
        *self = value_of("clock", saved)?;
        Ok(())
    }

    fn describe(&self) -> Vec<Property> {
        vec![Property::Texts(COMPATIBLE, &["google,goldfish-rtc"])]
    }

    fn keeps_time(&self) -> bool {
        true
    }

    /// An alarm that is due fires.
    fn set_time_ns(&mut self, machine_time_ns: u64) {
        let passed_ns = machine_time_ns.wrapping_sub(self.machine_time_ns);
        // The time that the guest reads may wrap on the way, so that the alarm's is not below it afterwards.
        let passes_alarm = self.until_event_ns().is_some_and(|until_ns| until_ns <= passed_ns);
        self.machine_time_ns = machine_time_ns;
        if passes_alarm {
            self.fire();
        }
    }

    fn until_event_ns(&self) -> Option<u64> {
        // One that was due when it was armed has fired.
        self.alarm_armed.then(|| self.alarm_ns.saturating_sub(self.time_ns()))
    }

    fn interrupt(&self) -> bool {
        self.interrupt_pending && self.interrupt_enabled
    }
}
