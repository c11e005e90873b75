//! Many files deleted.

use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::Store;
use futures_util::stream::{self, StreamExt};

/// Requests under way at the same time.
const PARALLEL: usize = 8;

/// Deletes files, in any order. One request for as many as [`Capabilities::deletes`] says.
///
/// # Errors
///
/// That of one of those that stay; the others are gone.
///
/// [`Capabilities::deletes`]: crate::store::Capabilities::deletes
pub async fn delete_all(store: &dyn Store, keys: &[Key]) -> Result<()> {
    let failed = store.delete_many(keys).await?;
    failed
        .into_iter()
        .next()
        .map_or(Ok(()), |(_, error)| Err(error))
}

/// Deletes each by a request of its own; answers those that are not deleted.
pub(in crate::store) async fn one_by_one(store: &dyn Store, keys: &[Key]) -> Vec<(Key, Error)> {
    let one = async |key: &Key| {
        let failed = store.delete(key).await.err()?;
        Some((key.clone(), failed))
    };
    let all = stream::iter(keys).map(one).buffer_unordered(PARALLEL);
    all.filter_map(std::future::ready).collect().await
}
