//! Branch prediction: a table of two-bit counters (bimodal or gshare), a branch target buffer, and a return-address stack.

use crate::parameters::Parameters;
use crate::sets::Sets;

/// What a prediction came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Prediction {
    /// Right.
    Right,
    /// The direction was right, and the target was only found when the instruction was decoded.
    Redirect,
    /// Wrong.
    Wrong,
}

/// Counts of the predictor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BranchCounts {
    /// Conditional branches.
    pub conditional: u64,
    /// Of these, predicted in the wrong direction.
    pub conditional_wrong: u64,
    /// Returns.
    pub returns: u64,
    /// Of these, to an address that the stack did not have on top.
    pub returns_wrong: u64,
    /// Other indirect jumps.
    pub indirect: u64,
    /// Of these, predicted to a wrong target or not at all.
    pub indirect_wrong: u64,
    /// Taken branches and direct jumps whose target was found at decode.
    pub redirects: u64,
}

/// What kind of jump a JAL or JALR is, by the registers that the calling convention uses (RISC-V unprivileged, 2.5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Jump {
    /// To a fixed address.
    Direct,
    /// Through a register.
    Indirect,
    /// Through a register that holds a return address.
    Return,
}

#[derive(Clone, Copy, Debug)]
struct Target {
    pc: u64,
    target: u64,
}

/// A counter from 2 on predicts "taken".
const WEAKLY_TAKEN: u8 = 2;
const STRONGLY_TAKEN: u8 = 3;

/// The predictor of a hart.
#[derive(Clone, Debug)]
pub(crate) struct Predictor {
    counters: Vec<u8>,
    history: u64,
    history_mask: u64,
    targets: Sets<Target>,
    returns: Vec<u64>,
    returns_max: usize,
    pub counts: BranchCounts,
}

impl Predictor {
    pub fn new(parameters: &Parameters) -> Predictor {
        Predictor {
            // Weakly not taken.
            counters: vec![WEAKLY_TAKEN - 1; parameters.branch_table as usize],
            history: 0,
            history_mask: (1 << parameters.branch_history) - 1,
            targets: Sets::new(parameters.branch_target, parameters.branch_target_ways),
            returns: Vec::with_capacity(parameters.branch_returns as usize),
            returns_max: parameters.branch_returns as usize,
            counts: BranchCounts::default(),
        }
    }

    /// A conditional branch at `pc` that went to `next`.
    #[inline]
    pub fn branch(&mut self, pc: u64, next: u64, taken: bool) -> Prediction {
        self.counts.conditional += 1;
        let index = ((pc >> 1) ^ self.history) as usize & (self.counters.len() - 1);
        let counter = &mut self.counters[index];
        let predicted = *counter >= WEAKLY_TAKEN;
        *counter = if taken { (*counter + 1).min(STRONGLY_TAKEN) } else { counter.saturating_sub(1) };
        self.history = (self.history << 1 | taken as u64) & self.history_mask;
        if predicted != taken {
            self.counts.conditional_wrong += 1;
            if taken {
                self.learn(pc, next);
            }
            return Prediction::Wrong;
        }
        if taken { self.direct(pc, next) } else { Prediction::Right }
    }

    /// A jump at `pc` that went to `target`; `return_address` is what a call leaves.
    pub fn jump(&mut self, kind: Jump, pc: u64, target: u64, return_address: Option<u64>) -> Prediction {
        let prediction = match kind {
            Jump::Direct => self.direct(pc, target),
            Jump::Indirect => {
                self.counts.indirect += 1;
                let right = self.learn(pc, target);
                self.counts.indirect_wrong += !right as u64;
                if right { Prediction::Right } else { Prediction::Wrong }
            }
            Jump::Return => {
                self.counts.returns += 1;
                let right = self.returns.pop() == Some(target);
                self.counts.returns_wrong += !right as u64;
                if right { Prediction::Right } else { Prediction::Wrong }
            }
        };
        if let Some(address) = return_address
            && self.returns_max > 0
        {
            if self.returns.len() == self.returns_max {
                self.returns.remove(0);
            }
            self.returns.push(address);
        }
        prediction
    }

    fn direct(&mut self, pc: u64, target: u64) -> Prediction {
        if self.learn(pc, target) {
            return Prediction::Right;
        }
        self.counts.redirects += 1;
        Prediction::Redirect
    }

    /// Whether the buffer knew the target; afterwards it does.
    fn learn(&mut self, pc: u64, target: u64) -> bool {
        match self.targets.find(pc >> 1, |known| known.pc == pc) {
            Some(known) => std::mem::replace(&mut known.target, target) == target,
            None => {
                self.targets.insert(pc >> 1, Target { pc, target });
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Preset;

    fn predictor(assignments: &[&str]) -> Predictor {
        let mut parameters = Parameters::preset(Preset::Small);
        for assignment in assignments {
            parameters.set(assignment).expect("the parameter exists");
        }
        parameters.check().expect("it can be built");
        Predictor::new(&parameters)
    }

    #[test]
    fn a_loop_is_learnt_in_two_rounds() {
        use Prediction::{Redirect, Right, Wrong};
        let mut predictor = predictor(&[]);
        // The counter goes 1, 2, 3; the target is learnt with the first taken branch.
        let rounds: Vec<_> = (0..3).map(|_| predictor.branch(0x100, 0x80, true)).collect();
        assert_eq!(rounds, [Wrong, Right, Right]);
        // The end of the loop is a surprise, and the loop is still predicted afterwards.
        assert_eq!(predictor.branch(0x100, 0x104, false), Wrong);
        assert_eq!(predictor.branch(0x100, 0x80, true), Right);
        assert_eq!(predictor.branch(0x200, 0x204, false), Right, "not taken is the first guess");
        assert_eq!(predictor.jump(Jump::Direct, 0x300, 0x80, None), Redirect);
        assert_eq!(predictor.jump(Jump::Direct, 0x300, 0x80, None), Right);
        assert_eq!((predictor.counts.conditional, predictor.counts.conditional_wrong), (6, 2));
    }

    #[test]
    fn history_tells_alternation_and_bimodal_does_not() {
        let wrong_of_last_100 = |assignments: &[&str]| {
            let mut predictor = predictor(assignments);
            for round in 0..200u64 {
                if round == 100 {
                    predictor.counts = BranchCounts::default();
                }
                predictor.branch(0x100, 0x80, round % 2 == 0);
            }
            predictor.counts.conditional_wrong
        };
        assert_eq!(wrong_of_last_100(&["branch.history=4"]), 0);
        assert!(wrong_of_last_100(&["branch.history=0"]) >= 50);
    }

    #[test]
    fn returns_come_back_in_order_up_to_the_depth_of_the_stack() {
        let mut predictor = predictor(&["branch.returns=2"]);
        for (pc, back) in [(0x10, 0x14), (0x20, 0x24), (0x30, 0x34)] {
            predictor.jump(Jump::Direct, pc, 0x1000, Some(back));
        }
        let outcomes = [0x34, 0x24, 0x14].map(|back| predictor.jump(Jump::Return, 0x1000, back, None));
        assert_eq!(outcomes, [Prediction::Right, Prediction::Right, Prediction::Wrong]);
        assert_eq!((predictor.counts.returns, predictor.counts.returns_wrong), (3, 1));
    }

    #[test]
    fn an_indirect_jump_is_predicted_to_its_last_target() {
        use Prediction::{Right, Wrong};
        let mut predictor = predictor(&[]);
        let outcomes =
            [0x10, 0x10, 0x20, 0x10, 0x10].map(|target| predictor.jump(Jump::Indirect, 0x100, target, None));
        assert_eq!(outcomes, [Wrong, Right, Wrong, Wrong, Right]);
    }
}
