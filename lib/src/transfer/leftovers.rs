//! What dead transfers left: found, shown, removed. For `git pail doctor`.
//!
//! On this machine: packs that wait for the next push ([`uploads`]), and packs that came in
//! part and wait for the next fetch or clone ([`downloads`]). In the bucket: uploads
//! that were begun and not ended, which [`Store::unfinished`] lists and [`Store::abandon`]
//! removes; [`waiting`] says which of them a repository on this machine would take up again.
//!
//! [`Store::unfinished`]: crate::store::Store::unfinished
//! [`Store::abandon`]: crate::store::Store::abandon

use super::arrivals;
use super::kept::{self, Resting};
use crate::local::Repository;
use crate::transaction::Cache;
use std::collections::BTreeSet;
use std::path::Path;

/// A pack of a push that died, which the same push would take up again.
#[derive(Debug)]
pub struct Upload {
    resting: Resting,
}

impl Upload {
    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.resting.folder
    }

    /// Bytes on the disk.
    pub fn bytes(&self) -> u64 {
        self.resting.bytes
    }

    /// When the push was made, in seconds since 1970; 0 if that is not known.
    pub fn made(&self) -> i64 {
        self.resting.made
    }

    /// The bucket that it was for, as [`Store::describe`](crate::store::Store::describe) says
    /// it; `None` if it is broken, and no push will take it up.
    pub fn location(&self) -> Option<&str> {
        self.resting.location.as_deref()
    }

    /// Removes it from this machine. Its parts in the bucket are not asked for: see
    /// [`Store::abandon`](crate::store::Store::abandon).
    pub fn remove(self) {
        self.resting.remove();
    }
}

/// The packs of dead pushes of this repository. No request; those on which a push is at work
/// are not among them, and stay locked against pushes while the answer is held.
pub fn uploads(repository: &Repository) -> Vec<Upload> {
    let resting = kept::resting(&kept::shelf_of(repository));
    resting
        .into_iter()
        .map(|resting| Upload { resting })
        .collect()
}

/// Key and token of the uploads in a bucket that a push from this repository would take up
/// again: to throw those away costs it what has moved, and nothing else.
pub fn waiting(repository: &Repository, location: &str) -> BTreeSet<(String, String)> {
    let here = |upload: &Upload| upload.location() == Some(location);
    let uploads = uploads(repository).into_iter().filter(here);
    uploads
        .flat_map(|upload| upload.resting.uploads())
        .collect()
}

/// A pack that came in part, and of which the next fetch or clone asks for the rest.
#[derive(Debug)]
pub struct Download {
    left: arrivals::Left,
}

impl Download {
    /// Its file.
    pub fn file(&self) -> &Path {
        &self.left.pack
    }

    /// Bytes on the disk.
    pub fn bytes(&self) -> u64 {
        self.left.bytes
    }

    /// When its last byte came, in seconds since 1970.
    pub fn modified(&self) -> i64 {
        self.left.modified
    }

    /// Removes it.
    pub fn remove(self) {
        self.left.remove();
    }
}

/// The downloads in a cache that were cut off, of all repositories. No request; those under
/// way are not among them.
pub fn downloads(cache: &Cache) -> Vec<Download> {
    let folder = cache.folder().map(|folder| folder.join(arrivals::FOLDER));
    let left = folder.map(|folder| arrivals::left(&folder));
    let left = left.unwrap_or_default().into_iter();
    left.map(|left| Download { left }).collect()
}
