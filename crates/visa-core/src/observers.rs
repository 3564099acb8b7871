//! Who looks on: what a hart tells of its traps and world switches, and to whom.
//!
//! Nobody does unless asked to, and then a hart spends one comparison on it where such a thing happens.

use visa_isa::Ring;
use visa_state::HartState;

use crate::event::Event;
use crate::timeline::{Change, Moment, Timeline};

/// The observers of a hart.
#[derive(Clone, Debug, Default)]
pub struct Observers {
    asked_for: Option<Box<AskedFor>>,
}

#[derive(Clone, Debug, Default)]
struct AskedFor {
    events: Option<Vec<Event>>,
    timeline: Option<Timeline>,
}

impl Observers {
    /// From now on keeps events, until [`Observers::take_events`].
    pub fn keep_events(&mut self) {
        self.ask().events.get_or_insert_default();
    }

    /// The events since the last call, in order; none if they are not kept.
    pub fn take_events(&mut self) -> Vec<Event> {
        let events = self.asked_for.as_mut().and_then(|asked| asked.events.as_mut());
        events.map(std::mem::take).unwrap_or_default()
    }

    /// Keeps events no longer, and forgets them.
    pub fn drop_events(&mut self) {
        self.ask().events = None;
        self.retire();
    }

    /// From now on keeps a timeline of up to so many moments between two [`Timeline::take`]s.
    pub fn keep_timeline(&mut self, capacity: usize) {
        self.ask().timeline = Some(Timeline::new(capacity));
    }

    /// The timeline, if one is kept.
    pub fn timeline_mut(&mut self) -> Option<&mut Timeline> {
        self.asked_for.as_mut()?.timeline.as_mut()
    }

    /// Tells everybody, if there is anybody.
    #[inline(always)]
    pub(crate) fn tell(&mut self, state: &HartState, event: impl FnOnce(&HartState) -> Event) {
        if let Some(asked) = &mut self.asked_for {
            asked.see(state, event(state));
        }
    }

    /// Tells whoever keeps a timeline that the guest goes to another ring of its own.
    #[inline(always)]
    pub(crate) fn tell_ring(&mut self, state: &HartState, ring: Ring) {
        if let Some(asked) = &mut self.asked_for {
            asked.change(state, Change::Ring(ring));
        }
    }

    fn ask(&mut self) -> &mut AskedFor {
        self.asked_for.get_or_insert_default()
    }

    /// Costs nothing again, once nobody looks on any more.
    fn retire(&mut self) {
        if self.asked_for.as_ref().is_some_and(|asked| asked.events.is_none() && asked.timeline.is_none()) {
            self.asked_for = None;
        }
    }
}

impl AskedFor {
    #[cold]
    fn see(&mut self, state: &HartState, event: Event) {
        if let Some(change) = Change::by(&event) {
            self.change(state, change);
        }
        if let Some(events) = &mut self.events {
            events.push(event);
        }
    }

    fn change(&mut self, state: &HartState, change: Change) {
        if let Some(timeline) = &mut self.timeline {
            timeline.push(Moment::now(state, change));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Entered;

    #[test]
    fn who_is_not_asked_for_is_told_nothing() {
        let state = HartState::new(0, 0, 0);
        let event =
            Event::Enter { instructions: 7, who: Entered::default(), ring: Ring::User, pc: 0, action: 0 };
        let mut observers = Observers::default();
        observers.tell(&state, |_| unreachable!("nobody looks on"));
        observers.keep_events();
        observers.tell(&state, |_| event.clone());
        assert_eq!(observers.take_events().len(), 1);
        assert_eq!(observers.take_events(), []);
        observers.keep_timeline(1);
        observers.drop_events();
        (0..2).for_each(|_| observers.tell(&state, |_| event.clone()));
        assert_eq!(observers.take_events(), []);
        let timeline = observers.timeline_mut().unwrap();
        assert_eq!((timeline.take().len(), timeline.lost()), (1, 1));
    }
}
