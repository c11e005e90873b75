//! Files that are removed at the same time go by one request, where the store has such.
//!
//! Nobody waits for company: who comes while few requests are under way goes at once. Who comes
//! later waits for the end of one of them, and goes with all others that wait.

use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::Store;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot::{self, Receiver, Sender};

/// Requests under way before others wait. With one alone, every second removal of a few jobs
/// would wait for a whole round trip.
const UNDER_WAY: usize = 2;

/// The removals of one store.
#[derive(Debug, Default)]
pub(super) struct Removals(Shared);

type Shared = Arc<Mutex<State>>;

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    waiting: Vec<Waiting>,
}

type Waiting = (Key, Sender<Turn>);

/// What somebody who waits is told.
#[derive(Debug)]
enum Turn {
    /// Another one's request has removed the file, or could not.
    Over(Result<()>),
    /// To make the next request, for all who wait.
    Lead(Slot),
    /// To make a request of his own: nothing is known of the file.
    Alone,
}

/// The right to have a request under way. Whoever drops it gives it to one who waits.
#[derive(Debug)]
struct Slot(Shared);

impl Drop for Slot {
    fn drop(&mut self) {
        let next = {
            let mut state = lock(&self.0);
            let next = state.waiting.pop();
            state.under_way -= usize::from(next.is_none());
            next
        };
        if let Some((_, next)) = next {
            // If he has gone, it comes back, and is dropped again.
            drop(next.send(Turn::Lead(Self(Arc::clone(&self.0)))));
        }
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Removals {
    /// The right to go at once, or where to wait.
    fn enter(&self, key: &Key) -> std::result::Result<Slot, Receiver<Turn>> {
        let mut state = lock(&self.0);
        if state.under_way < UNDER_WAY {
            state.under_way += 1;
            return Ok(Slot(Arc::clone(&self.0)));
        }
        let (sender, turn) = oneshot::channel();
        state.waiting.push((key.clone(), sender));
        Err(turn)
    }

    /// Removes a file; the answer is about it alone.
    pub(super) async fn remove(&self, store: &dyn Store, key: Key) -> Result<()> {
        if store.capabilities().deletes < 2 {
            return store.delete(&key).await;
        }
        let _slot = match self.enter(&key) {
            Ok(slot) => slot,
            Err(turn) => match turn.await {
                Ok(Turn::Over(done)) => return done,
                Ok(Turn::Lead(slot)) => slot,
                // Also if the one who had the file in his request has gone.
                Ok(Turn::Alone) | Err(_) => return store.delete(&key).await,
            },
        };
        let others = std::mem::take(&mut lock(&self.0).waiting);
        if others.is_empty() {
            return store.delete(&key).await;
        }
        lead(store, key, others).await
    }
}

/// Removes a file, and those of others.
async fn lead(store: &dyn Store, key: Key, others: Vec<Waiting>) -> Result<()> {
    let mut keys: Vec<Key> = others.iter().map(|(key, _)| key.clone()).collect();
    keys.push(key.clone());
    let mut failed: HashMap<Key, Error> = match store.delete_many(&keys).await {
        Ok(failed) => failed.into_iter().collect(),
        Err(error) => {
            for (_, other) in others {
                // Who has gone need not be told.
                let _ = other.send(Turn::Alone);
            }
            return Err(error);
        }
    };
    for (key, other) in others {
        let done = failed.remove(&key).map_or(Ok(()), Err);
        let _ = other.send(Turn::Over(done));
    }
    failed.remove(&key).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Precondition;
    use crate::store::adapter::memory::Memory;
    use crate::store::layer::{Count, Verb};
    use bytes::Bytes;
    use futures_util::FutureExt;
    use futures_util::future::join_all;

    fn key(number: usize) -> Key {
        Key::new(format!("k{number}")).expect("a key")
    }

    async fn filled(count: usize) -> Count<Memory> {
        let store = Count::new(Memory::new());
        for number in 0..count {
            let key = key(number);
            let put = store.put(&key, Bytes::new(), Precondition::Always);
            let _ = put.await.expect("written");
        }
        store
    }

    /// As many as may be are under way.
    fn full(removals: &Removals) -> Vec<Slot> {
        let enter = |_| removals.enter(&key(0)).expect("a right");
        (0..UNDER_WAY).map(enter).collect()
    }

    #[tokio::test]
    async fn what_comes_while_others_are_under_way_goes_together() {
        let store = filled(20).await;
        let removals = Removals::default();
        let slots = full(&removals);
        let all = (0..20).map(|number| removals.remove(&store, key(number)));
        let mut all = Box::pin(join_all(all));
        assert!((&mut all).now_or_never().is_none());
        assert_eq!(store.counts().of(Verb::Delete), 0);
        let mut slots = slots.into_iter();
        drop(slots.next());
        assert!(all.await.into_iter().all(|done| done.is_ok()));
        assert_eq!(store.counts().of(Verb::Delete), 1);
        drop(slots);
        assert_eq!(lock(&removals.0).under_way, 0);
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_others_their_turn() {
        let store = filled(3).await;
        let removals = Removals::default();
        let slots = full(&removals);
        let mut waiting: Vec<_> = (0..3)
            .map(|number| Box::pin(removals.remove(&store, key(number))))
            .collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none());
        }
        // The last one is told to lead, and does not; the one before him had gone already.
        drop(waiting.remove(1));
        drop(slots);
        drop(waiting.pop());
        for one in waiting {
            one.await.expect("removed");
        }
        assert_eq!(lock(&removals.0).under_way, 0);
        assert!(store.head(&key(0)).await.expect("an answer").is_none());
    }
}
