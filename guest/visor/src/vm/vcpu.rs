//! A virtual CPU as all harts see it: its state, what others ask of it, and its exits.

use crate::cpu;
use crate::guest::{VCPUS_MAX, VMS_MAX};
use crate::sbi::{HartState, Start};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};

/// How many causes of exits are counted apart; cause 0 stands for those with higher numbers.
pub const CAUSES: usize = 32;

// Its states; CLAIMED is that of one whose starter still writes the address.
const STOPPED: u64 = 0;
const CLAIMED: u64 = 1;
const START_PENDING: u64 = 2;
const STARTED: u64 = 3;
const SUSPENDED: u64 = 4;

/// What others may ask of a virtual CPU, a bit each.
pub mod request {
    /// Make the supervisor software interrupt pending.
    pub const INTERRUPT: u32 = 1 << 0;
    /// Execute FENCE.I.
    pub const FENCE_INSTRUCTIONS: u32 = 1 << 1;
    /// Drop translations.
    pub const FENCE_TRANSLATIONS: u32 = 1 << 2;
}

/// A virtual CPU, as all harts see it.
pub struct Vcpu {
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

/// What a virtual CPU was asked for, when its hart looked.
pub struct Asked {
    /// Bits of [`request`].
    pub requests: u32,
    /// Fences that are among them.
    fences: u64,
}

static VCPUS: [[Vcpu; VCPUS_MAX]; VMS_MAX] = [const { [const { Vcpu::new() }; VCPUS_MAX] }; VMS_MAX];

impl Vcpu {
    const fn new() -> Vcpu {
        Vcpu {
            state: AtomicU64::new(STOPPED),
            entry: AtomicU64::new(0),
            opaque: AtomicU64::new(0),
            requests: AtomicU32::new(0),
            fences_asked: AtomicU64::new(0),
            fences_done: AtomicU64::new(0),
            exits: [const { AtomicU64::new(0) }; CAUSES],
        }
    }

    /// The first so many of a VM.
    pub(super) fn first(vm: usize, count: usize) -> &'static [Vcpu] {
        &VCPUS[vm][..count]
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

    /// Says what state it is in. For its hart.
    pub fn set_state(&self, state: HartState) {
        let state = match state {
            HartState::Stopped => STOPPED,
            HartState::Started => STARTED,
            HartState::StartPending => START_PENDING,
            HartState::Suspended => SUSPENDED,
        };
        self.state.store(state, Release);
    }

    /// Has it start on its hart, if it is stopped and nobody else starts it.
    pub fn start(&self, home: usize, start: Start) -> bool {
        // Of two starters one wins the exchange, and it alone writes the address; the hart waits for the state after.
        let won = self.state.compare_exchange(STOPPED, CLAIMED, AcqRel, Relaxed).is_ok();
        if won {
            self.entry.store(start.entry, Relaxed);
            self.opaque.store(start.opaque, Relaxed);
            self.set_state(HartState::StartPending);
            cpu::notify(home);
        }
        won
    }

    /// How it is to start, if it is: then it has started. For its hart.
    pub fn started(&self) -> Option<Start> {
        (self.state.load(Acquire) == START_PENDING).then(|| {
            self.set_state(HartState::Started);
            Start { entry: self.entry.load(Relaxed), opaque: self.opaque.load(Relaxed) }
        })
    }

    /// Asks for something that is not waited for.
    pub fn ask(&self, home: usize, request: u32) {
        self.requests.fetch_or(request, AcqRel);
        cpu::notify(home);
    }

    /// Asks for a fence: the ticket with which [`Vcpu::has_fenced`] tells whether it is done.
    pub fn ask_for_fence(&self, home: usize, request: u32) -> u64 {
        self.requests.fetch_or(request, AcqRel);
        let ticket = self.fences_asked.fetch_add(1, AcqRel) + 1;
        cpu::notify(home);
        ticket
    }

    /// Whether a fence is done.
    pub fn has_fenced(&self, ticket: u64) -> bool {
        self.fences_done.load(Acquire) >= ticket
    }

    /// Takes what was asked for. For its hart.
    pub fn asked(&self) -> Asked {
        let fences = self.fences_asked.load(Acquire);
        Asked { requests: self.requests.swap(0, AcqRel), fences }
    }

    /// What was asked for is done.
    pub fn done(&self, asked: &Asked) {
        self.fences_done.store(asked.fences, Release);
    }

    /// Counts an exit. For its hart.
    #[inline(always)]
    pub fn count_exit(&self, cause: u64) {
        let counter = &self.exits[if cause < CAUSES as u64 { cause as usize } else { 0 }];
        counter.store(counter.load(Relaxed) + 1, Relaxed);
    }

    /// How many exits there were, by cause.
    pub fn exits(&self, cause: usize) -> u64 {
        self.exits[cause % CAUSES].load(Relaxed)
    }
}
