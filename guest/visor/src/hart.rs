//! What visor keeps for each hart: its state, what other harts ask of it, and its exits.

use crate::cpu::{HARTS_MAX, fence_instructions, notify, this, wait};
use crate::emulate::Wait;
use crate::isolate::pager;
use crate::sbi::{Fence, HartSet, HartState, Start};
use crate::vm::Vm;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};
use visa_guest::instructions as insn;
use visa_guest::registers as msr;
use visa_isa::cause::interrupt::{HYPERVISOR_SOFTWARE, SUPERVISOR_SOFTWARE};

/// How many causes of exits are counted apart; cause 0 stands for those with higher numbers.
pub const CAUSES: usize = 32;

// States of a hart; CLAIMED is that of one whose starter still writes the address.
const STOPPED: u64 = 0;
const CLAIMED: u64 = 1;
const START_PENDING: u64 = 2;
const STARTED: u64 = 3;
const SUSPENDED: u64 = 4;

// What one hart asks of another.
const INTERRUPT: u32 = 1 << 0;
const FENCE_INSTRUCTIONS: u32 = 1 << 1;
const FENCE_TRANSLATIONS: u32 = 1 << 2;

/// A hart, as all harts see it.
pub struct Hart {
    state: AtomicU64,
    entry: AtomicU64,
    opaque: AtomicU64,
    requests: AtomicU32,
    /// Fences that were asked for, and how many of them are done. A request's bit is set before it is counted, so
    /// whoever sees the count sees the bit.
    fences_asked: AtomicU64,
    fences_done: AtomicU64,
    exits: [AtomicU64; CAUSES],
}

static HARTS: [Hart; HARTS_MAX] = [const { Hart::new() }; HARTS_MAX];

/// The hart with a number below [`HARTS_MAX`].
pub fn hart(number: usize) -> &'static Hart {
    &HARTS[number]
}

impl Hart {
    const fn new() -> Hart {
        Hart {
            state: AtomicU64::new(STOPPED),
            entry: AtomicU64::new(0),
            opaque: AtomicU64::new(0),
            requests: AtomicU32::new(0),
            fences_asked: AtomicU64::new(0),
            fences_done: AtomicU64::new(0),
            exits: [const { AtomicU64::new(0) }; CAUSES],
        }
    }

    /// Its state.
    pub fn state(&self) -> HartState {
        match self.state.load(Acquire) {
            STOPPED => HartState::Stopped,
            STARTED => HartState::Started,
            SUSPENDED => HartState::Suspended,
            _ => HartState::StartPending,
        }
    }

    /// Says what state it is in. For the hart itself.
    pub fn set_state(&self, state: HartState) {
        let state = match state {
            HartState::Stopped => STOPPED,
            HartState::Started => STARTED,
            HartState::StartPending => START_PENDING,
            HartState::Suspended => SUSPENDED,
        };
        self.state.store(state, Release);
    }

    /// Has it start, if it is stopped and nobody else starts it.
    pub fn start(&self, number: usize, start: Start) -> bool {
        // Of two starters one wins the exchange, and it alone writes the address; the hart waits for the state after.
        let won = self.state.compare_exchange(STOPPED, CLAIMED, AcqRel, Relaxed).is_ok();
        if won {
            self.entry.store(start.entry, Relaxed);
            self.opaque.store(start.opaque, Relaxed);
            self.set_state(HartState::StartPending);
            notify(number);
        }
        won
    }

    /// Waits until it is started. For the hart itself, which meanwhile serves the others.
    pub fn wait_for_start(&self) -> Start {
        loop {
            self.serve();
            if self.state.load(Acquire) == START_PENDING {
                self.set_state(HartState::Started);
                return Start { entry: self.entry.load(Relaxed), opaque: self.opaque.load(Relaxed) };
            }
            wait();
        }
    }

    /// Waits until the guest has an interrupt to take. For the hart itself, likewise.
    #[inline(never)]
    pub fn wait_for_guest_interrupt(&self) {
        self.set_state(HartState::Suspended);
        self.wait_for_guest(Wait::of(Vm::get(), this()));
        self.set_state(HartState::Started);
    }

    /// Waits, serving the others, until a wait of the guest's is over.
    pub fn wait_for_guest(&self, mut guest: Wait) {
        loop {
            self.serve();
            if guest.over() {
                break;
            }
            wait();
        }
    }

    /// Does what other harts have asked for. For the hart itself.
    #[inline(never)]
    pub fn serve(&self) {
        // SAFETY: clears the software interrupt before looking, so that a later request raises it again.
        unsafe { msr::hvip::clear(1 << HYPERVISOR_SOFTWARE) };
        let asked = self.fences_asked.load(Acquire);
        let requests = self.requests.swap(0, AcqRel);
        if requests & INTERRUPT != 0 {
            interrupt_guest();
        }
        if requests & FENCE_INSTRUCTIONS != 0 {
            fence_instructions();
        }
        if requests & FENCE_TRANSLATIONS != 0 {
            flush_translations();
        }
        self.fences_done.store(asked, Release);
    }

    /// Counts an exit. For the hart itself.
    pub fn count_exit(&self, cause: u64) {
        let counter = &self.exits[if cause < CAUSES as u64 { cause as usize } else { 0 }];
        counter.store(counter.load(Relaxed) + 1, Relaxed);
    }

    /// How many exits there were, by cause.
    pub fn exits(&self, cause: usize) -> u64 {
        self.exits[cause % CAUSES].load(Relaxed)
    }
}

/// Makes the supervisor software interrupt pending in the guests of `harts`.
#[inline(always)]
pub fn interrupt(harts: HartSet) {
    let own = this();
    if harts.has(own) {
        interrupt_guest();
    }
    let others = harts.without(own);
    if !others.is_empty() {
        interrupt_others(others);
    }
}

#[inline(never)]
fn interrupt_others(harts: HartSet) {
    for number in harts.iter() {
        hart(number).requests.fetch_or(INTERRUPT, AcqRel);
        notify(number);
    }
}

/// Has `harts` execute a fence, and waits until they have.
#[inline(always)]
pub fn fence(harts: HartSet, fence: Fence) {
    let own = this();
    if harts.has(own) {
        match fence {
            Fence::Instructions => fence_instructions(),
            Fence::Translations => flush_translations(),
        }
    }
    let others = harts.without(own);
    if !others.is_empty() {
        fence_others(others, fence);
    }
}

/// The part of [`fence`] that needs other harts. A hart that waits serves the others, so that two that fence each other
/// do not wait for ever.
#[inline(never)]
fn fence_others(harts: HartSet, fence: Fence) {
    let request = match fence {
        Fence::Instructions => FENCE_INSTRUCTIONS,
        Fence::Translations => FENCE_TRANSLATIONS,
    };
    let mut tickets = [0; HARTS_MAX];
    for number in harts.iter() {
        let other = hart(number);
        other.requests.fetch_or(request, AcqRel);
        tickets[number] = other.fences_asked.fetch_add(1, AcqRel) + 1;
        notify(number);
    }
    let own = this();
    for number in harts.iter() {
        while hart(number).fences_done.load(Acquire) < tickets[number] {
            hart(own).serve();
            core::hint::spin_loop();
        }
    }
}

/// Makes the supervisor software interrupt pending in this hart's guest.
fn interrupt_guest() {
    // SAFETY: the guest asked for the interrupt.
    unsafe { msr::sip::set(1 << SUPERVISOR_SOFTWARE) };
}

/// Makes it no longer pending; whether it was.
pub fn clear_guest_interrupt() -> bool {
    const BIT: u64 = 1 << SUPERVISOR_SOFTWARE;
    let was_pending = msr::sip::read() & BIT != 0;
    // SAFETY: the guest asked for it.
    unsafe { msr::sip::clear(BIT) };
    was_pending
}

/// Drops the translations of this hart's guest, whatever addresses the guest named: TLBFLUSHV knows guest-physical
/// ones alone.
#[inline(always)]
pub fn flush_translations() {
    if pager::is_active() {
        return pager::fence_all(this());
    }
    insn::tlbflushv_vmid(vmid());
}

/// The VMID in this hart's HPTBR.
fn vmid() -> u64 {
    use visa_isa::paging::{PPN_BITS, VMID_BITS};
    msr::hptbr::read() >> PPN_BITS & ((1 << VMID_BITS) - 1)
}
