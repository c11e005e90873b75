//! What a repository takes in its bucket, how it grew, and what that costs.

mod growth;
mod kinds;
mod prices;
mod scale;

pub use growth::{Day, Growth};
pub use kinds::{Kind, Tally};
pub use prices::{ALL as PRICES, Cost, Prices, Requests};
pub use scale::Level;

use super::{aside, levels, sweep};
use crate::error::Result;
use crate::format::keys;
use crate::format::manifest::{LogEntry, PackEntry};
use crate::store::{Listed, Unfinished};
use crate::transaction::{OlderLog, Snapshot};
use crate::transfer::Context;
use futures_util::TryStreamExt;
use std::collections::BTreeMap;

/// A month, in seconds: thirty days.
const MONTH: i64 = 30 * 86_400;

/// What a repository takes, and how it came to that.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Files and bytes of each kind; kinds of which there is nothing are left out.
    pub kinds: BTreeMap<Kind, Tally>,
    /// The packs by size, smallest first.
    pub levels: Vec<Level>,
    /// How it grew.
    pub growth: Growth,
    /// Requests that the commits of the last thirty days took.
    pub requests: Requests,
    /// Requests that a clone takes now.
    pub clone_requests: Requests,
    /// Bytes that a clone downloads now.
    pub clone_bytes: u64,
}

impl Stats {
    /// Everything that lies under the prefix.
    pub fn total(&self) -> Tally {
        self.kinds.values().copied().sum()
    }
}

/// Counts what lies in the bucket; `since` is where the growth is to begin, in seconds since
/// 1970.
///
/// Costs one LIST for each thousand files, one for the uploads that were not ended, and one
/// GET for each older part of the log, and for the list of packs that lies aside, that is not
/// in the cache.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if a part of the log is gone or wrong; those of the store.
pub async fn stats(context: &Context, at: &Snapshot, since: i64) -> Result<Stats> {
    let store = &*context.store;
    let now = context.clock.now();
    let listed: Vec<Listed> = store.list("", None).try_collect().await?;
    let unfinished: Vec<Unfinished> = store.unfinished("").try_collect().await?;
    let entries = history(context, at).await?;
    let mut named = sweep::named(&at.manifest)?;
    let listed_aside = aside::listed(context, at).await?;
    named.extend(sweep::of_packs(&listed_aside)?);
    for file in entries.iter().filter_map(|entry| entry.moves_file.as_ref()) {
        named.insert(keys::moves(&file.id)?);
    }
    let clone: Vec<PackEntry> = levels::of_a_clone(&at.manifest.packs)
        .into_iter()
        .cloned()
        .collect();
    let packs = [&at.manifest.packs[..], &listed_aside].concat();
    let clone_bytes = clone.iter().map(|pack| pack.size).sum();
    Ok(Stats {
        kinds: kinds::count(&at.manifest, &clone, &named, &listed, &unfinished),
        levels: scale::levels(&packs, &clone),
        growth: growth::growth(&entries, &clone, since, now),
        requests: Requests::of_commits(&entries, now.saturating_sub(MONTH)),
        clone_requests: Requests::of_a_clone(&clone),
        clone_bytes,
    })
}

/// The whole log, oldest entry first.
async fn history(context: &Context, at: &Snapshot) -> Result<Vec<LogEntry>> {
    let mut parts = vec![at.manifest.log.entries.clone()];
    let mut older = OlderLog::new(&*context.store, &context.cache, at);
    while let Some(entries) = older.next().await? {
        parts.push(entries);
    }
    parts.reverse();
    Ok(parts.concat())
}
