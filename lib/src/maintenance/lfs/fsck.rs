//! Is what lies under `lfs/` right, and is everything there that the history names?

use super::names::Names;
use super::stored::{Stored, stored};
use super::sweep::look_at_condemned;
use crate::error::{ErrorKind, Result};
use crate::large_files::lfs::{self, Folder, Object, Oid};
use crate::maintenance::{Bench, Finding, Severity};
use crate::transfer::Context;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::sync::Arc;

/// Objects that are read at the same time.
const PARALLEL: usize = 4;

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Objects that lie there.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that the histories name.
    pub named: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Compares what is there with what the histories of `repositories` name; with `full`, reads
/// and hashes every object, too.
///
/// Costs a listing, a GET, and what a clone of each repository costs; with `full`, a download of
/// every object, by way of a file in the bench's folder.
///
/// # Errors
///
/// Those of [`Names::read`] and of the store.
pub async fn fsck(
    objects: &Context,
    repositories: &[Context],
    bench: &Bench,
    full: bool,
) -> Result<Checked> {
    let mut out = Checked::default();
    let mut named = std::collections::BTreeMap::new();
    for repository in repositories {
        if let Some(names) = Names::read(repository, bench).await? {
            named.extend(names.objects);
        }
    }
    // After the histories: a push uploads its objects before it names them.
    let there = stored(&*objects.store).await?;
    out.objects = there.objects.len() as u64;
    out.bytes = there.bytes();
    out.named = named.len() as u64;
    out.findings.extend(compare(&there, &named));
    out.findings.extend(look_at_condemned(objects).await?);
    if full {
        let wrong = hash(objects, &there, bench).await?;
        out.findings.extend(wrong);
    }
    Ok(out)
}

/// What is missing, has another size, or is no object.
fn compare(there: &Stored, named: &std::collections::BTreeMap<Oid, u64>) -> Vec<Finding> {
    let bring_back = "push it again from a clone that has it: `git lfs push --all`";
    let mut out = Vec::new();
    for (oid, size) in named {
        let (code, reason) = match there.objects.get(oid) {
            // Git-lfs keeps no empty object.
            None if *size > 0 => (
                "missing-object",
                "the history names it, and it is not there".to_owned(),
            ),
            Some(found) if found.size != *size => {
                let why = format!("it has {} bytes, and its pointer says {size}", found.size);
                ("wrong-size", why)
            }
            _ => continue,
        };
        let finding = Finding::new(Severity::Error, code, format!("lfs/{oid}"), reason);
        out.push(finding.with_mend(bring_back));
    }
    for (key, size) in &there.strange {
        let reason = format!("it is no LFS object ({size} bytes)");
        out.push(Finding::new(Severity::Warning, "strange-file", key, reason));
    }
    out
}

/// Reads every object.
async fn hash(objects: &Context, there: &Stored, bench: &Bench) -> Result<Vec<Finding>> {
    let path = bench
        .folder
        .join(format!("pail-lfs-{}", objects.ids.hex()?));
    let folder = Folder::new(&path, Arc::clone(&objects.ids), Arc::clone(&objects.clock));
    let one = async |(oid, size): (&Oid, u64)| {
        let object = Object {
            oid: oid.clone(),
            size,
        };
        let (store, progress) = (&*objects.store, &*objects.progress);
        match lfs::get(store, &object, objects.limits, progress, &folder).await {
            Ok(file) => {
                let _ = std::fs::remove_file(file);
                Ok(None)
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                let code = "wrong-object";
                let finding = Finding::new(
                    Severity::Error,
                    code,
                    format!("lfs/{oid}"),
                    error.to_string(),
                );
                Ok(Some(finding.with_mend(error.hint().unwrap_or_default())))
            }
            // It was deleted meanwhile.
            Err(error) if error.kind() == ErrorKind::Missing => Ok(None),
            Err(error) => Err(error),
        }
    };
    let all = there.objects.iter().map(|(oid, found)| (oid, found.size));
    let found = stream::iter(all)
        .map(one)
        .buffered(PARALLEL)
        .try_filter_map(|finding| async move { Ok(finding) })
        .try_collect()
        .await;
    let _ = std::fs::remove_dir_all(&path);
    found
}
