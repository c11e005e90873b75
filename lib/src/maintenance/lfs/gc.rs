//! LFS objects that nothing names any more.

use super::names::Names;
use super::stored::{Stored, stored};
use crate::error::{Error, ErrorKind, Result};
use crate::large_files::lfs::Oid;
use crate::maintenance::Bench;
use crate::store::delete_all;
use crate::transfer::Context;
use std::collections::BTreeMap;

/// Younger objects are left alone in any case, in seconds: a day. A push uploads its objects
/// before it names them.
const MIN_GRACE: i64 = 86_400;

/// What may go, and what stays.
#[derive(Debug)]
pub struct GcPlan {
    /// Objects that go, with their bytes.
    pub garbage: BTreeMap<Oid, u64>,
    /// Objects that a history names.
    pub needed: u64,
    /// Objects that none names and that are too young to go.
    pub young: u64,
    /// How old an object must be to go, in seconds.
    pub grace: i64,
    /// The histories, as they were read.
    names: Vec<Names>,
}

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl GcPlan {
    /// The bytes that go.
    pub fn bytes(&self) -> u64 {
        self.garbage.values().sum()
    }
}

/// Finds the objects that no ref of `repositories` names, nor named within the retention time
/// of its repository, and that are older than `grace`, the longest retention time, and a day.
///
/// Changes nothing. Costs a listing and what a clone of each repository costs.
///
/// # Errors
///
/// [`ErrorKind::Missing`] if one of the repositories is not there: what it needs cannot be
/// told. Those of [`Names::read`] and of the store.
pub async fn plan_gc(
    objects: &Context,
    repositories: &[Context],
    bench: &Bench,
    grace: Option<i64>,
) -> Result<GcPlan> {
    // Before the histories: what is uploaded from now on is not on the list.
    let there = stored(&*objects.store).await?;
    let mut names = Vec::new();
    for repository in repositories {
        let read = Names::read(repository, bench).await?;
        names.push(read.ok_or_else(|| absent(repository))?);
    }
    let mut least = grace.unwrap_or(0).max(MIN_GRACE);
    for one in &names {
        least = least.max(one.at.manifest.retention()?);
    }
    let before = objects.clock.now().saturating_sub(least);
    let mut plan = GcPlan {
        garbage: BTreeMap::new(),
        needed: 0,
        young: 0,
        grace: least,
        names,
    };
    plan.sort(&there, before);
    Ok(plan)
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
    fn sort(&mut self, there: &Stored, before: i64) {
        for (oid, found) in &there.objects {
            if self
                .names
                .iter()
                .any(|names| names.objects.contains_key(oid))
            {
                self.needed += 1;
            } else if found.modified > before {
                self.young += 1;
            } else {
                self.garbage.insert(oid.clone(), found.size);
            }
        }
    }

    /// Looks through what was pushed since; what it names stays. Answers what was to go.
    async fn refresh(&mut self, repositories: &[Context]) -> Result<Vec<Oid>> {
        let mut named = Vec::new();
        for (names, context) in self.names.iter_mut().zip(repositories) {
            if names.refresh(context).await? {
                let back = self.garbage.keys();
                named.extend(back.filter(|oid| names.objects.contains_key(*oid)).cloned());
            }
        }
        Ok(named)
    }
}

/// Deletes what the plan says, but for what was named meanwhile.
///
/// Costs one GET for each repository before and after, and one DELETE for as many
/// objects as the store deletes at once.
///
/// A push that found an object there, before it was deleted, and names it after that, names
/// what is gone. If it was committed by the end of this run it is found out.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] naming the objects that a push has come to need while they were
/// deleted; [`ErrorKind::Stale`] if a repository was packed anew since the plan was made.
/// Those of the store; what was deleted before is gone.
pub async fn sweep(objects: &Context, repositories: &[Context], mut plan: GcPlan) -> Result<Swept> {
    for oid in plan.refresh(repositories).await? {
        plan.garbage.remove(&oid);
    }
    let keys = plan
        .garbage
        .keys()
        .map(Oid::key)
        .collect::<Result<Vec<_>>>()?;
    delete_all(&*objects.store, &keys).await?;
    let late = plan.refresh(repositories).await;
    let late = match late {
        Ok(late) => late,
        // What was packed anew cannot be compared; nothing says that it needs them.
        Err(error) if error.kind() == ErrorKind::Stale => Vec::new(),
        Err(error) => return Err(error.context("the objects were deleted, but")),
    };
    if late.is_empty() {
        return Ok(Swept {
            objects: plan.garbage.len() as u64,
            bytes: plan.bytes(),
        });
    }
    let all: Vec<String> = late.iter().map(ToString::to_string).collect();
    let message = format!(
        "a push came to need what was being deleted: {}",
        all.join(", ")
    );
    Err(Error::new(ErrorKind::Corrupt, message)
        .with_hint("who pushed has these objects: `git lfs push --all` there brings them back"))
}
