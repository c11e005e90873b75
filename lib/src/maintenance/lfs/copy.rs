//! LFS objects from one bucket to another.

use super::stored::stored;
use crate::error::Result;
use crate::large_files::lfs::{self, Folder, Object};
use crate::maintenance::Bench;
use crate::transfer::Context;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::path::Path;
use std::sync::Arc;

/// Objects under way at the same time.
const PARALLEL: usize = 4;

/// What is to be copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyPlan {
    /// Objects that the target lacks, or has with another size.
    pub missing: Vec<Object>,
    /// Objects that it has.
    pub present: u64,
}

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Objects that went over.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl CopyPlan {
    /// The bytes to be copied.
    pub fn bytes(&self) -> u64 {
        self.missing.iter().map(|object| object.size).sum()
    }
}

/// Compares two buckets. One LIST for each thousand objects of both; changes nothing.
///
/// # Errors
///
/// Those of the stores.
pub async fn plan_copy(from: &Context, to: &Context) -> Result<CopyPlan> {
    let (here, there) = (stored(&*from.store), stored(&*to.store));
    let (here, there) = tokio::try_join!(here, there)?;
    let mut plan = CopyPlan::default();
    for (oid, found) in here.objects {
        let has = there.objects.get(&oid);
        if has.is_some_and(|other| other.size == found.size) {
            plan.present += 1;
        } else {
            let size = found.size;
            plan.missing.push(Object { oid, size });
        }
    }
    Ok(plan)
}

/// Copies what the plan says, by way of files in the bench's folder: each object is hashed
/// when it comes and when it goes, and what is not the object is not copied. Run again after
/// an end before its time, it goes on with the objects that are left.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if an object is broken where it comes from;
/// [`crate::ErrorKind::Local`] if the disk is full; those of the stores.
pub async fn copy(from: &Context, to: &Context, plan: &CopyPlan, bench: &Bench) -> Result<Copied> {
    let path = bench.folder.join(format!("pail-lfs-{}", from.ids.hex()?));
    let folder = Folder::new(&path, Arc::clone(&from.ids), Arc::clone(&from.clock));
    let one = async |object: &Object| {
        let (store, progress) = (&*from.store, &*from.progress);
        let file = lfs::get(store, object, from.limits, progress, &folder).await?;
        let sent = send(to, object, &file, &folder).await;
        let _ = std::fs::remove_file(file);
        sent.map(|()| object.size)
    };
    let sizes: Result<Vec<u64>> = stream::iter(&plan.missing)
        .map(one)
        .buffered(PARALLEL)
        .try_collect()
        .await;
    let _ = std::fs::remove_dir_all(&path);
    let sizes = sizes?;
    Ok(Copied {
        objects: sizes.len() as u64,
        bytes: sizes.iter().sum(),
    })
}

async fn send(to: &Context, object: &Object, file: &Path, folder: &Folder) -> Result<()> {
    let (store, progress) = (&*to.store, &*to.progress);
    lfs::put(store, object, file, to.limits, progress, folder).await?;
    Ok(())
}
