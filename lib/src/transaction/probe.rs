//! Does this bucket keep its promises? Tried once before a repository's first write, and
//! again, harder, by `git pail doctor --probe`.
//!
//! Real services answer 200 and ignore the condition, or look first and write then; two
//! pushers would overwrite each other in silence. So several writers try at the same moment,
//! and what they are told is compared with what is there afterwards.

use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::ids::Ids;
use crate::key::Key;
use crate::store::{Body, ConditionalPut, Got, Precondition, Put, Store, Version, Want};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt};
use std::time::Duration;

/// How often a round that got no clear answer is made again.
const MAX_TRIES: u32 = 5;

/// How long those wait who were all told to come later.
const PAUSE: Duration = Duration::from_millis(1200);

/// What a bucket must promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// Of those who make a file at once, one is told that it did.
    Create,
    /// Of those who replace the same version of a file at once, one is told that it did.
    Swap,
    /// A file that was written is read as it was written.
    Read,
    /// A file that was written is listed.
    List,
    /// A file that was deleted is gone.
    Delete,
}

impl Promise {
    /// Each of them, in the order in which they are tried.
    pub const ALL: [Self; 5] = [
        Self::Create,
        Self::Swap,
        Self::Read,
        Self::List,
        Self::Delete,
    ];

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create if absent",
            Self::Swap => "compare and swap",
            Self::Read => "read after write",
            Self::List => "list after write",
            Self::Delete => "delete",
        }
    }
}

/// How hard to try.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Writers of one file at once.
    racers: usize,
    /// Files.
    rounds: usize,
    /// Whether a deleted file is looked for.
    looks_again: bool,
}

impl Effort {
    /// Before the first write: seven requests, four of them one after another. A third writer
    /// would wait: SeaweedFS looks for its lock once a second then.
    pub const ONCE: Self = Self {
        racers: 2,
        rounds: 1,
        looks_again: false,
    };

    /// On demand: some twenty requests in each of three rounds.
    pub const THOROUGH: Self = Self {
        racers: 8,
        rounds: 3,
        looks_again: true,
    };
}

/// A promise that was broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub promise: Promise,
    /// What was seen.
    pub why: String,
}

/// How a repository in this bucket must be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// By compare-and-swap: what was acknowledged is never lost.
    Swap,
    /// Under a lease, with the weaker promise of [`super::lease`].
    Lease,
}

/// Tries a bucket before its first write. Nothing if the adapter needs no probe.
///
/// Costs seven requests in four round trips; half as many where the service says itself that
/// it has no conditions.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if a promise is broken without which nothing can be written
/// safely: any of them without consent to a lease, with it reading or listing what was
/// written. Those of the store.
pub async fn probe(store: &dyn Store, ids: &dyn Ids, consent: bool) -> Result<Writes> {
    let declared = store.capabilities();
    if declared.conditional_put == ConditionalPut::Version && !declared.probe {
        return Ok(Writes::Swap);
    }
    let broken = examine(store, ids, Effort::ONCE).await?;
    let first = |promises: &[Promise]| broken.iter().find(|one| promises.contains(&one.promise));
    if let Some(one) = first(&[Promise::Read, Promise::List]) {
        return Err(refuse(store, one, false));
    }
    match first(&[Promise::Create, Promise::Swap]) {
        None => Ok(Writes::Swap),
        Some(_) if consent => Ok(Writes::Lease),
        Some(one) => Err(refuse(store, one, true)),
    }
}

/// Tries each promise, and gives those that were broken.
///
/// # Errors
///
/// Those of the store, [`ErrorKind::Unavailable`] among them if it gives no clear answer.
pub async fn examine(store: &dyn Store, ids: &dyn Ids, effort: Effort) -> Result<Vec<Broken>> {
    let mut broken: Vec<Broken> = Vec::new();
    for _ in 0..effort.rounds {
        for one in round(store, ids, effort).await? {
            if !broken.iter().any(|known| known.promise == one.promise) {
                broken.push(one);
            }
        }
    }
    broken.sort_by_key(|one| one.promise);
    Ok(broken)
}

/// One file, from its making to its end.
async fn round(store: &dyn Store, ids: &dyn Ids, effort: Effort) -> Result<Vec<Broken>> {
    let mut tries = 1;
    loop {
        // Each try has a key of its own: what an unclear one left there tells nothing.
        let key = keys::probe(&ids.hex()?)?;
        let mut round = Round {
            store,
            key: &key,
            racers: effort.racers,
            broken: Vec::new(),
        };
        let tried = round.written().await;
        let removed = round.removed(effort.looks_again).await;
        match tried.and(removed) {
            Ok(()) => return Ok(round.broken),
            Err(error) if unclear(&error) && tries < MAX_TRIES => {
                let wait = ids.below(100 << tries)?;
                tokio::time::sleep(Duration::from_millis(wait)).await;
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

struct Round<'a> {
    store: &'a dyn Store,
    key: &'a Key,
    racers: usize,
    broken: Vec<Broken>,
}

/// What those who wrote at once were told.
struct Told {
    /// Who was told that it wrote: its body, and the version.
    winners: Vec<(Bytes, Version)>,
    /// Whether the service does not know the condition.
    unknown: bool,
    /// The first answer that was none.
    unclear: Option<Error>,
}

impl Round<'_> {
    /// Makes the file, replaces it, reads and lists it.
    async fn written(&mut self) -> Result<()> {
        let conditional = self.store.capabilities().conditional_put == ConditionalPut::Version;
        let there = if conditional {
            self.raced().await?
        } else {
            let none = "the service has no conditional writes";
            self.broke(Promise::Create, none);
            self.broke(Promise::Swap, none);
            Vec::new()
        };
        let there = if there.is_empty() {
            let body = Bytes::from_static(b"plain");
            let put = self.store.put(self.key, body.clone(), Precondition::Always);
            let _ = put.await?;
            vec![body]
        } else {
            there
        };
        let (read, listed) = tokio::join!(self.read(), self.listed());
        if !read?.is_some_and(|body| there.contains(&body)) {
            self.broke(Promise::Read, "what was written is not what is read");
        }
        if !listed? {
            self.broke(Promise::List, "what was written is not listed");
        }
        Ok(())
    }

    /// Has many make the file at once, and then many replace it at once. Gives the bodies
    /// of which one must be there now; none if nobody wrote.
    async fn raced(&mut self) -> Result<Vec<Bytes>> {
        let made = self.race("made", Precondition::Absent).await?;
        let told = self.judge(
            Promise::Create,
            &made,
            "it takes a new file for an existing one (If-None-Match)",
            "it overwrites an existing file when told to write only a new one (If-None-Match)",
            "two who make the same file at once are both told that they made it",
        );
        told?;
        let Some((body, mut version)) = made.winners.first().cloned() else {
            self.broke(Promise::Swap, "it was not tried: no file could be made");
            return Ok(Vec::new());
        };
        if made.winners.len() > 1 {
            // Any of them may have come last.
            match self.store.head(self.key).await? {
                Some(info) => version = info.version,
                None => return Ok(vec![body]),
            }
        }
        let unchanged = Precondition::Unchanged(&version);
        let mut swapped = self.race("swapped", unchanged).await?;
        for _ in 1..MAX_TRIES {
            if swapped.unclear.is_none() || !swapped.winners.is_empty() {
                break;
            }
            // Google takes one write a second to a file; the version is still the same.
            tokio::time::sleep(PAUSE).await;
            swapped = self.race("swapped", unchanged).await?;
        }
        let told = self.judge(
            Promise::Swap,
            &swapped,
            "it refuses to overwrite a file whose version is the one that was named (If-Match)",
            "it overwrites a file whose version is not the one that was named (If-Match)",
            "two who replace the same version at once are both told that they did",
        );
        told?;
        let winners = if swapped.winners.is_empty() {
            made.winners
        } else {
            swapped.winners
        };
        Ok(winners.into_iter().map(|(body, _)| body).collect())
    }

    /// Writes the file as often as there are racers, at once.
    async fn race(&self, act: &str, when: Precondition<'_>) -> Result<Told> {
        let writers = (0..self.racers).map(|number| {
            let body = Bytes::from(format!("{act} by {number}"));
            async move { (body.clone(), self.store.put(self.key, body, when).await) }
        });
        let mut told = Told {
            winners: Vec::new(),
            unknown: false,
            unclear: None,
        };
        for (body, answer) in join_all(writers).await {
            match answer {
                Ok(Put::Written(version)) => told.winners.push((body, version)),
                Ok(Put::Lost) => {}
                // Services stumble when many write at once: Amazon says that nothing was
                // written, Ceph says nothing. Had it been written after all, reading tells.
                Err(error) if unclear(&error) => {
                    told.unclear.get_or_insert(error);
                }
                Err(error) if error.kind() == ErrorKind::Unsupported => told.unknown = true,
                Err(error) => return Err(error),
            }
        }
        Ok(told)
    }

    /// Takes note of a promise that what they were told breaks.
    fn judge(
        &mut self,
        promise: Promise,
        told: &Told,
        refuses: &str,
        ignores: &str,
        races: &str,
    ) -> Result<()> {
        match told.winners.len() {
            _ if told.unknown => self.broke(promise, "the service does not know the condition"),
            1 => {}
            0 => match &told.unclear {
                Some(error) => {
                    return Err(Error::new(error.kind(), error.to_string()));
                }
                None => self.broke(promise, refuses),
            },
            all if all == self.racers => self.broke(promise, ignores),
            _ => self.broke(promise, races),
        }
        Ok(())
    }

    async fn read(&self) -> Result<Option<Bytes>> {
        match self.store.get(self.key, Want::all()).await? {
            Got::Found(Body { bytes, .. }) => {
                let parts: Vec<Bytes> = bytes.take(64).try_collect().await?;
                Ok(Some(parts.concat().into()))
            }
            Got::Missing | Got::NotModified => Ok(None),
        }
    }

    async fn listed(&self) -> Result<bool> {
        let mut files = self.store.list(self.key.as_str(), None);
        while let Some(file) = files.next().await {
            if file?.key == self.key.as_str() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes the file. One that may not be deleted stays behind, with its few bytes.
    async fn removed(&mut self, looks_again: bool) -> Result<()> {
        match self.store.delete(self.key).await {
            Ok(()) if looks_again && (self.read().await?.is_some() || self.listed().await?) => {
                self.broke(Promise::Delete, "what was deleted is still there");
            }
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Denied => {
                self.broke(Promise::Delete, "it is not allowed");
            }
            Err(error) if unclear(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn broke(&mut self, promise: Promise, why: &str) {
        self.broken.push(Broken {
            promise,
            why: why.to_owned(),
        });
    }
}

fn refuse(store: &dyn Store, broken: &Broken, lease: bool) -> Error {
    let (name, why) = (broken.promise.name(), &broken.why);
    let message = format!(
        "cannot use {}: this store does not keep its promises ({name}): {why}",
        store.describe()
    );
    let hint = if lease {
        "two people pushing at once would lose commits; use a store that honours If-Match and \
         If-None-Match, or consent to a weaker promise with ?lease=true (docs/design/0006-lease.md)"
    } else {
        "nothing can be kept safely there; use another store"
    };
    Error::new(ErrorKind::Unsupported, message).with_hint(hint)
}

fn unclear(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InDoubt | ErrorKind::Unavailable)
}
