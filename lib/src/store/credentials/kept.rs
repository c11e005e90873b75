//! Keeps what was found, as long as it holds.

use crate::clock::Clock;
use crate::error::{ErrorKind, Result};
use std::future::Future;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use tokio::sync::Mutex;

/// Seconds before its end at which a credential is renewed.
pub(in crate::store) const MARGIN: i64 = 120;

/// Seconds for which "there are none" is believed, so that a machine without a metadata
/// service is not asked for it again by every request.
const NEGATIVE: i64 = 30;

/// What a source gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Found<C> {
    /// What requests are signed with.
    pub(in crate::store) credential: C,
    /// Seconds since 1970 at which it ends, if it does.
    pub(in crate::store) expires: Option<i64>,
    /// Where it came from, in words and without any secret: `profile 'work', single
    /// sign-on`.
    pub(in crate::store) origin: String,
}

/// A credential that is found when it is first needed, and again shortly before it ends.
#[derive(Debug)]
pub(in crate::store) struct Kept<C> {
    clock: Arc<dyn Clock>,
    known: Mutex<Known<C>>,
    /// The origin of what was found last, for those who only look.
    origin: Lock<Option<String>>,
}

#[derive(Debug)]
enum Known<C> {
    Nothing,
    Found(Arc<Found<C>>),
    /// The service refused it: look again.
    Ended(Arc<Found<C>>),
    /// The service refused it, and looking again found the same.
    Final(Arc<Found<C>>),
    None(i64),
}

impl<C: PartialEq> Kept<C> {
    /// Knows nothing yet; no I/O.
    pub(in crate::store) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            known: Mutex::new(Known::Nothing),
            origin: Lock::default(),
        }
    }

    /// What is known, or else what `find` finds; `None` if it finds nothing. Those who ask
    /// at the same time wait for one search.
    ///
    /// # Errors
    ///
    /// Those of `find`; they are not kept. A credential that shall be renewed and still
    /// lasts is given while `find` gets no answer.
    pub(in crate::store) async fn get(
        &self,
        find: impl Future<Output = Result<Option<Found<C>>>> + Send,
    ) -> Result<Option<Arc<Found<C>>>> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        let lasts = |found: &Found<C>, margin| found.expires.is_none_or(|end| end - margin > now);
        match &*known {
            Known::Found(found) | Known::Final(found) if lasts(found, MARGIN) => {
                return Ok(Some(Arc::clone(found)));
            }
            Known::None(until) if *until > now => return Ok(None),
            _ => {}
        }
        let found = match (find.await, &*known) {
            (Ok(found), _) => found,
            (Err(error), Known::Found(old))
                if error.kind() == ErrorKind::Unavailable && lasts(old, 0) =>
            {
                return Ok(Some(Arc::clone(old)));
            }
            (Err(error), _) => return Err(error),
        };
        let Some(found) = found else {
            *known = Known::None(now + NEGATIVE);
            return Ok(None);
        };
        let found = Arc::new(found);
        *known = match &*known {
            Known::Ended(old) if old.credential == found.credential => {
                Known::Final(Arc::clone(&found))
            }
            _ => Known::Found(Arc::clone(&found)),
        };
        let mut origin = self.origin.lock().unwrap_or_else(PoisonError::into_inner);
        *origin = Some(found.origin.clone());
        Ok(Some(found))
    }

    /// A service refused a credential as one that has ended. Gives whether the request is
    /// worth repeating: another one is known by now, or can be looked for once.
    pub(in crate::store) async fn ended(&self, this: impl Fn(&C) -> bool) -> bool {
        let mut known = self.known.lock().await;
        match &*known {
            Known::Found(found) if this(&found.credential) => {
                *known = Known::Ended(Arc::clone(found));
                true
            }
            Known::Final(found) => !this(&found.credential),
            Known::Found(_) | Known::Ended(_) => true,
            Known::Nothing | Known::None(_) => false,
        }
    }

    /// Where the newest credential came from; `None` before one was needed. Asks nobody.
    pub(in crate::store) fn origin(&self) -> Option<String> {
        let origin = self.origin.lock().unwrap_or_else(PoisonError::into_inner);
        origin.clone()
    }
}
