//! LFS objects from one bucket to another.

use super::stored::stored;
use crate::error::{ErrorKind, Result};
use crate::large_files::lfs::{self, Folder, Object};
use crate::maintenance::Bench;
use crate::store::Copied;
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
pub struct CopySum {
    /// Objects that went over.
    pub objects: u64,
    /// Bytes that the service copied by itself.
    pub by_service: u64,
    /// Bytes that came to this machine and went on from here.
    pub by_machine: u64,
}

/// How an object went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Service,
    Machine,
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

/// Copies what the plan says. Within one service the service does it, object by object, and
/// only the size of each is looked at; with `verify` they are read afterwards. Elsewhere, and
/// where the service refuses, they come and go by way of files in the bench's folder, and are
/// hashed when they come and when they go: what is not the object is not copied. Run again
/// after an end before its time, it goes on with the objects that are left.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if an object is broken where it comes from;
/// [`crate::ErrorKind::Local`] if the disk is full; those of the stores.
pub async fn copy(
    from: &Context,
    to: &Context,
    plan: &CopyPlan,
    bench: &Bench,
    verify: bool,
) -> Result<CopySum> {
    let path = bench.folder.join(format!("pail-lfs-{}", from.ids.hex()?));
    let folder = Folder::new(&path, Arc::clone(&from.ids), Arc::clone(&from.clock));
    let one = async |object: &Object| {
        if by_service(from, to, object).await? {
            if verify {
                check(to, object, &folder).await?;
            }
            return Ok((Way::Service, object.size));
        }
        let (store, progress) = (&*from.store, &*from.progress);
        let file = lfs::get(store, object, from.limits, progress, &folder).await?;
        let sent = send(to, object, &file, &folder).await;
        let _ = std::fs::remove_file(file);
        sent.map(|()| (Way::Machine, object.size))
    };
    let done: Result<Vec<(Way, u64)>> = stream::iter(&plan.missing)
        .map(one)
        .buffered(PARALLEL)
        .try_collect()
        .await;
    let _ = std::fs::remove_dir_all(&path);
    let mut sum = CopySum::default();
    for (way, size) in done? {
        sum.objects += 1;
        match way {
            Way::Service => sum.by_service += size,
            Way::Machine => sum.by_machine += size,
        }
    }
    Ok(sum)
}

/// Whether the service has copied an object.
async fn by_service(from: &Context, to: &Context, object: &Object) -> Result<bool> {
    let key = object.oid.key()?;
    let Some(place) = from.store.whereabouts(&key).await? else {
        return Ok(false);
    };
    Ok(to.store.copy(&place, object.size, &key).await? == Copied::Done)
}

/// Reads a copy. One that is not the object does not stay: it would pass for it.
async fn check(to: &Context, object: &Object, folder: &Folder) -> Result<()> {
    let (store, progress) = (&*to.store, &*to.progress);
    match lfs::get(store, object, to.limits, progress, folder).await {
        Ok(file) => {
            let _ = std::fs::remove_file(file);
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            store.delete(&object.oid.key()?).await?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

async fn send(to: &Context, object: &Object, file: &Path, folder: &Folder) -> Result<()> {
    let (store, progress) = (&*to.store, &*to.progress);
    lfs::put(store, object, file, to.limits, progress, folder).await?;
    Ok(())
}
