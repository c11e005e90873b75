//! Who works on which file: the locks of Git LFS, kept in the bucket.
//!
//! Comes in: a path and who asks. Goes out: the lock, or whose it is. All locks of a
//! repository stand in one small file that changes by compare-and-swap, as the manifest does,
//! so that of two who lock one path one gets it and the other is told so. A lock asks people
//! to keep off; who may write the bucket can take it away (`docs/design/0009-lfs-locks.md`).

mod list;

pub use list::{Lock, LockList, MAX_LOCKS, check_path};

use super::swapped::{Step, Swapper};
use crate::error::Result;
use serde_json::Map;

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
pub struct Locks<'a>(pub Swapper<'a>);

impl Locks<'_> {
    /// All locks; `None` if there never was one. One GET.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Corrupt`] if their file is broken; those of the store.
    pub async fn read(&self) -> Result<Option<LockList>> {
        Ok(self.0.read().await?.map(|(list, _)| list))
    }

    /// Locks a path. `leased` tells how the file is to be written if it is not there yet.
    ///
    /// Costs one GET and one PUT; both again each time that another writer was faster.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] if it is no path, or there are too many locks;
    /// [`crate::ErrorKind::InDoubt`] if no answer came and the file cannot be read back;
    /// those of the store.
    pub async fn lock(&self, path: &str, who: &str, time: i64, leased: bool) -> Result<Locked> {
        check_path(path)?;
        let ours = Lock {
            id: self.0.ids.hex()?,
            path: path.to_owned(),
            owner: who.to_owned(),
            time,
            unknown: Map::new(),
        };
        let taken = |list: &mut LockList| {
            Ok(match list.add(&ours) {
                None => Step::Write(Locked::Taken(ours.clone())),
                // An earlier write of ours, of which no answer came.
                Some(lock) if lock.id == ours.id => Step::Done(Locked::Taken(lock)),
                Some(lock) => Step::Done(Locked::Held(lock)),
            })
        };
        self.0.change(leased, taken).await
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
        let freed = |list: &mut LockList| {
            Ok(match list.get(id).cloned() {
                Some(lock) if !force && !lock.is_of(who) => Step::Done(Unlocked::Theirs(lock)),
                Some(lock) => {
                    list.remove(id);
                    sent = Some(lock.clone());
                    Step::Write(Unlocked::Freed(lock))
                }
                // It was there before: our own write took it, or somebody who wanted the same.
                None => Step::Done(sent.take().map_or(Unlocked::Absent, Unlocked::Freed)),
            })
        };
        self.0.change(false, freed).await
    }
}
