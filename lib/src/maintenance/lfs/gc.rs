//! Which LFS objects nothing names any more, and what is to become of them.

use super::names::Names;
use super::stored::{Stored, StoredObject, stored};
use crate::error::{Error, ErrorKind, Result};
use crate::large_files::Swapper;
use crate::large_files::condemned::{Condemned, CondemnedList, Group, HOLD, MAX_CONDEMNED};
use crate::large_files::lfs::Oid;
use crate::maintenance::Bench;
use crate::transfer::Context;
use std::collections::{BTreeMap, BTreeSet};

/// Younger objects are left alone in any case, in seconds: a day. A push uploads its objects
/// before it names them.
const MIN_GRACE: i64 = 86_400;

/// What is asked of gc.
#[derive(Debug, Clone, Copy, Default)]
pub struct GcRequest {
    /// How old an object has to be, in seconds, if that is more than it has to be anyway.
    pub grace: Option<i64>,
    /// Whether objects are deleted that were not condemned a day before.
    pub at_once: bool,
}

/// What goes, what may go later, and what stays.
#[derive(Debug)]
pub struct GcPlan {
    /// Objects that go: nothing names them, and they have been condemned for a day.
    pub garbage: BTreeMap<Oid, StoredObject>,
    /// Objects that are condemned now, and go by a run a day later.
    pub condemned: BTreeMap<Oid, StoredObject>,
    /// Objects that were condemned before, less than a day ago, or for which there is no room
    /// on the list.
    pub waiting: u64,
    /// Objects that a history names.
    pub needed: u64,
    /// Objects that none names and that are too young to go.
    pub young: u64,
    /// How old an object must be to go, in seconds.
    pub grace: i64,
    pub(super) at_once: bool,
    /// What is on the list and does not belong there.
    pub(super) struck: BTreeSet<Oid>,
    /// Whether a run marked objects as going, and died.
    pub(super) dead: bool,
    /// The histories, as they were read.
    names: Vec<Names>,
}

impl GcPlan {
    /// The bytes that go.
    pub fn bytes(&self) -> u64 {
        self.garbage.values().map(|object| object.size).sum()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.garbage.is_empty() && self.condemned.is_empty() && self.struck.is_empty() && !self.dead
    }
}

/// Finds the objects that no ref of `repositories` names, nor named within the retention time
/// of its repository, and that are older than the longest retention time, and a day; and tells
/// apart those that have been condemned for a day.
///
/// Changes nothing. Costs a listing, a GET, and what a clone of each repository costs.
///
/// # Errors
///
/// [`ErrorKind::Missing`] if one of the repositories is not there: what it needs cannot be
/// told. Those of [`Names::read`] and of the store.
pub async fn plan_gc(
    objects: &Context,
    repositories: &[Context],
    bench: &Bench,
    request: GcRequest,
) -> Result<GcPlan> {
    // Before the histories: what is uploaded from now on is not on the list.
    let there = stored(&*objects.store).await?;
    let list = condemned(objects, false).read().await?;
    let mut names = Vec::new();
    for repository in repositories {
        let read = Names::read(repository, bench).await?;
        names.push(read.ok_or_else(|| absent(repository))?);
    }
    let mut least = request.grace.unwrap_or(0).max(MIN_GRACE);
    for one in &names {
        least = least.max(one.at.manifest.retention()?);
    }
    let mut plan = GcPlan {
        garbage: BTreeMap::new(),
        condemned: BTreeMap::new(),
        waiting: 0,
        needed: 0,
        young: 0,
        grace: least,
        at_once: request.at_once,
        struck: BTreeSet::new(),
        dead: false,
        names,
    };
    plan.sort(&there, list.as_ref(), objects.clock.now());
    Ok(plan)
}

/// The list beside the objects.
pub(super) fn condemned(objects: &Context, leased: bool) -> Condemned<'_> {
    Condemned {
        swapper: Swapper {
            store: &*objects.store,
            ids: &*objects.ids,
            lease: objects.lease,
        },
        leased,
    }
}

fn absent(repository: &Context) -> Error {
    let place = repository.store.describe();
    let message =
        format!("cannot tell which objects are needed: there is no repository at {place}");
    Error::new(ErrorKind::Missing, message).with_hint(
        "objects of a history that lies elsewhere cannot be collected; nothing was touched",
    )
}

impl GcPlan {
    fn sort(&mut self, there: &Stored, list: Option<&CondemnedList>, now: i64) {
        // Of a run that died everything is condemned as before.
        let going = list.and_then(|list| list.going.as_ref());
        let dead = going.filter(|going| going.is_dead(now));
        let groups = list.map(|list| &list.groups).into_iter().flatten();
        let groups = groups.chain(dead.iter().flat_map(|going| &going.groups));
        let pairs = groups.flat_map(|group| group.oids.iter().map(|oid| (oid, group.since)));
        let since: BTreeMap<&Oid, i64> = pairs.collect();
        let alive = going.filter(|going| !going.is_dead(now));
        let alive: BTreeSet<&Oid> = alive.iter().flat_map(|going| going.oids()).collect();
        self.dead = dead.is_some();
        let mut room = MAX_CONDEMNED.saturating_sub(since.len());
        for (oid, found) in &there.objects {
            let mut stays = true;
            if self.names(oid) {
                self.needed += 1;
            } else if found.modified > now.saturating_sub(self.grace) {
                self.young += 1;
            } else {
                stays = false;
                let due = since
                    .get(oid)
                    .map(|since| now.saturating_sub(*since) >= HOLD);
                match due {
                    _ if alive.contains(oid) => self.waiting += 1,
                    Some(true) => drop(self.garbage.insert(oid.clone(), *found)),
                    _ if self.at_once => drop(self.garbage.insert(oid.clone(), *found)),
                    Some(false) => self.waiting += 1,
                    None if room == 0 => self.waiting += 1,
                    None => {
                        room -= 1;
                        self.condemned.insert(oid.clone(), *found);
                    }
                }
            }
            if stays && since.contains_key(oid) {
                self.struck.insert(oid.clone());
            }
        }
        let lost = since
            .keys()
            .filter(|oid| !there.objects.contains_key(**oid));
        self.struck.extend(lost.map(|oid| (*oid).clone()));
    }

    fn names(&self, oid: &Oid) -> bool {
        self.names.iter().any(|one| one.objects.contains_key(oid))
    }

    /// Takes out what is too young, or condemned for too short a time, by the bucket's clock.
    pub(super) fn judge(&mut self, now: i64) {
        let before = now.saturating_sub(self.grace);
        self.garbage.retain(|_, found| found.modified <= before);
        self.condemned.retain(|_, found| found.modified <= before);
    }

    /// The objects to condemn, in groups of those that came into the bucket on one day.
    pub(super) fn groups(&self, now: i64) -> Vec<Group> {
        let mut days: BTreeMap<i64, BTreeSet<Oid>> = BTreeMap::new();
        for (oid, found) in &self.condemned {
            let day = days.entry(found.modified.div_euclid(86_400)).or_default();
            day.insert(oid.clone());
        }
        let groups = days.into_values().map(|oids| Group { since: now, oids });
        groups.collect()
    }

    /// Looks through what was pushed since; answers what of these objects it names.
    pub(super) async fn refresh(
        &mut self,
        repositories: &[Context],
        oids: &BTreeSet<Oid>,
    ) -> Result<BTreeSet<Oid>> {
        for (names, context) in self.names.iter_mut().zip(repositories) {
            names.refresh(context).await?;
        }
        Ok(oids.iter().filter(|oid| self.names(oid)).cloned().collect())
    }
}
