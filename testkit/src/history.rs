//! What clients were told, held against what is there in the end.
//!
//! A history knows nothing of refs or packs: an event is any value that the final state
//! can be asked for, such as a ref edit, and the final state is a list of the events that
//! happened, in their order, such as the push log.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a client was told of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It happened.
    Acknowledged,
    /// It did not and never will.
    Refused,
    /// Nobody knows: an error, a lost reply, a crash.
    Nothing,
}

/// Every event that was tried, and what was said of it.
#[derive(Debug)]
pub struct History<E>(Mutex<State<E>>);

#[derive(Debug)]
struct State<E> {
    moments: u64,
    events: Vec<Entry<E>>,
}

#[derive(Debug, Clone)]
struct Entry<E> {
    event: E,
    begun: u64,
    ended: u64,
    told: Told,
}

impl<E> Default for History<E> {
    fn default() -> Self {
        Self(Mutex::new(State {
            moments: 0,
            events: Vec::new(),
        }))
    }
}

impl<E: Clone + Debug + Ord> History<E> {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down that a client begins to try an event. No two events are alike.
    pub fn begin(&self, event: E) -> Attempt<'_, E> {
        let mut state = self.state();
        state.moments += 1;
        let begun = state.moments;
        state.events.push(Entry {
            event,
            begun,
            ended: u64::MAX,
            told: Told::Nothing,
        });
        Attempt {
            history: self,
            number: state.events.len() - 1,
        }
    }

    /// How many events were acknowledged, refused, and neither.
    pub fn counts(&self) -> (usize, usize, usize) {
        let state = self.state();
        let count = |told| state.events.iter().filter(|e| e.told == told).count();
        (
            count(Told::Acknowledged),
            count(Told::Refused),
            count(Told::Nothing),
        )
    }

    /// Holds the history against the events that happened, in their order.
    ///
    /// # Errors
    ///
    /// Everything that is wrong: an acknowledged event that is not there, a refused one
    /// that is, one that is there twice or that nobody tried, and two that happened in
    /// the other order although one was acknowledged before the other was begun.
    pub fn check(&self, happened: &[E]) -> Result<(), Vec<String>> {
        let state = self.state();
        let mut wrong = Vec::new();
        let mut places = BTreeMap::new();
        for (place, event) in happened.iter().enumerate() {
            if places.insert(event, place).is_some() {
                wrong.push(format!("happened twice: {event:?}"));
            }
            if !state.events.iter().any(|entry| entry.event == *event) {
                wrong.push(format!("was never tried: {event:?}"));
            }
        }
        for entry in &state.events {
            match (entry.told, places.contains_key(&entry.event)) {
                (Told::Acknowledged, false) => {
                    wrong.push(format!("was acknowledged and is lost: {:?}", entry.event));
                }
                (Told::Refused, true) => {
                    wrong.push(format!("was refused and happened: {:?}", entry.event));
                }
                _ => {}
            }
        }
        for earlier in state.events.iter().filter(|e| e.told == Told::Acknowledged) {
            for later in state.events.iter().filter(|e| e.begun > earlier.ended) {
                let (first, second) = (places.get(&earlier.event), places.get(&later.event));
                if let (Some(first), Some(second)) = (first, second)
                    && first > second
                {
                    wrong.push(format!(
                        "{:?} was acknowledged before {:?} was begun, and stands behind it",
                        earlier.event, later.event
                    ));
                }
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// As [`History::check`].
    ///
    /// # Panics
    ///
    /// With everything that is wrong.
    pub fn assert_kept(&self, happened: &[E]) {
        if let Err(wrong) = self.check(happened) {
            panic!(
                "history:\n  {}\nhappened: {happened:#?}",
                wrong.join("\n  ")
            );
        }
    }
}

/// An event that is being tried. If it is dropped without a word, nobody knows.
#[derive(Debug)]
pub struct Attempt<'a, E> {
    history: &'a History<E>,
    number: usize,
}

impl<E: Clone + Debug + Ord> Attempt<'_, E> {
    /// The client was told this.
    pub fn told(self, told: Told) {
        let mut state = self.history.state();
        state.moments += 1;
        let ended = state.moments;
        let entry = &mut state.events[self.number];
        entry.told = told;
        entry.ended = ended;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_acknowledged_must_be_there_and_in_order() {
        let history = History::new();
        history.begin("a").told(Told::Acknowledged);
        history.begin("b").told(Told::Refused);
        let _: Attempt<'_, _> = history.begin("c");
        history.begin("d").told(Told::Acknowledged);
        assert_eq!(history.counts(), (2, 1, 1));
        history.assert_kept(&["a", "d"]);
        history.assert_kept(&["a", "c", "d"]);
        history.assert_kept(&["a", "d", "c"]);
        for (happened, why) in [
            (&["a"][..], "is lost"),
            (&["a", "b", "d"], "was refused"),
            (&["a", "d", "d"], "twice"),
            (&["a", "d", "e"], "never tried"),
            (&["d", "a"], "stands behind"),
            (&["c", "a", "d"], "stands behind"),
        ] {
            let wrong = history.check(happened);
            match (wrong, why) {
                // Nobody said when c was done: it may have happened first.
                (Err(wrong), "stands behind") if happened[0] == "c" => {
                    assert!(wrong[0].contains("\"a\" was acknowledged before \"c\""));
                }
                (Err(wrong), why) => assert!(wrong[0].contains(why), "{wrong:?}"),
                (Ok(()), why) => panic!("{happened:?} must be wrong: {why}"),
            }
        }
    }
}
