//! Does this bucket keep its promise? Tried once, before a repository's first write.

use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::ids::Ids;
use crate::store::{Precondition, Put, Store, Version};
use bytes::Bytes;

/// Tries create-if-absent and write-if-unchanged on a scratch key.
///
/// Real services answer 200 and ignore the condition; two pushers would then overwrite
/// each other in silence. Four requests, and none if the adapter needs no probe.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if a condition is ignored, and those of the store.
pub async fn probe(store: &dyn Store, ids: &dyn Ids) -> Result<()> {
    if !store.capabilities().probe {
        return Ok(());
    }
    let key = keys::probe(&ids.hex()?)?;
    let body = |text: &'static str| Bytes::from_static(text.as_bytes());
    let verdict = async {
        let Put::Written(first) = store.put(&key, body("1"), Precondition::Absent).await? else {
            return Ok(Some("it calls a new file an existing one"));
        };
        if let Put::Written(_) = store.put(&key, body("2"), Precondition::Absent).await? {
            return Ok(Some(
                "it overwrites an existing file when told to write only a new one (If-None-Match)",
            ));
        }
        let stale = Version::new(format!("\"{}\"", "0".repeat(32)));
        if stale != first
            && let Put::Written(_) = store
                .put(&key, body("3"), Precondition::Unchanged(&stale))
                .await?
        {
            return Ok(Some(
                "it overwrites a file whose version is not the one that was named (If-Match)",
            ));
        }
        Ok(None)
    }
    .await;
    let removed = store.delete(&key).await;
    match verdict {
        Ok(None) => removed.or_else(tolerate),
        Ok(Some(why)) => Err(Error::new(
            ErrorKind::Unsupported,
            format!("cannot use {}: this store ignores conditional writes: {why}", store.describe()),
        )
        .with_hint("two people pushing at once would lose commits; use a store that honours If-Match and If-None-Match")),
        Err(error) => Err(error),
    }
}

/// A scratch file of one byte may stay behind where deleting is not allowed.
fn tolerate(error: Error) -> Result<()> {
    if error.kind() == ErrorKind::Denied {
        Ok(())
    } else {
        Err(error)
    }
}
