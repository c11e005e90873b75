//! The contract of [`Store`] as a suite: what every adapter, layer and double must pass.
//!
//! A failure is a panic that says which promise was broken. Two things no bucket is asked:
//! a key that is also the folder of another (`a` beside `a/b`), which a disk cannot have,
//! and a different version for the same bytes, which an ETag made of them does not give.

mod copying;
mod deleting;
mod listing;
mod multipart;
mod races;
mod reading;
mod writing;

use bytes::Bytes;
use futures_util::TryStreamExt;
use pail::Key;
use pail::store::{Body, Got, Precondition, Put, Store, Version, Want};
use std::sync::Arc;

/// The whole contract. `make` makes an empty bucket, or an unused prefix, each time.
///
/// # Panics
///
/// When a promise is broken.
pub async fn conformance(make: impl Fn() -> Arc<dyn Store>) {
    reading::all(&make).await;
    writing::all(&make).await;
    listing::all(&make).await;
    multipart::all(&make).await;
    copying::all(&make).await;
    deleting::all(&make).await;
    races(make).await;
}

/// The contract of a store that declares no conditional writes, and whose uploads have no
/// token: all the rest of it.
///
/// # Panics
///
/// When a promise is broken.
pub async fn plain(make: impl Fn() -> Arc<dyn Store>) {
    reading::all(&make).await;
    writing::plain(&make).await;
    listing::all(&make).await;
    multipart::all(&make).await;
    copying::all(&make).await;
    deleting::all(&make).await;
}

/// The part of the contract that settles races: it fails on a store that ignores
/// conditions, and on one that looks and writes in two steps.
///
/// # Panics
///
/// When a promise is broken.
pub async fn races(make: impl Fn() -> Arc<dyn Store>) {
    races::all(&make).await;
}

/// Says in the output which promise is being tried.
fn promise(name: &str) {
    println!("contract: {name}");
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap_or_else(|error| panic!("{error}"))
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Writes in any case, and returns the version.
async fn write(store: &dyn Store, name: &str, body: impl Into<Bytes>) -> Version {
    match put(store, name, body, Precondition::Always).await {
        Put::Written(version) => version,
        Put::Lost => panic!("{name}: a write without a condition lost"),
    }
}

async fn put(store: &dyn Store, name: &str, body: impl Into<Bytes>, when: Precondition<'_>) -> Put {
    store
        .put(&key(name), body.into(), when)
        .await
        .unwrap_or_else(|error| panic!("put {name}: {error}"))
}

async fn get(store: &dyn Store, name: &str, want: Want) -> Got {
    store
        .get(&key(name), want)
        .await
        .unwrap_or_else(|error| panic!("get {name}: {error}"))
}

/// The whole file with its version, if it is there.
async fn read(store: &dyn Store, name: &str) -> Option<(Vec<u8>, Version)> {
    match get(store, name, Want::all()).await {
        Got::Found(body) => {
            let version = body.info.version.clone();
            Some((drain(name, body).await, version))
        }
        Got::Missing => None,
        Got::NotModified => panic!("{name}: not modified, though no version was named"),
    }
}

/// As [`read`], as text.
async fn text(store: &dyn Store, name: &str) -> Option<String> {
    let (content, _) = read(store, name).await?;
    Some(String::from_utf8_lossy(&content).into_owned())
}

async fn drain(name: &str, body: Body) -> Vec<u8> {
    let chunks: Vec<Bytes> = body
        .bytes
        .try_collect()
        .await
        .unwrap_or_else(|error| panic!("read {name}: {error}"));
    chunks.concat()
}

async fn listed(store: &dyn Store, prefix: &str, after: Option<&str>) -> Vec<String> {
    let files: Vec<_> = store
        .list(prefix, after)
        .try_collect()
        .await
        .unwrap_or_else(|error| panic!("list '{prefix}': {error}"));
    files.into_iter().map(|file| file.key).collect()
}
