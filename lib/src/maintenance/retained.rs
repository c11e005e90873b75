//! What must stay: what the refs name, and what they named within the retention time.

use crate::error::Result;
use crate::local::Repository;
use crate::oid::ObjectId;
use crate::transaction::{OlderLog, Snapshot, read_moves};
use crate::transfer::Context;
use std::collections::BTreeSet;

/// The ids that refs name now.
pub(super) fn tips(at: &Snapshot) -> BTreeSet<ObjectId> {
    at.refs.iter().map(|(_, value)| value.oid).collect()
}

/// The ids that refs had within the retention time, for `git pail restore`. Some may have
/// left the bucket already, if the retention time was shorter once.
///
/// Costs one GET for each part of the log that reaches into that time, and for those that are
/// read at the same time, but for those in the cache.
pub(super) async fn former(context: &Context, at: &Snapshot) -> Result<BTreeSet<ObjectId>> {
    let (store, cache) = (&*context.store, &context.cache);
    let since = context.clock.now().saturating_sub(at.manifest.retention()?);
    let mut entries = at.manifest.log.entries.clone();
    let mut ids = BTreeSet::new();
    let mut older = OlderLog::new(store, cache, at);
    let mut inline = true;
    loop {
        // Clocks differ: a part is old if all of it is. What is as old as the retention
        // time is old, as it is for the files that are deleted.
        let young: Vec<_> = entries.iter().filter(|entry| entry.time > since).collect();
        if !inline && young.is_empty() {
            break;
        }
        for entry in young {
            let moves = read_moves(store, cache, entry).await?;
            ids.extend(moves.iter().flat_map(|one| [one.old, one.new]).flatten());
        }
        match older.next().await? {
            Some(next) => entries = next,
            None => break,
        }
        inline = false;
    }
    Ok(ids)
}

/// All that must stay and is there whole: what refs name, and of what they named before
/// whatever has not gone already.
pub(super) async fn whole(
    source: &Repository,
    former: BTreeSet<ObjectId>,
    tips: BTreeSet<ObjectId>,
) -> Result<BTreeSet<ObjectId>> {
    let former = source.present(former).await?;
    let all: BTreeSet<ObjectId> = tips.union(&former).copied().collect();
    if source.is_whole(&all).await? {
        return Ok(all);
    }
    let mut needed = tips;
    for one in former {
        if source.is_whole(&BTreeSet::from([one])).await? {
            needed.insert(one);
        }
    }
    Ok(needed)
}
