//! How an LFS object leaves a bucket, although somebody may be about to rely on it.
//!
//! The key of an object is used again, and who pushes sends nothing that is there already.
//! So an object is first put on a list beside the objects, and stays on it for [`HOLD`]; who
//! uploads reads the list before it looks what is there, and strikes off what it needs
//! ([`Watch`]). Only what is still on the list then is marked as going, looked for once more
//! in the histories, deleted, and struck off. Every change of the list is a
//! compare-and-swap, so one of the two always sees the other
//! (`docs/design/0011-lfs-gc.md`).

mod delete;
mod list;
mod watch;

pub use list::{CondemnedList, Going, Group, MAX_CONDEMNED};
pub use watch::Watch;

use super::lfs::Oid;
use super::swapped::{Step, Swapper};
use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeSet;

/// How long an object stays on the list before it may go, in seconds: a day. A push that
/// began before it was put there has to be through by then.
pub const HOLD: i64 = 86_400;

/// After this time a run that marked objects as going and did not end counts as dead, in
/// seconds: an hour.
pub const DEAD: i64 = 3_600;

/// Reads and changes the list at one place.
#[derive(Debug)]
pub struct Condemned<'a> {
    /// What reads and changes the file.
    pub swapper: Swapper<'a>,
    /// Whether it is to be written under a lease, if it is not there yet.
    pub leased: bool,
}

impl Condemned<'_> {
    /// The list; `None` if nothing was ever condemned here. One GET.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the file is broken; those of the store.
    pub async fn read(&self) -> Result<Option<CondemnedList>> {
        Ok(self.swapper.read().await?.map(|(list, _)| list))
    }

    /// Puts objects on the list and strikes others off, in one step. A mark of a dead run
    /// is taken off: what it was deleting is condemned as before. One GET and one PUT, or
    /// only the GET if nothing changes.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn condemn(&self, new: &[Group], struck: &BTreeSet<Oid>, now: i64) -> Result<()> {
        let step = |list: &mut CondemnedList| {
            let dead = list.going.as_ref().is_some_and(|going| going.is_dead(now));
            if dead {
                list.put_back();
            }
            let mut changed = list.strike(struck) || dead;
            for group in new {
                changed |= list.add(group.clone());
            }
            Ok(if changed {
                Step::Write(())
            } else {
                Step::Done(())
            })
        };
        self.swapper.change(self.leased, step).await
    }

    /// Strikes an object off, with what was condemned together with it. Answers the list as
    /// it is then: the object may still be on it, as going. One GET and one PUT, or only the
    /// GET if it is not on the list.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn spare(&self, oid: &Oid) -> Result<CondemnedList> {
        let step = |list: &mut CondemnedList| {
            let spared = list.spare(oid);
            let now = list.clone();
            Ok(if spared {
                Step::Write(now)
            } else {
                Step::Done(now)
            })
        };
        self.swapper.change(self.leased, step).await
    }

    /// Marks objects as going, under a fresh id: those that have been on the list for
    /// [`HOLD`], or with `at_once` all. Answers which those are. One GET and one PUT.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Stale`] if another run is deleting. Those of the store.
    pub async fn mark(
        &self,
        id: &str,
        oids: &BTreeSet<Oid>,
        now: i64,
        at_once: bool,
    ) -> Result<BTreeSet<Oid>> {
        let step = |list: &mut CondemnedList| {
            if let Some(going) = &list.going {
                if going.id == id {
                    // An earlier write of ours, of which no answer came.
                    return Ok(Step::Done(going.oids().cloned().collect()));
                }
                if !going.is_dead(now) {
                    return Err(busy());
                }
                list.put_back();
            }
            let may = |oid: &&Oid| {
                let since = list.since(oid);
                at_once || since.is_some_and(|since| now.saturating_sub(since) >= HOLD)
            };
            let marked: BTreeSet<Oid> = oids.iter().filter(may).cloned().collect();
            let mut groups = list.take(&marked);
            let known: BTreeSet<&Oid> = groups.iter().flat_map(|group| &group.oids).collect();
            let new = marked.iter().filter(|oid| !known.contains(oid)).cloned();
            let new: BTreeSet<Oid> = new.collect();
            if !new.is_empty() {
                groups.push(Group {
                    since: now,
                    oids: new,
                });
            }
            if marked.is_empty() {
                return Ok(Step::Done(marked));
            }
            list.going = Some(Going {
                id: id.to_owned(),
                since: now,
                groups,
            });
            Ok(Step::Write(marked))
        };
        self.swapper.change(self.leased, step).await
    }

    /// Takes the mark of this id off: what it was on is gone, or with `back` stays and is
    /// condemned as before. One GET and one PUT.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn unmark(&self, id: &str, back: bool) -> Result<()> {
        let step = |list: &mut CondemnedList| {
            if list.going.as_ref().is_none_or(|going| going.id != id) {
                return Ok(Step::Done(()));
            }
            if back {
                list.put_back();
            }
            list.going = None;
            Ok(Step::Write(()))
        };
        self.swapper.change(self.leased, step).await
    }
}

fn busy() -> Error {
    let what = "another `git pail lfs gc` is deleting objects here";
    Error::new(ErrorKind::Stale, what).with_hint(
        "run it again when that has ended; one that died is taken for dead after an hour",
    )
}
