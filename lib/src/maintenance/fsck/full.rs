//! The full check: every byte of every pack, every object, and what each ref reaches.

use super::files::mend;
use super::quick::Looked;
use super::{Report, Severity};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::format::keys;
use crate::format::manifest::{Holds, PackEntry};
use crate::local::{PackFault, Scratch};
use crate::maintenance::bench::bring;
use crate::maintenance::{Bench, Finding};
use crate::oid::ObjectId;
use crate::progress::Phase;
use crate::refs::{RefName, RefValue};
use crate::transfer::Context;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many broken refs are told one by one.
const TOLD: usize = 20;

/// Reads every pack into a temporary repository; there git has the last word.
pub(super) async fn look(
    context: &Context,
    bench: &Bench,
    looked: &Looked,
    report: &mut Report,
) -> Result<()> {
    let scratch = bench
        .open(context, looked.at.manifest.object_format)
        .await?;
    let mut packs: Vec<_> = looked.all.iter().collect();
    packs.retain(|pack| looked.packs.contains(&pack.name));
    packs.sort_by_key(|pack| (pack.to, pack.holds != Holds::Blobs));
    let sizes = packs.iter().map(|pack| pack.size + pack.index.unwrap_or(0));
    context.progress.begin(Phase::Download, sizes.sum());
    for pack in packs {
        let has_index = looked.indexes.contains(&pack.name);
        one(context, &scratch, pack, has_index, report).await?;
    }
    context.progress.end(Phase::Download);
    if looked.refs_known {
        refs(&scratch, looked, report).await?;
    }
    Ok(())
}

/// One pack: its bytes, its objects, its index.
async fn one(
    context: &Context,
    scratch: &Scratch,
    pack: &PackEntry,
    has_index: bool,
    report: &mut Report,
) -> Result<()> {
    let key = keys::pack(&pack.name)?;
    let file = scratch.pack(&pack.name);
    if !fetch(context, key.as_str(), pack.size, &file, report).await? {
        return Ok(());
    }
    let made = scratch.index(&pack.name).await?;
    match &made {
        Ok(count) => {
            report.checked.objects += count;
            if *count != pack.objects {
                let reason = format!(
                    "it holds {count} objects, the manifest says {}",
                    pack.objects
                );
                let finding = Finding::new(Severity::Error, "object-count", key.as_str(), reason);
                report.findings.push(finding.with_mend(mend(key.as_str())));
            }
        }
        Err(PackFault::Broken(why)) => {
            let finding = Finding::new(Severity::Error, "broken-pack", key.as_str(), why);
            report.findings.push(finding.with_mend(mend(key.as_str())));
            std::fs::remove_file(&file).during(|| format!("remove {}", file.display()))?;
        }
        Err(PackFault::Odd(why)) => {
            let finding = Finding::new(Severity::Warning, "odd-object", key.as_str(), why);
            let mend = "the bytes are what was pushed; `git fsck` tells the same of a clone";
            report.findings.push(finding.with_mend(mend));
        }
    }
    let Some(size) = pack.index.filter(|_| has_index) else {
        return Ok(());
    };
    let key = keys::index(&pack.name)?;
    let stored = file.with_extension("stored");
    if !fetch(context, key.as_str(), size, &stored, report).await? {
        return Ok(());
    }
    let same = same(&stored, &file.with_extension("idx"))?;
    std::fs::remove_file(&stored).during(|| format!("remove {}", stored.display()))?;
    if !same && !matches!(made, Err(PackFault::Broken(_))) {
        let reason = "it is not the index that git makes of this pack";
        let finding = Finding::new(Severity::Error, "broken-index", key.as_str(), reason);
        report.findings.push(finding.with_mend(mend(key.as_str())));
    }
    Ok(())
}

/// Brings a file; `false` if it cannot be had, which is told.
async fn fetch(
    context: &Context,
    key: &str,
    size: u64,
    to: &Path,
    report: &mut Report,
) -> Result<bool> {
    match bring(context, key, size, to).await {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Missing | ErrorKind::Corrupt) => {
            let finding = Finding::new(Severity::Error, "unreadable", key, error.to_string());
            report.findings.push(finding.with_mend(mend(key)));
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether two files have the same bytes. An index is small beside its pack.
fn same(a: &Path, b: &Path) -> Result<bool> {
    let read = |path: &Path| std::fs::read(path).during(|| format!("read {}", path.display()));
    if !b.exists() {
        return Ok(false);
    }
    Ok(read(a)? == read(b)?)
}

/// What each ref reaches is there, and each is what it says.
async fn refs(scratch: &Scratch, looked: &Looked, report: &mut Report) -> Result<()> {
    let refs: Vec<(RefName, RefValue)> = looked.at.refs.iter().collect();
    let tips: BTreeSet<ObjectId> = refs.iter().map(|(_, value)| value.oid).collect();
    let hurt = unconnected(scratch, tips.into_iter().collect()).await?;
    report.hurt = BTreeSet::new();
    report.certain = true;
    for (name, value) in &refs {
        if hurt.contains(&value.oid) {
            report.hurt.insert(name.clone());
            if report.hurt.len() <= TOLD {
                let reason = format!("{} is not there, or not all that it reaches", value.oid);
                let finding =
                    Finding::new(Severity::Error, "incomplete-ref", name.to_string(), reason);
                report.findings.push(finding.with_mend(
                    "push it again from a complete clone, after `git pail restore` or under a new name",
                ));
            }
        }
    }
    let whole: Vec<_> = refs
        .into_iter()
        .filter(|(_, value)| !hurt.contains(&value.oid))
        .collect();
    kinds(scratch, &whole, report).await
}

/// The tips of which something is missing. One spawn of git if nothing is; else some for
/// each tip that is hurt.
async fn unconnected(scratch: &Scratch, tips: Vec<ObjectId>) -> Result<BTreeSet<ObjectId>> {
    let mut hurt = BTreeSet::new();
    let mut open = vec![tips];
    while let Some(mut tips) = open.pop() {
        if tips.is_empty() || scratch.repository().connected(&tips, false).await? {
            continue;
        }
        if let [tip] = tips[..] {
            hurt.insert(tip);
            continue;
        }
        let rest = tips.split_off(tips.len() / 2);
        open.extend([rest, tips]);
    }
    Ok(hurt)
}

/// Branches name commits, and annotated tags peel to what the manifest says.
async fn kinds(scratch: &Scratch, refs: &[(RefName, RefValue)], report: &mut Report) -> Result<()> {
    let oids: BTreeSet<_> = refs.iter().map(|(_, value)| value.oid).collect();
    let names = |suffix: &str| -> Vec<Vec<u8>> {
        oids.iter()
            .map(|oid| format!("{oid}{suffix}").into_bytes())
            .collect()
    };
    let found = scratch.repository().look_up(&names("")).await?;
    let ends = scratch.repository().look_up(&names("^{}")).await?;
    let pairs = found.into_iter().zip(ends);
    let known: BTreeMap<_, _> = oids.iter().copied().zip(pairs).collect();
    for (name, value) in refs {
        let Some((Some(object), end)) = known.get(&value.oid) else {
            let why = format!("git does not find {} again", value.oid);
            return Err(Error::new(ErrorKind::Local, why));
        };
        let peeled = end.as_ref().map(|end| end.oid);
        let peeled = peeled.filter(|_| object.kind == "tag");
        let reason = if name.is_branch() && object.kind != "commit" {
            format!("a branch names a commit, not a {}", object.kind)
        } else if peeled != value.peeled {
            "the manifest does not say what this tag peels to".to_owned()
        } else {
            continue;
        };
        let finding = Finding::new(Severity::Warning, "ref-value", name.to_string(), reason);
        report
            .findings
            .push(finding.with_mend("delete it and push it again"));
    }
    Ok(())
}
