//! A hart as a value: what it is, and all that its translation remembers.

use serde::{Deserialize, Serialize};
use visa_mmu::{Mmu, SavedMmu};
use visa_state::{HartState, LoadError};

use crate::hart::Hart;

/// A saved hart. It clones, compares, and is written and read by whatever serde has a format for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SavedHart {
    state: HartState,
    mmu: SavedMmu,
    /// While several harts take turns, how fast time passes depends on which of them have something to do.
    pending_work: bool,
}

impl Hart {
    /// What a hart must be made of to go on as this one does.
    pub fn save(&self) -> SavedHart {
        SavedHart { state: self.state.clone(), mmu: self.mmu.save(), pending_work: self.pending_work }
    }

    /// The hart that was saved, on a machine with so many bytes of RAM. Nobody looks on, and time is that of instructions.
    ///
    /// # Errors
    ///
    /// If it is not what [`Hart::save`] gives.
    pub fn of_saved(saved: &SavedHart, ram_bytes: u64) -> Result<Hart, LoadError> {
        let SavedHart { state, mmu, pending_work } = saved;
        state.check()?;
        let mmu = Mmu::load(mmu, state, ram_bytes).ok_or(LoadError::Translation)?;
        Ok(Hart { mmu, pending_work: *pending_work, ..Hart::of_state(state.clone()) })
    }
}
