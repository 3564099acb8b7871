//! The engines that a machine can have: the one place that knows them by name.

use visa_interp::{Engine, Interpreter};
pub use visa_jit::GENERATES_CODE;
use visa_jit::{Jit, Settings};

use crate::board::Board;
use crate::compare::{Checked, CheckedFigures, Checking, Difference, Executed, ExecutedRecorder};

/// What can execute the harts' instructions. The results are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EngineKind {
    /// The reference.
    #[default]
    Interpreter,
    /// Code of the host, made while the guest runs; the reference in a build that makes none ([`GENERATES_CODE`]).
    Jit {
        /// How often code is executed before it is translated; `None`: as the engine sees fit.
        threshold: Option<u8>,
        /// Instructions between two looks for loops to optimise, which then happens at once, so that a run does the same
        /// each time; 0: nothing is optimised. `None`: in the background, as the engine sees fit.
        optimise: Option<u64>,
    },
    /// The JIT, with stretches of what it executes checked by the reference.
    Checked(Checking),
    /// The reference, by steps, which remembers what it executed last.
    Recorder {
        /// How many instructions.
        most: usize,
    },
}

impl EngineKind {
    /// An engine that has executed nothing yet.
    pub(super) fn make(self) -> Box<dyn MachineEngine> {
        match self {
            EngineKind::Interpreter => Box::new(Interpreter::new()),
            EngineKind::Jit { threshold, optimise } => {
                Box::new(Jit::new(Settings { threshold, optimise, ..Settings::default() }))
            }
            EngineKind::Checked(checking) => Box::new(Checked::new(checking)),
            EngineKind::Recorder { most } => Box::new(ExecutedRecorder::new(most)),
        }
    }
}

/// An engine on a board, with what only some can tell.
pub(crate) trait MachineEngine: Engine<Board> {
    /// What it has executed last, in order, if it remembers that; it forgets it.
    fn take_executed(&mut self) -> Vec<Executed> {
        Vec::new()
    }

    /// A difference between engines that it has found, once: the run ends with it.
    fn take_difference(&mut self) -> Option<Difference> {
        None
    }

    /// How much it has checked, if it checks.
    fn checked(&self) -> Option<CheckedFigures> {
        None
    }
}

impl MachineEngine for Interpreter {}

impl MachineEngine for Jit {}

impl MachineEngine for Checked {
    fn take_difference(&mut self) -> Option<Difference> {
        Checked::take_difference(self)
    }

    fn checked(&self) -> Option<CheckedFigures> {
        Some(self.figures())
    }
}

impl MachineEngine for ExecutedRecorder {
    fn take_executed(&mut self) -> Vec<Executed> {
        self.take()
    }
}
