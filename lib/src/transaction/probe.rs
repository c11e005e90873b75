//! Does this bucket keep its promise? Tried once, before a repository's first write.

use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::ids::Ids;
use crate::key::Key;
use crate::store::{Precondition, Put, Store};
use bytes::Bytes;
use std::time::Duration;

/// How often a probe that got no clear answer is made again.
const MAX_TRIES: u32 = 5;

/// Tries create-if-absent and write-if-unchanged on a scratch key, once as they must
/// succeed and once as they must fail.
///
/// Real services answer 200 and ignore the condition; two pushers would then overwrite
/// each other in silence. Five requests, and none if the adapter needs no probe.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if a condition is ignored, and those of the store.
pub async fn probe(store: &dyn Store, ids: &dyn Ids) -> Result<()> {
    if !store.capabilities().probe {
        return Ok(());
    }
    let mut tries = 1;
    loop {
        // Each try has a key of its own: what an unclear one left there tells nothing.
        let key = keys::probe(&ids.hex()?)?;
        let verdict = try_conditions(store, &key).await;
        let removed = store.delete(&key).await;
        return match verdict {
            Ok(None) => removed.or_else(tolerate),
            Ok(Some(why)) => Err(refuse(store, why)),
            Err(error) if unclear(&error) && tries < MAX_TRIES => {
                let wait = ids.below(100 << tries)?;
                tokio::time::sleep(Duration::from_millis(wait)).await;
                tries += 1;
                continue;
            }
            Err(error) => Err(error),
        };
    }
}

/// The promise that the store breaks, if it breaks one.
async fn try_conditions(store: &dyn Store, key: &Key) -> Result<Option<&'static str>> {
    let body = |text: &'static str| Bytes::from_static(text.as_bytes());
    let Put::Written(first) = store.put(key, body("1"), Precondition::Absent).await? else {
        return Ok(Some(
            "it takes a new file for an existing one (If-None-Match)",
        ));
    };
    if let Put::Written(_) = store.put(key, body("2"), Precondition::Absent).await? {
        return Ok(Some(
            "it overwrites an existing file when told to write only a new one (If-None-Match)",
        ));
    }
    let when = Precondition::Unchanged(&first);
    if store.put(key, body("3"), when).await? == Put::Lost {
        return Ok(Some(
            "it refuses to overwrite a file whose version is the one that was named (If-Match)",
        ));
    }
    // By now that version is an old one.
    let when = Precondition::Unchanged(&first);
    if let Put::Written(_) = store.put(key, body("4"), when).await? {
        return Ok(Some(
            "it overwrites a file whose version is not the one that was named (If-Match)",
        ));
    }
    Ok(None)
}

fn refuse(store: &dyn Store, why: &str) -> Error {
    let message = format!(
        "cannot use {}: this store does not keep to conditional writes: {why}",
        store.describe()
    );
    Error::new(ErrorKind::Unsupported, message).with_hint(
        "two people pushing at once would lose commits; use a store that honours If-Match and If-None-Match",
    )
}

fn unclear(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InDoubt | ErrorKind::Unavailable)
}

/// A scratch file of one byte may stay behind where it cannot be deleted.
fn tolerate(error: Error) -> Result<()> {
    if error.kind() == ErrorKind::Denied || unclear(&error) {
        Ok(())
    } else {
        Err(error)
    }
}
