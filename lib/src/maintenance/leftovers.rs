//! Files that no manifest names: what dead writers left.

use super::merge::{Merged, commit};
use super::place::is_uploaded_here;
use super::{aside, sweep};
use crate::error::Result;
use crate::format::keys;
use crate::key::Key;
use crate::store::Unfinished;
use crate::transaction::{OlderLog, Rework, Snapshot};
use crate::transfer::Context;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::BTreeSet;

/// Younger files are left alone, in seconds: their writer is probably at work. If it sleeps
/// longer, it finds its files condemned at its own commit and makes them again.
const GRACE: i64 = 86_400;

/// At most so many are condemned in one commit: the list stands in the manifest.
const MAX_AT_ONCE: usize = 1000;

/// How often the commit is tried when others push meanwhile.
const MAX_TRIES: u32 = 20;

/// Keys of files that are old enough, before it is known which of them are named.
///
/// One LIST for each thousand files of five kinds.
pub(super) async fn old_files(context: &Context) -> Result<BTreeSet<Key>> {
    let before = context.clock.now().saturating_sub(GRACE);
    let mut found = BTreeSet::new();
    let folders = [
        keys::PACKS,
        keys::TABLES,
        keys::SEGMENTS,
        keys::ASIDES,
        keys::PROBES,
    ];
    for prefix in folders {
        let mut listing = context.store.list(prefix, None);
        while let Some(listed) = listing.next().await {
            let listed = listed?;
            if listed.modified <= before {
                found.extend(keys::perishable(&listed.key));
            }
        }
    }
    Ok(found)
}

/// Those of them that this state of the repository neither names nor has condemned. They
/// were listed before it was read: what was committed in between is named by it.
pub(super) async fn unnamed(
    context: &Context,
    at: &Snapshot,
    listed: &BTreeSet<Key>,
) -> Result<Vec<String>> {
    let mut named = sweep::named(&at.manifest)?;
    named.extend(sweep::of_packs(&aside::listed(context, at).await?)?);
    let mut older = OlderLog::new(&*context.store, &context.cache, at);
    while let Some(entries) = older.next().await? {
        for file in entries.iter().filter_map(|entry| entry.moves_file.as_ref()) {
            named.insert(keys::moves(&file.id)?);
        }
    }
    let condemned = at.manifest.condemned.iter();
    let condemned: BTreeSet<&str> = condemned.map(|gone| &*gone.key).collect();
    let left = listed.difference(&named).map(|key| key.as_str());
    let left = left.filter(|key| !condemned.contains(key));
    Ok(left.take(MAX_AT_ONCE).map(str::to_owned).collect())
}

/// Throws away uploads that were begun longer ago than they may stay, in seconds, and not
/// ended, or only counts them; answers how many. A writer that slept so long ends with an
/// error, and begins anew when its push is repeated.
///
/// One LIST for each thousand uploads, one request for each that goes.
pub(super) async fn unfinished(context: &Context, stays: i64, throw_away: bool) -> Result<usize> {
    let store = &*context.store;
    let before = context.clock.now().saturating_sub(stays);
    let all: Vec<Unfinished> = store.unfinished("").try_collect().await?;
    // One whose age the bucket does not tell may be under way.
    let old = |upload: &&Unfinished| (1..=before).contains(&upload.started);
    let ours = |upload: &&Unfinished| is_uploaded_here(&upload.key);
    let mut count = 0;
    for upload in all.iter().filter(ours).filter(old) {
        if throw_away {
            store.abandon(&upload.key, &upload.token).await?;
        }
        count += 1;
    }
    Ok(count)
}

/// Condemns them; answers how many. A later run deletes them.
pub(super) async fn condemn(context: &Context, who: &str) -> Result<usize> {
    let listed = old_files(context).await?;
    for _ in 0..MAX_TRIES {
        let at = Snapshot::read(&*context.store, &context.cache, None).await?;
        let Some(at) = at else { return Ok(0) };
        let leftovers = unnamed(context, &at, &listed).await?;
        if leftovers.is_empty() {
            return Ok(0);
        }
        let count = leftovers.len();
        let rework = Rework {
            // One that a push has named meanwhile must not be condemned.
            only: Some(at.manifest.write_id.clone()),
            leftovers,
            ..Rework::default()
        };
        if let Merged::Done(_) = commit(context, at, "gc", rework, who.to_owned()).await? {
            return Ok(count);
        }
    }
    // Others push all the time; it has no hurry.
    Ok(0)
}
