//! LFS objects are condemned, and those that were condemned before are deleted.

use super::gc::{GcPlan, condemned};
use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::large_files::lfs::Oid;
use crate::maintenance::{Finding, Severity};
use crate::store::Precondition;
use crate::transfer::Context;
use bytes::Bytes;
use futures_util::StreamExt;
use std::collections::BTreeSet;

/// How many objects are marked and deleted in one go: a push that needs one of them waits for
/// that.
const BATCH: usize = 1_000;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Objects that are gone.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that were condemned.
    pub condemned: u64,
}

/// Condemns what the plan says, and deletes what has been condemned for a day, but for what was
/// named or spared meanwhile. `leased` tells whether the list is written under a lease, if it
/// is not there yet.
///
/// Costs three requests for the bucket's clock, where it has one of its own; a GET and a PUT of
/// the list; for each thousand objects two more of both and a GET for each repository; one
/// DELETE for each object; and a GET for each repository at the end.
///
/// # Errors
///
/// [`ErrorKind::Stale`] if a repository was packed anew since the plan was made, or another
/// run is deleting. [`ErrorKind::Corrupt`] naming objects that a push has come to need while
/// they were deleted, which only one can that did not look at the list. Those of the store;
/// what was deleted before is gone.
pub async fn sweep(
    objects: &Context,
    repositories: &[Context],
    mut plan: GcPlan,
    leased: bool,
) -> Result<Swept> {
    let list = condemned(objects, leased);
    let (at, clock) = (time(objects).await?, &*objects.clock);
    let read = clock.now();
    let now = || at.saturating_add(clock.now().saturating_sub(read).max(0));
    plan.judge(at);
    let groups = plan.groups(at);
    let mut swept = Swept {
        condemned: plan.condemned.len() as u64,
        ..Swept::default()
    };
    if plan.dead || !groups.is_empty() || !plan.struck.is_empty() {
        list.condemn(&groups, &plan.struck, at).await?;
    }
    let garbage = std::mem::take(&mut plan.garbage);
    let all: Vec<&Oid> = garbage.keys().collect();
    let mut gone = BTreeSet::new();
    for batch in all.chunks(BATCH) {
        let batch: BTreeSet<Oid> = batch.iter().copied().cloned().collect();
        let at_once = plan.at_once;
        let needed = async || plan.refresh(repositories, &batch).await;
        gone.extend(list.delete(&batch, (now(), clock), at_once, needed).await?);
    }
    swept.objects = gone.len() as u64;
    let sizes = gone.iter().filter_map(|oid| garbage.get(oid));
    swept.bytes = sizes.map(|found| found.size).sum();
    if gone.is_empty() {
        return Ok(swept);
    }
    let late = match plan.refresh(repositories, &gone).await {
        Ok(late) => late,
        // What was packed anew cannot be compared; nothing says that it needs them.
        Err(error) if error.kind() == ErrorKind::Stale => BTreeSet::new(),
        Err(error) => return Err(error.context("the objects were deleted, but")),
    };
    if late.is_empty() {
        return Ok(swept);
    }
    let late: Vec<String> = late.iter().map(ToString::to_string).collect();
    let message = format!(
        "a push came to need what was being deleted: {}",
        late.join(", ")
    );
    Err(Error::new(ErrorKind::Corrupt, message)
        .with_hint("who pushed has these objects: `git lfs push --all` there brings them back"))
}

/// The time, by the bucket's clock if it has one of its own: that of a scratch file.
async fn time(context: &Context) -> Result<i64> {
    let store = &*context.store;
    if !store.capabilities().remote {
        return Ok(context.clock.now());
    }
    let key = keys::probe(&context.ids.hex()?)?;
    let body = Bytes::from_static(b"what time is it\n");
    let _ = store.put(&key, body, Precondition::Absent).await?;
    let listed = store.list(key.as_str(), None).next().await.transpose();
    store.delete(&key).await?;
    let modified = listed?.map(|listed| listed.modified);
    modified.ok_or_else(|| {
        let what = "cannot tell the time of the bucket: a file that was just written is not listed";
        Error::new(ErrorKind::Unavailable, what).with_hint("nothing was touched; run it again")
    })
}

/// What is wrong with the list of a place: it cannot be read, or a run died. One GET.
///
/// # Errors
///
/// Those of the store.
pub async fn look_at_condemned(objects: &Context) -> Result<Option<Finding>> {
    let list = match condemned(objects, false).read().await {
        Ok(list) => list,
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported) => {
            let reason = error.to_string();
            let finding = Finding::new(Severity::Error, "condemned-list", keys::CONDEMNED, reason);
            let hint = error.hint().unwrap_or_default().to_owned();
            return Ok(Some(finding.with_mend(hint)));
        }
        Err(error) => return Err(error),
    };
    let going = list.as_ref().and_then(|list| list.going.as_ref());
    let dead = going.filter(|going| going.is_dead(objects.clock.now()));
    Ok(dead.map(|going| {
        let count = going.oids().count();
        let reason = format!(
            "a `git pail lfs gc` died while it deleted {count} objects: pushes that need one of them are refused"
        );
        let finding = Finding::new(Severity::Warning, "dead-lfs-gc", keys::CONDEMNED, reason);
        finding.with_mend("`git pail lfs gc` finishes it")
    }))
}
