//! Advice, not safety: a lease stands in where a store cannot compare and swap.
//!
//! What it cannot promise: a writer whose PUT of the manifest is held up, on its machine or
//! in the network, for longer than the lease lasts ([`DEAD`] less [`BOUND`]) can overwrite
//! the commit of another who took the lease for dead; that commit is then lost although it
//! was acknowledged. Everything else that Law 5 says holds, given a store that reads and
//! lists what was written (`docs/design/0006-lease.md`).
//!
//! A writer puts a claim, a file of its own under `pail/lease/`, and lists the claims. If it
//! sees no other it has the lease: of two writers at least the later one sees the other.
//! If it sees one that comes before its own in the order of their names, it takes its own
//! back and waits; otherwise it waits for the others to go. A claim that was watched for
//! [`DEAD`] without going away is of a writer that died. No clocks are compared.
//!
//! With the lease it looks whether the version is still the one that it read, writes, and
//! looks again: the `write_id` in the manifest sees to it that no two have the same version.

use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::ids::Ids;
use crate::key::Key;
use crate::store::{ConditionalPut, Precondition, Put, Store, Version};
use bytes::Bytes;
use futures_util::TryStreamExt;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long a claim is watched before it counts as one of a dead writer.
pub const DEAD: Duration = Duration::from_secs(60);

/// How long a writer may take from its claim to the end of its write; then it gives up.
pub const BOUND: Duration = Duration::from_secs(20);

/// How long a writer waits for others, dead ones included.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is said to who writes under a lease.
pub const WARNING: &str = "this store cannot compare and swap: a lease keeps writers apart, and a write that is \
     held up for a minute can undo the push of somebody else (docs/design/0006-lease.md)";

/// Refuses to go on without consent to this weaker promise.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if there is none.
pub fn consented(consent: bool) -> Result<()> {
    if consent {
        return Ok(());
    }
    let what = "cannot write: this store cannot compare and swap, and its repository is written under a lease";
    Err(Error::new(ErrorKind::Unsupported, what).with_hint(
        "consent to its weaker promise with ?lease=true or `git config pail.lease true` (docs/design/0006-lease.md)",
    ))
}

/// A conditional write of a store that has none.
///
/// Costs six requests: the claim and its removal, a listing, two looks at the file, and the
/// write itself. While others write: one listing each time that it looks again.
///
/// # Errors
///
/// [`ErrorKind::InDoubt`] if it may or may not have been written; the claim then stays, and
/// holds others up until they take it for dead. [`ErrorKind::Unavailable`] if others held the
/// lease all the time. Those of the store, with nothing written.
pub async fn put(
    store: &dyn Store,
    ids: &dyn Ids,
    key: &Key,
    body: Bytes,
    when: Precondition<'_>,
) -> Result<Put> {
    let claim = claim(store, ids).await?;
    let written = write(store, &claim, key, body, when).await;
    if !matches!(&written, Err(error) if error.kind() == ErrorKind::InDoubt) {
        claim.withdraw(store).await;
    }
    written
}

/// A claim that was put into the bucket.
struct Claim {
    key: Key,
    since: Instant,
}

impl Claim {
    async fn put(store: &dyn Store, ids: &dyn Ids) -> Result<Self> {
        let claim = Self {
            key: keys::lease(&ids.hex()?)?,
            // From before it can be seen: others count from after.
            since: Instant::now(),
        };
        let body = Bytes::from_static(b"a writer is at work\n");
        let _ = store.put(&claim.key, body, Precondition::Always).await?;
        Ok(claim)
    }

    /// What is left of its time.
    fn left(&self) -> Duration {
        BOUND.saturating_sub(self.since.elapsed())
    }

    /// Takes it back. Where that fails others wait until they take it for dead.
    async fn withdraw(self, store: &dyn Store) {
        let _ = store.delete(&self.key).await;
    }
}

/// Claims, until nobody else does.
async fn claim(store: &dyn Store, ids: &dyn Ids) -> Result<Claim> {
    let start = Instant::now();
    let mut wait = Duration::from_millis(100);
    // When each claim of somebody else was first seen.
    let mut watched: BTreeMap<String, Instant> = BTreeMap::new();
    let mut mine: Option<Claim> = None;
    while start.elapsed() < PATIENCE {
        let claim = match mine.take() {
            Some(claim) => claim,
            None => Claim::put(store, ids).await?,
        };
        let there = others(store, &claim).await;
        let there = match there {
            Ok(there) => there,
            Err(error) => {
                claim.withdraw(store).await;
                return Err(error);
            }
        };
        watched.retain(|key, _| there.contains(key));
        for key in &there {
            watched.entry(key.clone()).or_insert_with(Instant::now);
        }
        let alive: Vec<_> = there
            .iter()
            .filter(|key| watched.get(*key).is_none_or(|seen| seen.elapsed() < DEAD))
            .collect();
        if alive.is_empty() && claim.left() > BOUND / 2 {
            // Whoever put the dead ones never uses those names again.
            for dead in &there {
                let _ = store.delete(&Key::new(dead)?).await;
            }
            return Ok(claim);
        }
        let first = alive.iter().all(|key| claim.key.as_str() < key.as_str());
        if first && claim.left() > BOUND / 2 {
            mine = Some(claim);
        } else {
            claim.withdraw(store).await;
        }
        let bound = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        sleep(Duration::from_millis(bound / 2 + ids.below(bound)?)).await;
        wait = (wait * 2).min(Duration::from_secs(4));
    }
    if let Some(claim) = mine {
        claim.withdraw(store).await;
    }
    let what = "cannot commit: other writers held the lease all the time";
    Err(Error::new(ErrorKind::Unavailable, what).with_hint("nothing was changed; push again"))
}

/// The claims of others.
async fn others(store: &dyn Store, claim: &Claim) -> Result<Vec<String>> {
    let mut all: Vec<String> = store
        .list(keys::LEASES, None)
        .map_ok(|file| file.key)
        .try_collect()
        .await?;
    let before = all.len();
    all.retain(|key| key != claim.key.as_str());
    if all.len() == before {
        // Taken for dead by somebody, or never visible: either way it protects nobody.
        let what = "cannot commit: our claim to the lease is not listed";
        return Err(
            Error::new(ErrorKind::Unavailable, what).with_hint("nothing was changed; push again")
        );
    }
    Ok(all)
}

/// Looks, writes and looks again, under a claim.
async fn write(
    store: &dyn Store,
    claim: &Claim,
    key: &Key,
    body: Bytes,
    when: Precondition<'_>,
) -> Result<Put> {
    let late = || {
        let what = "cannot commit: the store took too long for the lease";
        Error::new(ErrorKind::Unavailable, what).with_hint("nothing was changed; push again")
    };
    let before = timeout(claim.left(), version(store, key)).await;
    let before = before.map_err(|_| late())??;
    let holds = match when {
        Precondition::Always => true,
        Precondition::Absent => before.is_none(),
        Precondition::Unchanged(expected) => before.as_ref() == Some(expected),
    };
    if !holds {
        return Ok(Put::Lost);
    }
    if claim.left() < BOUND / 4 {
        return Err(late());
    }
    let doubt = |why: &dyn std::fmt::Display| {
        let what = format!("it may have been written: {why}");
        Error::new(ErrorKind::InDoubt, what)
    };
    // A condition that the store may ignore does no harm where it is kept, and nobody below
    // us repeats a conditional write.
    let tried = timeout(claim.left(), once(store, key, body, when, before.as_ref())).await;
    let version_sent = match tried {
        Err(_) => return Err(doubt(&"the store took too long for the lease")),
        Ok(Err(error)) if error.kind() == ErrorKind::Unavailable => return Err(doubt(&error)),
        Ok(Err(error)) => return Err(error),
        Ok(Ok(Put::Lost)) => return Ok(Put::Lost),
        Ok(Ok(Put::Written(version))) => version,
    };
    let now = timeout(claim.left().max(BOUND / 4), version(store, key)).await;
    match now {
        Ok(Ok(Some(now))) if now == version_sent => Ok(Put::Written(now)),
        // Somebody wrote over it although we held the lease: what is there now tells whether
        // on top of ours.
        Ok(Ok(_)) => Err(doubt(&"another write came between")),
        Ok(Err(error)) => Err(doubt(&error)),
        Err(_) => Err(doubt(&"the store took too long for the lease")),
    }
}

/// One write, with the condition if the store takes it.
async fn once(
    store: &dyn Store,
    key: &Key,
    body: Bytes,
    when: Precondition<'_>,
    before: Option<&Version>,
) -> Result<Put> {
    if store.capabilities().conditional_put == ConditionalPut::Version {
        match store.put(key, body.clone(), when).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            // It holds, as we have just seen: this store refuses what it should not.
            Ok(Put::Lost) if version(store, key).await?.as_ref() == before => {}
            other => return other,
        }
    }
    store.put(key, body, Precondition::Always).await
}

async fn version(store: &dyn Store, key: &Key) -> Result<Option<Version>> {
    Ok(store.head(key).await?.map(|info| info.version))
}
