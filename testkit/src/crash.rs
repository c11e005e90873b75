//! An operation that dies at every store call it makes, one run after the other.

use crate::tap::{Call, Tap, Tapped, broken};
use async_trait::async_trait;
use pail::Result;
use pail::store::Store;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// On which side of a call it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The store never hears of the call.
    Before,
    /// The store does it, and nobody hears the answer.
    After,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The process is gone: its future is dropped, and what its destructors still try
    /// never returns.
    Killed,
    /// The bucket is out of reach from here on: this call and every later one fail, and
    /// the operation ends as it likes.
    CutOff,
}

/// Where a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The call, counted from 1.
    pub call: usize,
    /// On which side of it.
    pub moment: Moment,
    /// How.
    pub death: Death,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call,
            moment,
            death,
        } = self;
        write!(f, "{death:?} {moment:?} call {call}")
    }
}

/// What one run came to.
#[derive(Debug)]
pub struct Run<T> {
    /// Where it ended; nothing, of the last run, which goes through undisturbed.
    pub point: Option<Point>,
    /// What the operation returned; nothing if it was killed.
    pub result: Option<T>,
    /// The calls that it made, the deadly one last, without those after it.
    pub calls: Vec<Call>,
}

/// Counts calls and ends at one of them.
#[derive(Debug)]
pub struct CrashTap {
    point: Option<Point>,
    state: Mutex<State>,
    killed: Notify,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    dead: bool,
    deadly: Option<Call>,
}

impl CrashTap {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn die(&self, call: &Call, applied: bool) -> Result<()> {
        self.state().dead = true;
        match self.point.map(|point| point.death) {
            Some(Death::Killed) => {
                self.killed.notify_one();
                pending().await
            }
            _ => Err(broken(call, applied)),
        }
    }
}

#[async_trait]
impl Tap for CrashTap {
    async fn before(&self, call: &Call) -> Result<()> {
        let (dead, deadly) = {
            let mut state = self.state();
            if !state.dead {
                state.calls.push(call.clone());
            }
            let deadly = self
                .point
                .filter(|point| !state.dead && point.call == state.calls.len())
                .map(|point| point.moment);
            if deadly == Some(Moment::After) {
                state.deadly = Some(call.clone());
            }
            (state.dead, deadly)
        };
        if dead || deadly == Some(Moment::Before) {
            return self.die(call, false).await;
        }
        Ok(())
    }

    async fn after(&self, call: &Call) -> Result<()> {
        let (dead, deadly) = {
            let state = self.state();
            let deadly = state.deadly.as_ref() == Some(call);
            (state.dead, deadly)
        };
        if dead || deadly {
            return self.die(call, true).await;
        }
        Ok(())
    }
}

/// A client's store that dies at one call. Clones are the same client.
pub type CrashStore = Tapped<CrashTap>;

impl CrashStore {
    /// A store that dies there, or only counts.
    pub fn dying(inner: Arc<dyn Store>, point: Option<Point>) -> Self {
        let tap = CrashTap {
            point,
            state: Mutex::default(),
            killed: Notify::new(),
        };
        Self::new(inner, Arc::new(tap))
    }

    /// Every call up to the deadly one.
    pub fn calls(&self) -> Vec<Call> {
        self.tap().state().calls.clone()
    }

    /// Whether it has died.
    pub fn dead(&self) -> bool {
        self.tap().state().dead
    }

    /// Runs an operation until it returns or its process is killed.
    pub async fn run<T>(&self, operation: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.tap().killed.notified() => None,
            result = operation => Some(result),
        }
    }
}

/// Runs an operation once for each store call that it makes, before and after the call,
/// killed and cut off, and at last undisturbed; checks the bucket after each run.
///
/// `setup` makes a fresh world each time: the bucket and whatever else the operation
/// needs. The check gets the bucket itself, which has not died. Returns how many calls the
/// undisturbed run made.
///
/// # Panics
///
/// When the check does, after saying where the run had ended.
pub async fn at_every_call<W, T>(
    setup: impl AsyncFn() -> (Arc<dyn Store>, W),
    operation: impl AsyncFn(Arc<dyn Store>, &W) -> T,
    check: impl AsyncFn(Arc<dyn Store>, &W, &Run<T>),
) -> usize {
    for call in 1.. {
        let mut reached = false;
        for death in [Death::Killed, Death::CutOff] {
            for moment in [Moment::Before, Moment::After] {
                let point = Point {
                    call,
                    moment,
                    death,
                };
                reached |= one(Some(point), &setup, &operation, &check).await.is_none();
            }
        }
        if !reached {
            break;
        }
    }
    let calls = one(None, &setup, &operation, &check).await;
    calls.expect("a run without a point makes all its calls")
}

/// One run. Returns the number of calls if its point was never reached; it is then an
/// undisturbed run like any other, and checked by the last one.
async fn one<W, T>(
    point: Option<Point>,
    setup: &impl AsyncFn() -> (Arc<dyn Store>, W),
    operation: &impl AsyncFn(Arc<dyn Store>, &W) -> T,
    check: &impl AsyncFn(Arc<dyn Store>, &W, &Run<T>),
) -> Option<usize> {
    let (bucket, world) = setup().await;
    let store = CrashStore::dying(Arc::clone(&bucket), point);
    let result = store.run(operation(Arc::new(store.clone()), &world)).await;
    let dead = store.dead();
    let run = Run {
        point: point.filter(|_| dead),
        result,
        calls: store.calls(),
    };
    if dead || point.is_none() {
        let told = Told(&run.point, &run.calls);
        check(bucket, &world, &run).await;
        drop(told);
    }
    (!dead).then_some(run.calls.len())
}

/// Says where a run had ended, if its check panics.
struct Told<'a>(&'a Option<Point>, &'a [Call]);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            match self.0 {
                Some(point) => println!("crash: {point}, after these:"),
                None => println!("crash: the undisturbed run, after these:"),
            }
            for (number, call) in self.1.iter().enumerate() {
                println!("  {} {call}", number + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tap::Verb;
    use bytes::Bytes;
    use pail::store::adapter::memory::Memory;
    use pail::store::{Precondition, Store};
    use pail::{ErrorKind, Key};
    use std::cell::RefCell;

    /// A push in small: a pack, then what points at it.
    async fn push(store: Arc<dyn Store>) -> Result<()> {
        let pack = Key::new("pack")?;
        let upload = store.begin(&pack).await?;
        upload.part(0, Bytes::from_static(b"objects")).await?;
        upload.complete().await?;
        let root = Key::new("root")?;
        let body = Bytes::from_static(b"pack");
        let _ = store.put(&root, body, Precondition::Absent).await?;
        Ok(())
    }

    #[tokio::test]
    async fn a_run_ends_at_every_call_and_leaves_what_was_done_before_it() {
        let runs = RefCell::new(Vec::new());
        let bucket = async || {
            let memory = Memory::new();
            (Arc::new(memory.clone()) as Arc<dyn Store>, memory)
        };
        let calls = at_every_call(
            bucket,
            async |store, _| push(store).await,
            async |_, memory, run| {
                let files = memory.files();
                assert!(files.contains_key("pack") || !files.contains_key("root"));
                runs.borrow_mut().push((
                    run.point,
                    files.len(),
                    run.result
                        .as_ref()
                        .map(|r| r.as_ref().err().map(|e| e.kind())),
                ));
            },
        )
        .await;
        assert_eq!(calls, 4, "begin, part, complete, put");
        let runs = runs.into_inner();
        assert_eq!(runs.len(), 4 * 4 + 1);
        let at = |call, moment, death| {
            let point = Some(Point {
                call,
                moment,
                death,
            });
            let found = runs.iter().find(|run| run.0 == point).expect("it was run");
            (found.1, found.2)
        };
        assert_eq!(at(3, Moment::Before, Death::Killed), (0, None));
        assert_eq!(at(3, Moment::After, Death::Killed), (1, None));
        assert_eq!(at(4, Moment::After, Death::Killed), (2, None));
        let unavailable = Some(Some(ErrorKind::Unavailable));
        assert_eq!(at(3, Moment::After, Death::CutOff), (1, unavailable));
        assert_eq!(at(4, Moment::Before, Death::CutOff), (1, unavailable));
        let doubt = Some(Some(ErrorKind::InDoubt));
        assert_eq!(at(4, Moment::After, Death::CutOff), (2, doubt));
        assert_eq!(runs[16], (None, 2, Some(None)), "the undisturbed run");
    }

    #[tokio::test]
    async fn a_dead_client_reaches_nothing_any_more() {
        let memory = Memory::new();
        let point = Point {
            call: 2,
            moment: Moment::Before,
            death: Death::CutOff,
        };
        let store = CrashStore::dying(Arc::new(memory.clone()), Some(point));
        assert!(push(Arc::new(store.clone())).await.is_err());
        assert!(push(Arc::new(store.clone())).await.is_err());
        assert!(store.dead());
        assert_eq!(store.calls().len(), 2);
        assert_eq!(store.calls()[1].verb, Verb::Part);
        assert!(memory.files().is_empty());
    }
}
