//! A record of when the guest left and was entered again, for timelines. Its memory is bounded: whoever wants a long
//! one takes what there is between slices of a run.

use visa_isa::Ring;
use visa_isa::exit::ExitRecord;
use visa_state::HartState;

use crate::event::{Entered, Event};

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// A guest left for Ring -1.
    Exit {
        /// The exit record.
        record: ExitRecord,
        /// The guest's R17 and R16: for a hypercall of the SBI, extension and function.
        call: [u64; 2],
    },
    /// Ring -1 entered a guest.
    Enter(Entered),
    /// The guest went to another ring of its own.
    Ring(Ring),
}

/// Something that happened, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Instructions retired before it.
    pub instructions: u64,
    /// Modelled cycles, in thousandths, before an exit and after an entry, so that what the switch itself takes counts
    /// as Ring -1's; 0 without a model.
    pub millicycles: u64,
    /// What it was.
    pub change: Change,
}

impl Moment {
    /// A change, now.
    pub(crate) fn now(state: &HartState, change: Change) -> Moment {
        Moment { instructions: state.instructions, millicycles: state.millicycles, change }
    }
}

impl Change {
    /// What changes by an event. A guest's traps do not take it out of its world: what they change is its ring.
    pub(crate) fn by(event: &Event) -> Option<Change> {
        match *event {
            Event::Exit { record, call, .. } => Some(Change::Exit { record, call }),
            Event::Enter { who, .. } => Some(Change::Enter(who)),
            Event::Trap { .. } | Event::EntryFailure { .. } => None,
        }
    }
}

/// Moments in order.
#[derive(Clone, Debug)]
pub struct Timeline {
    moments: Vec<Moment>,
    capacity: usize,
    lost: u64,
}

impl Timeline {
    /// An empty one that holds up to `capacity` moments.
    pub fn new(capacity: usize) -> Timeline {
        Timeline { moments: Vec::new(), capacity, lost: 0 }
    }

    /// Adds a moment, or counts it as lost if there is no room.
    pub fn push(&mut self, moment: Moment) {
        if self.moments.len() < self.capacity {
            self.moments.push(moment);
        } else {
            self.lost += 1;
        }
    }

    /// Sets the time of the last entry, and of what came with it: the model knows only afterwards what it took.
    pub fn entered_at(&mut self, millicycles: u64) {
        let is_exit = |moment: &&mut Moment| matches!(moment.change, Change::Exit { .. });
        for moment in self.moments.iter_mut().rev().take_while(|moment| !is_exit(moment)) {
            moment.millicycles = millicycles;
            if let Change::Enter(_) = moment.change {
                break;
            }
        }
    }

    /// The moments since the last call.
    pub fn take(&mut self) -> Vec<Moment> {
        std::mem::take(&mut self.moments)
    }

    /// How many found no room.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_timeline_counts_what_it_loses() {
        let change = Change::Enter(Entered::default());
        let moment = |instructions| Moment { instructions, millicycles: 0, change };
        let mut timeline = Timeline::new(2);
        (0..3).for_each(|instructions| timeline.push(moment(instructions)));
        timeline.entered_at(9);
        let taken = timeline.take();
        assert_eq!(
            taken.iter().map(|moment| (moment.instructions, moment.millicycles)).collect::<Vec<_>>(),
            [(0, 0), (1, 9)]
        );
        assert_eq!(timeline.lost(), 1);
        timeline.push(moment(4));
        assert_eq!(timeline.take(), [moment(4)]);
    }
}
