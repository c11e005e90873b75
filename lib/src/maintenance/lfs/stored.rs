//! Which LFS objects a bucket holds.

use crate::error::Result;
use crate::large_files::lfs::{Oid, PREFIX};
use crate::store::Store;
use futures_util::StreamExt;
use std::collections::BTreeMap;

/// What lies under `lfs/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// The objects.
    pub objects: BTreeMap<Oid, StoredObject>,
    /// Keys of what is no object, with their bytes.
    pub strange: Vec<(String, u64)>,
}

/// An object, as a listing tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredObject {
    /// Its bytes.
    pub size: u64,
    /// When it was written, in seconds since 1970, by the bucket's clock.
    pub modified: i64,
}

impl Stored {
    /// The bytes of all objects.
    pub fn bytes(&self) -> u64 {
        self.objects.values().map(|object| object.size).sum()
    }
}

/// Lists the objects of a bucket. One LIST for each thousand.
///
/// # Errors
///
/// Those of the store.
pub async fn stored(store: &dyn Store) -> Result<Stored> {
    let mut out = Stored::default();
    let mut listing = store.list(PREFIX, None);
    while let Some(listed) = listing.next().await {
        let listed = listed?;
        match Oid::from_key(&listed.key) {
            Some(oid) => {
                let object = StoredObject {
                    size: listed.size,
                    modified: listed.modified,
                };
                out.objects.insert(oid, object);
            }
            None => out.strange.push((listed.key, listed.size)),
        }
    }
    Ok(out)
}
