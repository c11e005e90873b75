//! Many files deleted at once.

use super::{bytes, key, listed, promise, write};
use pail::Key;
use pail::store::Store;
use std::sync::Arc;

pub(super) async fn all(make: &impl Fn() -> Arc<dyn Store>) {
    all_that_is_named_goes(&*make()).await;
}

/// Deletes all of these.
pub(super) async fn delete(store: &dyn Store, names: &[impl AsRef<str>]) {
    let keys: Vec<Key> = names.iter().map(|name| key(name.as_ref())).collect();
    let failed = store.delete_many(&keys).await;
    let failed = failed.unwrap_or_else(|error| panic!("delete many: {error}"));
    assert!(failed.is_empty(), "{failed:?}");
}

async fn all_that_is_named_goes(store: &dyn Store) {
    promise("of many files all that are named go, whatever their names, and no others");
    let odd = ["a&b", "<c>", "d e/f+g", "é/日", "100%/%20", "\"q\"'s"];
    for name in odd.iter().chain(&["stays", "a"]) {
        write(store, name, bytes(name)).await;
    }
    delete(store, &[] as &[&str]).await;
    delete(store, &odd).await;
    assert_eq!(listed(store, "", None).await, ["a", "stays"]);
    // What is not there counts as deleted.
    delete(store, &["a", "never/was", "a&b"]).await;
    delete(store, &["never/was"]).await;
    assert_eq!(listed(store, "", None).await, ["stays"]);
}
