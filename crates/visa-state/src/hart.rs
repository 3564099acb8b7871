//! One hart as a value.

use alloc::vec::Vec;
use core::mem::replace;

use serde::{Deserialize, Serialize};
use visa_isa::Ring;
use visa_isa::cause::ExitCause;
use visa_isa::exit::ExitRecord;
use visa_isa::msr::sstatus;

use crate::features::Features;
use crate::message::{Message, Residency};
use crate::registers::{Hypervisor, Supervisor};
use crate::statistics::Statistics;
use crate::time::VirtualTime;
use crate::virtual_machine::VirtualMachine;
use crate::world::{Bank, WORLDS, World};

/// What a hart is. A hart of this state goes on as the one did whose it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HartState {
    /// Its number.
    pub id: u64,
    /// What it can do.
    pub features: Features,
    /// The ring that it runs in.
    pub ring: Ring,
    /// The bank in use.
    pub bank: Bank,
    /// The worlds that do not run, by level ([`crate::world`]).
    pub inactive: [World; WORLDS - 1],
    /// The guest's supervisor MSRs.
    pub supervisor: Supervisor,
    /// Ring -1's MSRs.
    pub hypervisor: Hypervisor,
    /// The current VM.
    pub vm: VirtualMachine,
    /// The last exit.
    pub exit: ExitRecord,
    /// Retired instructions, all rings.
    pub instructions: u64,
    /// `instructions` when the last hypervisor interval, which lies between an exit and the next entry, began.
    pub interval_start: u64,
    /// The cause of the exit that it began with; `None` after reset.
    pub interval_cause: Option<ExitCause>,
    /// Exceptions delivered since an instruction retired, and the retired count then.
    pub delivery: Delivery,
    /// Time, where it follows from instructions.
    pub time: VirtualTime,
    /// Interrupt line of the platform to Ring -1's context.
    pub external_to_hypervisor: bool,
    /// Interrupt line of the platform to Ring 0's context.
    pub external_to_kernel: bool,
    /// What LR reserved.
    pub reservation: Reservation,
    /// WFI waits for an interrupt.
    pub waiting: bool,
    /// What to tell other harts.
    pub outgoing: Vec<Message>,
    /// Modelled cycles so far, in thousandths; 0 without a model, which alone writes it.
    pub millicycles: u64,
    /// Whether the MSR `cycle` shows modelled cycles, rather than retired instructions.
    pub cycle_is_modelled: bool,
    /// Counts for reports.
    pub statistics: Statistics,
}

/// What LR reserved, if anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Reservation(u64);

impl Reservation {
    /// Nothing is reserved.
    pub const NONE: Reservation = Reservation(0);
    /// The bits below the offset, which hold the size.
    pub const SIZE_BITS: u32 = 4;

    /// So many bytes (4 or 8) at an offset of RAM.
    pub const fn new(offset: u64, bytes: u64) -> Reservation {
        Reservation(offset << Self::SIZE_BITS | bytes)
    }

    /// Ends the reservation, and returns what it was.
    pub fn take(&mut self) -> Reservation {
        replace(self, Reservation::NONE)
    }
}

/// Progress between deliveries of exceptions, to notice a guest that cannot go on (specification, 2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Exceptions delivered in a row.
    pub count: u32,
    /// Retired instructions at the last delivery.
    pub instructions: u64,
    /// The first exception in a row that Ring -1 raised itself.
    pub first: HypervisorException,
}

/// An exception of Ring -1's own, for whoever wants to know why a hart is dead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HypervisorException {
    /// HVCAUSE.
    pub cause: u64,
    /// HVTVAL.
    pub value: u64,
    /// HVEPC.
    pub pc: u64,
}

/// Why what was saved is no state of a hart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The bytes are not those of a state.
    #[error("these bytes are no saved state of a hart: {0}")]
    Bytes(#[from] postcard::Error),
    /// A value is one that no hart has.
    #[error("in this saved state of a hart {0}")]
    Value(&'static str),
    /// What is remembered of translations is not what a hart of this machine remembers.
    #[error("what this saved hart remembers of translations is not of this machine")]
    Translation,
}

impl HartState {
    /// A hart after reset, in Ring -1 at `entry` (specification, 1.5), with the address of the device tree in R11.
    pub fn new(id: u64, entry: u64, device_tree: u64) -> HartState {
        let mut bank = Bank { pc: entry, ..Bank::default() };
        bank.r[10] = id;
        bank.r[11] = device_tree;
        HartState {
            id,
            features: Features::default(),
            ring: Ring::Hypervisor,
            bank,
            inactive: [World::guest()],
            supervisor: Supervisor::new(),
            hypervisor: Hypervisor::new(),
            vm: VirtualMachine::default(),
            exit: ExitRecord::default(),
            instructions: 0,
            interval_start: 0,
            interval_cause: None,
            delivery: Delivery::default(),
            time: VirtualTime::default(),
            external_to_hypervisor: false,
            external_to_kernel: false,
            reservation: Reservation::NONE,
            waiting: false,
            outgoing: Vec::new(),
            millicycles: 0,
            cycle_is_modelled: false,
            statistics: Statistics::default(),
        }
    }

    /// The state as bytes, whose form may change with each version of this crate.
    pub fn save(&self) -> Vec<u8> {
        // Nothing in the state is without a form of bytes, and the vector grows as needed.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// The state that [`HartState::save`] has given.
    ///
    /// # Errors
    ///
    /// If the bytes are not what it gives.
    pub fn load(bytes: &[u8]) -> Result<HartState, LoadError> {
        let state: HartState = postcard::from_bytes(bytes)?;
        state.check()?;
        Ok(state)
    }

    /// Whether it is a state that a hart can be in, as far as the rest relies on it.
    ///
    /// # Errors
    ///
    /// If it is not; the error says why.
    pub fn check(&self) -> Result<(), LoadError> {
        let zeros = self.bank.r[0] == 0 && self.inactive.iter().all(|world| world.bank.r[0] == 0);
        let has_ranges = self.vm.ranges.iter().any(|range| range.length != 0);
        let why = match () {
            () if !zeros => "R0 is not zero",
            () if has_ranges != self.vm.has_ranges => {
                "whether there are IOVMAP ranges does not agree with them"
            }
            () if self.interval_start > self.instructions => "a hypervisor interval begins in the future",
            () if self.time.rate == 0 => "time does not pass",
            () => return Ok(()),
        };
        Err(LoadError::Value(why))
    }

    /// Whether the hart runs a guest (Ring 0 or Ring 3).
    #[inline(always)]
    pub fn in_guest(&self) -> bool {
        self.ring != Ring::Hypervisor
    }

    /// Reads an integer register of the bank in use.
    #[inline(always)]
    pub fn r(&self, number: u8) -> u64 {
        self.bank.r[number as usize & 31]
    }

    /// Writes an integer register of the bank in use. R0 stays zero.
    #[inline(always)]
    pub fn set_r(&mut self, number: u8, value: u64) {
        self.bank.r[number as usize & 31] = value;
        self.bank.r[0] = 0;
    }

    /// Reads a floating-point register of the bank in use.
    #[inline(always)]
    pub fn f(&self, number: u8) -> u64 {
        self.bank.f[number as usize & 31]
    }

    /// Writes a floating-point register of the bank in use, and makes the state dirty.
    #[inline(always)]
    pub fn set_f(&mut self, number: u8, value: u64) {
        self.bank.f[number as usize & 31] = value;
        self.mark_float_dirty();
    }

    /// The bank that is the guest's.
    pub fn guest_bank(&self) -> &Bank {
        if self.in_guest() { &self.bank } else { &self.inactive[0].bank }
    }

    /// The bank that is the guest's.
    pub fn guest_bank_mut(&mut self) -> &mut Bank {
        if self.in_guest() { &mut self.bank } else { &mut self.inactive[0].bank }
    }

    /// Resumes the guest's world, in the ring that it has.
    #[inline]
    pub fn enter_world(&mut self) {
        let world = &mut self.inactive[0];
        core::mem::swap(&mut self.bank, &mut world.bank);
        self.ring = if world.ring == Ring::User as u64 { Ring::User } else { Ring::Kernel };
    }

    /// Suspends it, and resumes that of Ring -1.
    #[inline]
    pub fn leave_world(&mut self) {
        let world = &mut self.inactive[0];
        core::mem::swap(&mut self.bank, &mut world.bank);
        world.ring = self.ring as u64;
        self.ring = Ring::Hypervisor;
    }

    /// Whether floating point is on: always in Ring -1, elsewhere unless sstatus.FS is off.
    #[inline(always)]
    pub fn float_enabled(&self) -> bool {
        !self.in_guest() || self.supervisor.sstatus & sstatus::FS != 0
    }

    /// Notes that floating-point state changed. Ring -1's bank has no such state to note.
    #[inline(always)]
    pub fn mark_float_dirty(&mut self) {
        if self.in_guest() {
            self.supervisor.sstatus |= sstatus::FS;
        }
    }

    /// Instructions that retired in Ring -1 so far.
    pub fn instructions_ring_minus_1(&self) -> u64 {
        let current = if self.in_guest() { 0 } else { self.instructions - self.interval_start };
        self.statistics.instructions_ring_minus_1 + current
    }

    /// The VM that the hart has current, for the others' VINT_SEND.
    pub fn residency(&self) -> Option<Residency> {
        self.vm.vmcs.map(|_| Residency { vmid: self.vm.vmid(), virtual_cpu: self.vm.virtual_cpu as u16 })
    }
}
