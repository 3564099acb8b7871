//! The hart: both register banks, the MSRs, translation caches, and what observers are told.

use crate::clock::Clock;
use crate::event::Event;
use crate::features::Features;
use crate::guess::Guesses;
use crate::memory::Handed;
use crate::nested_cache::NestedCache;
use crate::range_tags::RangeTags;
use crate::state::{Hypervisor, Supervisor, VirtualMachine};
use crate::statistics::Statistics;
use crate::timeline::Timeline;
use crate::tlb::Tlb;
use crate::vic::{Message, Residency};
use crate::walk_cache::WalkCache;
use visa_isa::Ring;
use visa_isa::cause::ExitCause;
use visa_isa::exit::ExitRecord;
use visa_isa::msr::sstatus;

/// The registers that a world switch changes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Bank {
    /// R0 to R31; R0 is zero.
    pub r: [u64; 32],
    /// F0 to F31.
    pub f: [u64; 32],
    /// Program counter.
    pub pc: u64,
    /// Accrued exceptions and rounding mode.
    pub fcsr: u32,
}

/// What LR reserved, if anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
        std::mem::replace(self, Reservation::NONE)
    }
}

/// One hart. A clone runs on as the hart would.
#[derive(Clone)]
pub struct Hart {
    /// Its number.
    pub id: u64,
    /// What an engine guesses.
    pub guesses: Guesses,
    /// The ring that it runs in.
    pub ring: Ring,
    /// The bank in use.
    pub bank: Bank,
    /// The other bank: the guest's while in Ring -1, Ring -1's while in a guest.
    pub other: Bank,
    /// The guest's ring as VMRING holds it, while in Ring -1.
    pub guest_ring: u64,
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
    /// `instructions` when the last stay in Ring -1 began.
    pub(crate) ring_minus_1_since: u64,
    /// The cause of the exit that the stay in Ring -1 began with; `None` after reset.
    pub(crate) stay_cause: Option<ExitCause>,
    /// Exceptions delivered since an instruction retired, and the retired count then.
    pub(crate) delivery: Delivery,
    /// Time.
    pub clock: Clock,
    /// Interrupt line of the platform to Ring -1's context.
    pub external_to_hypervisor: bool,
    /// Interrupt line of the platform to Ring 0's context.
    pub external_to_kernel: bool,
    /// What LR reserved.
    pub reservation: Reservation,
    /// WFI waits for an interrupt.
    pub waiting: bool,
    /// Something changed that an engine must look at before the next instruction: interrupts, ring, translation,
    /// self-modified code. An engine clears it.
    pub attention: bool,
    /// Translation caches.
    pub tlb: Tlb,
    /// Whether a stage translates in the ring in use.
    pub(crate) translates: bool,
    /// With which ranges translations were made.
    pub(crate) range_tags: RangeTags,
    /// What walks remember of the second stage.
    pub(crate) nested: NestedCache,
    /// What they remember of the first.
    pub(crate) walk_cache: WalkCache,
    /// What the next access finds, if it is the one that this was found for.
    pub(crate) handed: Option<Handed>,
    /// What to tell other harts.
    pub outgoing: Vec<Message>,
    /// Which virtual CPUs the harts have current, by hart; as of the start of the run, in which no other hart executes.
    pub peers: Vec<Option<Residency>>,
    /// Counts for reports.
    pub statistics: Statistics,
    /// Traps and world switches since an observer last looked; `None` while nobody does.
    pub events: Option<Vec<Event>>,
    /// Entries and exits, while somebody wants a timeline.
    pub timeline: Option<Timeline>,
    /// Modelled cycles so far, in thousandths; 0 without a model, which alone writes it.
    pub millicycles: u64,
    /// Whether the MSR `cycle` shows modelled cycles, rather than retired instructions.
    pub cycle_is_modelled: bool,
    pub(crate) features: Features,
    /// Bits of the trap filter in force for want of a feature.
    pub(crate) forced_filter: u64,
}

/// Progress between deliveries of exceptions, to notice a guest that cannot go on (specification, 2.3).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivery {
    /// Exceptions delivered in a row.
    pub count: u32,
    /// Retired instructions at the last delivery.
    pub instructions: u64,
    /// The first exception in a row that Ring -1 raised itself.
    pub first: Fault,
}

/// An exception of Ring -1's own, for whoever wants to know why a hart is dead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fault {
    /// HVCAUSE.
    pub cause: u64,
    /// HVTVAL.
    pub value: u64,
    /// HVEPC.
    pub pc: u64,
}

impl Hart {
    /// The first of the exceptions in a row that Ring -1 has raised last.
    pub fn first_fault(&self) -> Fault {
        self.delivery.first
    }

    /// A hart after reset, in Ring -1 at `entry` (specification, 1.5).
    pub fn new(id: u64, entry: u64, device_tree: u64) -> Hart {
        let mut bank = Bank { pc: entry, ..Bank::default() };
        bank.r[10] = id;
        bank.r[11] = device_tree;
        let mut hart = Hart {
            id,
            ring: Ring::Hypervisor,
            bank,
            other: Bank::default(),
            guest_ring: Ring::Kernel as u64,
            supervisor: Supervisor::new(),
            hypervisor: Hypervisor::new(),
            vm: VirtualMachine::default(),
            exit: ExitRecord::default(),
            instructions: 0,
            ring_minus_1_since: 0,
            stay_cause: None,
            delivery: Delivery::default(),
            clock: Clock::default(),
            external_to_hypervisor: false,
            external_to_kernel: false,
            reservation: Reservation::NONE,
            waiting: false,
            attention: true,
            guesses: Guesses::default(),
            tlb: Tlb::of_hart(id),
            translates: false,
            range_tags: RangeTags::default(),
            nested: NestedCache::default(),
            walk_cache: WalkCache::default(),
            handed: None,
            outgoing: Vec::new(),
            peers: Vec::new(),
            statistics: Statistics::default(),
            events: None,
            timeline: None,
            millicycles: 0,
            cycle_is_modelled: false,
            features: Features::default(),
            forced_filter: 0,
        };
        hart.update_translation_context();
        hart
    }

    /// The features that the hart has.
    pub fn features(&self) -> Features {
        self.features
    }

    /// Gives the hart features, before it runs.
    pub fn set_features(&mut self, features: Features) {
        self.features = features;
        self.forced_filter = features.forced_filter();
        self.attention = true;
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
        if self.in_guest() { &self.bank } else { &self.other }
    }

    /// The bank that is the guest's.
    pub fn guest_bank_mut(&mut self) -> &mut Bank {
        if self.in_guest() { &mut self.bank } else { &mut self.other }
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
        let current = if self.in_guest() { 0 } else { self.instructions - self.ring_minus_1_since };
        self.statistics.instructions_ring_minus_1 + current
    }

    /// Records an event if somebody observes.
    #[inline]
    pub(crate) fn record(&mut self, event: impl FnOnce(&Hart) -> Event) {
        if self.events.is_some() {
            let event = event(self);
            if let Some(events) = &mut self.events {
                events.push(event);
            }
        }
    }

    /// The VM that the hart has current, for the others' VINT_SEND.
    pub fn residency(&self) -> Option<Residency> {
        self.vm.vmcs.map(|_| Residency { vmid: self.vm.vmid(), virtual_cpu: self.vm.virtual_cpu as u16 })
    }
}
