//! A store that fails as told, or by chance; and one that ignores conditions.

#[cfg(test)]
mod tests;

use crate::seed::Chance;
use crate::tap::{Call, Tap, Tapped, Verb, broken};
use crate::twist::{Twist, Twisted};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use pail::store::{Body, Capabilities, Precondition, Put, Store};
use pail::{Error, ErrorKind, Key, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this kind, and the store never hears of it.
    Before(ErrorKind),
    /// The store does it and the reply is lost: in doubt for a write with a condition,
    /// unavailable for all else.
    After,
    /// It waits so long (tokio's time, which a test can pause) and then goes through.
    Delay(Duration),
    /// The body ends with an error after so many bytes.
    Cut(u64),
    /// The body ends after so many bytes, as if it were whole.
    CutQuietly(u64),
    /// This bit of the body is turned over.
    Flip(u64),
}

impl Fault {
    /// Whether it is for the body of a `get` only.
    fn spoils_a_body(self) -> bool {
        matches!(self, Self::Cut(_) | Self::CutQuietly(_) | Self::Flip(_))
    }
}

/// Which calls a fault is for: the first that fits, unless more is said.
#[derive(Debug, Clone)]
pub struct Rule {
    verb: Option<Verb>,
    key: Option<String>,
    skip: usize,
    times: usize,
    fault: Fault,
}

impl Rule {
    /// A fault for the first call of all.
    pub fn new(fault: Fault) -> Self {
        Self {
            verb: None,
            key: None,
            skip: 0,
            times: 1,
            fault,
        }
    }

    /// Throttling: the next so many calls are turned away.
    pub fn throttle(times: usize) -> Self {
        Self::new(Fault::Before(ErrorKind::Unavailable)).times(times)
    }

    /// Only calls of this method.
    #[must_use]
    pub fn verb(mut self, verb: Verb) -> Self {
        self.verb = Some(verb);
        self
    }

    /// Only calls whose key holds this text.
    #[must_use]
    pub fn key(mut self, part: &str) -> Self {
        self.key = Some(part.to_owned());
        self
    }

    /// Only from the `nth` call on that fits, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.skip = nth.saturating_sub(1);
        self
    }

    /// So often, one after the other.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Every time.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    fn takes(&mut self, call: &Call) -> Option<Fault> {
        let fits = self.verb.is_none_or(|verb| verb == call.verb)
            && self
                .key
                .as_deref()
                .is_none_or(|part| call.key.contains(part))
            && (call.verb == Verb::Get || !self.fault.spoils_a_body())
            && self.times > 0;
        if !fits {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        if self.times != usize::MAX {
            self.times -= 1;
        }
        Some(self.fault)
    }
}

/// Decides the fault of each call.
#[derive(Debug)]
pub struct FaultTap {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rules: Vec<Rule>,
    chance: Option<(Chance, usize)>,
    calls: Vec<Call>,
    faults: usize,
    /// Faults that were decided before a call and are due after it.
    due: Vec<(Call, Fault)>,
}

impl FaultTap {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self, call: &Call, wanted: fn(Fault) -> bool) -> Option<Fault> {
        let mut state = self.state();
        let at = state
            .due
            .iter()
            .position(|(of, fault)| of == call && wanted(*fault))?;
        Some(state.due.swap_remove(at).1)
    }
}

#[async_trait]
impl Tap for FaultTap {
    async fn before(&self, call: &Call) -> Result<()> {
        let fault = {
            let mut state = self.state();
            state.calls.push(call.clone());
            let told = state.rules.iter_mut().find_map(|rule| rule.takes(call));
            let fault = told.or_else(|| {
                let (chance, one_in) = state.chance.as_mut()?;
                chance
                    .one_in(*one_in)
                    .then(|| *chance.pick(&[Fault::Before(ErrorKind::Unavailable), Fault::After]))
            });
            state.faults += usize::from(fault.is_some());
            if let Some(fault) = fault
                && (fault == Fault::After || fault.spoils_a_body())
            {
                state.due.push((call.clone(), fault));
            }
            fault
        };
        match fault {
            Some(Fault::Before(kind)) => {
                let message = format!("cannot do '{call}': the test's store refuses");
                Err(Error::new(kind, message))
            }
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn after(&self, call: &Call) -> Result<()> {
        match self.due(call, |fault| fault == Fault::After) {
            Some(_) => Err(broken(call, true)),
            None => Ok(()),
        }
    }

    fn body(&self, call: &Call, body: Body) -> Body {
        match self.due(call, Fault::spoils_a_body) {
            Some(fault) => spoil(fault, call, body),
            None => body,
        }
    }
}

/// A body with a fault in it. Faults past its end do nothing.
fn spoil(fault: Fault, call: &Call, body: Body) -> Body {
    let error = broken(call, true);
    let bytes = stream::unfold(
        (body.bytes, 0_u64, Some(error)),
        move |(mut bytes, passed, mut error)| async move {
            let chunk = match bytes.next().await? {
                Ok(chunk) => chunk,
                error => return Some((error, (bytes, passed, None))),
            };
            let end = passed + chunk.len() as u64;
            let spoilt = match fault {
                Fault::Cut(at) | Fault::CutQuietly(at) if passed > at => {
                    let error = error.take().filter(|_| matches!(fault, Fault::Cut(_)))?;
                    return Some((Err(error), (bytes, end, None)));
                }
                Fault::Cut(at) | Fault::CutQuietly(at) if at < end => {
                    // One past the mark, so that the next turn stops here.
                    let rest = stream::iter([Ok(Bytes::new())]).boxed();
                    let kept = chunk.slice(..(at - passed) as usize);
                    return Some((Ok(kept), (rest, at + 1, error)));
                }
                Fault::Flip(bit) if (passed..end).contains(&(bit / 8)) => {
                    let mut chunk = chunk.to_vec();
                    chunk[(bit / 8 - passed) as usize] ^= 1 << (bit % 8);
                    Bytes::from(chunk)
                }
                _ => chunk,
            };
            Some((Ok(spoilt), (bytes, end, error)))
        },
    );
    Body {
        info: body.info,
        bytes: bytes.boxed(),
    }
}

/// A store that fails as told, or by chance. Clones share rules and counts.
pub type FaultStore = Tapped<FaultTap>;

impl FaultStore {
    /// A store that follows rules; the first that fits a call is applied.
    pub fn scripted(inner: Arc<dyn Store>, rules: impl IntoIterator<Item = Rule>) -> Self {
        Self::with(inner, rules.into_iter().collect(), None)
    }

    /// A store of which one call in `one_in` is turned away or has its reply lost.
    pub fn seeded(inner: Arc<dyn Store>, seed: u64, one_in: usize) -> Self {
        Self::with(inner, Vec::new(), Some((Chance::new(seed), one_in)))
    }

    fn with(inner: Arc<dyn Store>, rules: Vec<Rule>, chance: Option<(Chance, usize)>) -> Self {
        let state = Mutex::new(State {
            rules,
            chance,
            calls: Vec::new(),
            faults: 0,
            due: Vec::new(),
        });
        Self::new(inner, Arc::new(FaultTap { state }))
    }

    /// Adds a rule.
    pub fn rule(&self, rule: Rule) {
        self.tap().state().rules.push(rule);
    }

    /// Forgets all rules and chance.
    pub fn heal(&self) {
        let mut state = self.tap().state();
        state.rules.clear();
        state.chance = None;
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.tap().state().calls.clone()
    }

    /// How many calls were spoilt: a test of a fault that was never met proves nothing.
    pub fn faults(&self) -> usize {
        self.tap().state().faults
    }
}

/// A store that promises conditions and does not keep them: what several real services do.
/// The contract must fail on it, and nobody may trust it unprobed.
pub type IgnoresConditions = Twisted<Unconditional>;

/// What is different about [`IgnoresConditions`].
#[derive(Debug, Clone)]
pub struct Unconditional {
    inner: Arc<dyn Store>,
    looks_first: bool,
}

impl IgnoresConditions {
    /// A store that writes in any case, and says that the condition held.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self(Unconditional {
            inner,
            looks_first: false,
        })
    }

    /// A store that looks whether the condition holds and then writes, in two steps: only
    /// a race can tell.
    pub fn looking_first(inner: Arc<dyn Store>) -> Self {
        Self(Unconditional {
            inner,
            looks_first: true,
        })
    }
}

impl Unconditional {
    async fn holds(&self, key: &Key, when: Precondition<'_>) -> Result<bool> {
        if !self.looks_first {
            return Ok(true);
        }
        let now = self.inner.head(key).await?.map(|info| info.version);
        tokio::task::yield_now().await;
        Ok(match when {
            Precondition::Always => true,
            Precondition::Absent => now.is_none(),
            Precondition::Unchanged(expected) => now.as_ref() == Some(expected),
        })
    }
}

#[async_trait]
impl Twist for Unconditional {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    /// It promises all the same; only trying tells.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            probe: true,
            ..self.inner.capabilities()
        }
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        if !self.holds(key, when).await? {
            return Ok(Put::Lost);
        }
        self.inner.put(key, body, Precondition::Always).await
    }
}
