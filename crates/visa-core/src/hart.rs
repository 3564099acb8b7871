//! A hart that runs: its state, its translation, the wires to others, and who looks on.

use visa_mmu::Mmu;
use visa_state::{Features, HartState, Residency};

use crate::engine_memory::EngineMemory;
use crate::event::Event;
use crate::host_clock::HostTime;
use crate::observers::Observers;

/// One hart. A clone runs on as the hart would.
#[derive(Clone)]
pub struct Hart {
    /// What it is.
    pub state: HartState,
    /// How its addresses become others.
    pub mmu: Mmu,
    /// Something changed that an engine must look at before the next instruction: interrupts, ring, translation,
    /// self-modified code. An engine clears it.
    pub pending_work: bool,
    /// Where time comes from, if not from retired instructions.
    pub host_time: Option<HostTime>,
    /// Which virtual CPUs the harts have current, by hart; as of the start of the run, in which no other hart executes.
    pub peers: Vec<Option<Residency>>,
    /// The engine's.
    pub engine_memory: EngineMemory,
    /// Who looks on.
    pub observers: Observers,
    /// Bits of the trap filter in force for want of a feature.
    pub(crate) forced_filter: u64,
}

impl Hart {
    /// A hart after reset, in Ring -1 at `entry` (specification, 1.5).
    pub fn new(id: u64, entry: u64, device_tree: u64) -> Hart {
        Hart::of_state(HartState::new(id, entry, device_tree))
    }

    /// A hart that goes on from a state. What is remembered of translations is empty.
    pub fn of_state(state: HartState) -> Hart {
        Hart {
            mmu: Mmu::new(&state),
            forced_filter: state.features.forced_filter(),
            state,
            pending_work: true,
            host_time: None,
            peers: Vec::new(),
            engine_memory: EngineMemory::default(),
            observers: Observers::default(),
        }
    }

    /// Gives the hart features, before it runs.
    pub fn set_features(&mut self, features: Features) {
        self.state.features = features;
        self.forced_filter = features.forced_filter();
        self.pending_work = true;
    }

    /// Recomputes the context of translations after a change of ring, CR3, HPTBR, ranges, SUM or MXR.
    pub fn update_translation_context(&mut self) {
        self.mmu.update_context(&self.state);
        self.pending_work = true;
    }

    /// Tells observers of an event, if there are any.
    #[inline(always)]
    pub(crate) fn tell(&mut self, event: impl FnOnce(&HartState) -> Event) {
        self.observers.tell(&self.state, event);
    }
}
