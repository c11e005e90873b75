//! Where objects lie, and whose they are.

use crate::commands::repository;
use pail::Remote;
use pail::Result;
use pail::local::Git;
use pail::maintenance::Bench;
use pail::transaction::Snapshot;
use pail::transfer::Context;
use std::path::PathBuf;

/// A place with LFS objects, and the repositories that keep objects there.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) objects: Remote,
    pub(super) repositories: Vec<Context>,
    /// Their URLs, or what the place itself is called.
    pub(super) names: Vec<String>,
}

/// Finds them: the repository at the place itself, if there is one, and those that share it.
/// Two GETs.
///
/// # Errors
///
/// Those of [`repository::open`], also for a repository that shares the place.
pub(super) async fn find(named: Option<&str>) -> Result<Places> {
    let objects = repository::open(named).await?;
    let context = objects.context();
    let mut out = Places {
        repositories: Vec::new(),
        names: Vec::new(),
        objects: objects.clone(),
    };
    let own = Snapshot::read(&*context.store, &context.cache, None).await?;
    if own.is_some() {
        out.repositories.push(context.clone());
        out.names.push(context.store.describe());
    }
    for url in objects.lfs_sharers().await? {
        let other = repository::open_url(&url, None).await?;
        out.repositories.push(other.context().clone());
        out.names.push(url);
    }
    Ok(out)
}

/// Where the histories are looked through.
pub(super) fn bench(folder: Option<PathBuf>) -> Bench {
    Bench {
        git: Git::new(),
        folder: folder.unwrap_or_else(std::env::temp_dir),
        lender: None,
    }
}
