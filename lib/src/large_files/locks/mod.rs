//! Who works on which file: the locks of Git LFS, kept in the bucket.
//!
//! Comes in: a path and who asks. Goes out: the lock, or whose it is. All locks of a
//! repository stand in one small file that changes by compare-and-swap, as the manifest does,
//! so that of two who lock one path one gets it and the other is told so. A lock asks people
//! to keep off; who may write the bucket can take it away (`docs/design/0009-locks.md`).

mod list;

pub use list::{Lock, LockList, MAX_LOCKS, check_path};

use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::ids::Ids;
use crate::store::{Got, Precondition, Put, Store, Version, Want};
use crate::transaction::lease;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::Map;
use std::time::Duration;

/// How often a change that others overtook, or that was not answered, is tried again.
const MAX_ATTEMPTS: u32 = 100;

/// Longest wait between two attempts.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// What became of a wish to lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locked {
    /// It is ours now.
    Taken(Lock),
    /// The path is locked already, by this one.
    Held(Lock),
}

/// What became of a wish to unlock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlocked {
    /// It is free now.
    Freed(Lock),
    /// It is somebody else's, and force was not asked for.
    Theirs(Lock),
    /// There is no lock of this id.
    Absent,
}

/// Reads and changes the locks of one repository.
#[derive(Debug)]
pub struct Locks<'a> {
    /// The bucket.
    pub store: &'a dyn Store,
    /// Where ids and jitter come from.
    pub ids: &'a dyn Ids,
    /// Whether the user consents to the lease, where the bucket cannot compare and swap.
    pub lease: bool,
}

impl Locks<'_> {
    /// All locks; `None` if there never was one. One GET.
    ///
    /// # Errors
    ///
    /// Those of [`LockList::decode`] and of the store.
    pub async fn read(&self) -> Result<Option<LockList>> {
        Ok(self.load().await?.map(|(list, _)| list))
    }

    /// Locks a path. `leased` tells how the file is to be written if it is not there yet.
    ///
    /// Costs one GET and one PUT; both again each time that another writer was faster.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if it is no path, or there are too many locks;
    /// [`ErrorKind::InDoubt`] if no answer came and the file cannot be read back; those of
    /// the store.
    pub async fn lock(&self, path: &str, who: &str, time: i64, leased: bool) -> Result<Locked> {
        check_path(path)?;
        let ours = Lock {
            id: self.ids.hex()?,
            path: path.to_owned(),
            owner: who.to_owned(),
            time,
            unknown: Map::new(),
        };
        let taken = |list: &mut LockList| match list.add(&ours) {
            None => Step::Write(Locked::Taken(ours.clone())),
            // An earlier write of ours, of which no answer came.
            Some(lock) if lock.id == ours.id => Step::Done(Locked::Taken(lock)),
            Some(lock) => Step::Done(Locked::Held(lock)),
        };
        self.change(leased, taken).await
    }

    /// Frees what has this id; somebody else's only by force.
    ///
    /// Costs as [`Locks::lock`].
    ///
    /// # Errors
    ///
    /// As [`Locks::lock`].
    pub async fn unlock(&self, id: &str, who: &str, force: bool) -> Result<Unlocked> {
        let mut sent = None;
        let freed = |list: &mut LockList| match list.get(id).cloned() {
            Some(lock) if !force && !lock.is_of(who) => Step::Done(Unlocked::Theirs(lock)),
            Some(lock) => {
                list.remove(id);
                sent = Some(lock.clone());
                Step::Write(Unlocked::Freed(lock))
            }
            // It was there before: our own write took it, or somebody who wanted the same.
            None => Step::Done(sent.take().map_or(Unlocked::Absent, Unlocked::Freed)),
        };
        self.change(false, freed).await
    }

    /// Lays a step over the newest list until it holds.
    async fn change<T>(
        &self,
        leased: bool,
        mut step: impl FnMut(&mut LockList) -> Step<T>,
    ) -> Result<T> {
        let mut wait = Duration::from_millis(20);
        let mut doubt: Option<Error> = None;
        for _ in 0..MAX_ATTEMPTS {
            let (mut list, version) = match self.load().await {
                Ok(Some((list, version))) => (list, Some(version)),
                Ok(None) => (LockList::new(leased), None),
                Err(error) => return Err(settle(error, doubt)),
            };
            let done = match step(&mut list) {
                Step::Done(done) => return Ok(done),
                Step::Write(done) => done,
            };
            list.write_id = self.ids.hex()?;
            // commit point: before this PUT lands everyone sees the old locks, after it the
            // new ones. One that is still on its way is conditional on what was read here, so
            // at most one of ours lands.
            match self.put(&list, version.as_ref()).await {
                Ok(Put::Written(_)) => return Ok(done),
                Ok(Put::Lost) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::InDoubt | ErrorKind::Unavailable) =>
                {
                    wait = wait.max(error.pause().unwrap_or_default()).min(MAX_WAIT);
                    doubt = Some(error);
                }
                Err(error) => return Err(settle(error, doubt)),
            }
            let bound = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            tokio::time::sleep(Duration::from_millis(self.ids.below(bound + 1)?)).await;
            wait = (wait * 2).min(MAX_WAIT);
        }
        let what = "cannot change the locks: other writers were faster every time";
        Err(settle(Error::new(ErrorKind::Unavailable, what), doubt))
    }

    async fn put(&self, list: &LockList, version: Option<&Version>) -> Result<Put> {
        let when = version.map_or(Precondition::Absent, Precondition::Unchanged);
        let (key, body) = (keys::locks()?, Bytes::from(list.encode()?));
        if list.leased {
            lease::consented(self.lease)?;
            return lease::put(self.store, self.ids, &key, body, when).await;
        }
        self.store.put(&key, body, when).await
    }

    async fn load(&self) -> Result<Option<(LockList, Version)>> {
        let Got::Found(mut body) = self.store.get(&keys::locks()?, Want::all()).await? else {
            return Ok(None);
        };
        let size = body.info.size;
        if size > list::MAX_BYTES {
            let message = format!("cannot read the locks: the file has {size} bytes");
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = body.bytes.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() as u64 > size {
                break;
            }
        }
        if bytes.len() as u64 != size {
            let message = format!(
                "cannot read the locks: {} of {size} bytes came",
                bytes.len()
            );
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        Ok(Some((LockList::decode(&bytes)?, body.info.version)))
    }
}

/// What one attempt comes to.
enum Step<T> {
    /// The list says so already.
    Done(T),
    /// The list was changed; this holds once it is in the bucket.
    Write(T),
}

/// An error after a write that may have landed says so.
fn settle(error: Error, doubt: Option<Error>) -> Error {
    match doubt {
        Some(doubt) if doubt.kind() == ErrorKind::InDoubt => {
            let message = format!("cannot tell whether the locks were changed: {error}");
            Error::new(ErrorKind::InDoubt, message)
                .with_source(error)
                .with_hint("`git pail locks` shows how they are once the store answers")
        }
        _ => error,
    }
}
