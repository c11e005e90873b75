//! Are the objects of an old value still there? The packs, looked through by git.

use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::format::manifest::Why;
use crate::key::Key;
use crate::local::{PackFault, Scratch};
use crate::maintenance::Bench;
use crate::maintenance::bench::bring;
use crate::oid::ObjectId;
use crate::refs::RefValue;
use crate::transaction::Snapshot;
use crate::transfer::{Context, cover};

/// Brings the packs of the repository, and where those are not enough, the ones that gc has
/// taken out and not deleted yet. Answers with the repository that holds all that the value
/// reaches, and what it peels to.
pub(super) async fn gather(
    context: &Context,
    at: &Snapshot,
    oid: ObjectId,
    bench: &Bench,
) -> Result<(Scratch, RefValue)> {
    let manifest = &at.manifest;
    let scratch = bench.open(context, manifest.object_format).await?;
    let gap = || {
        let why = "the packs that the manifest names do not cover the whole history";
        Error::new(ErrorKind::Corrupt, why).with_hint("look with `git pail fsck`")
    };
    let packs = cover(&manifest.packs, 0, manifest.covered()).ok_or_else(gap)?;
    for pack in packs {
        take(context, &scratch, &pack.name, pack.size).await?;
    }
    if !scratch.repository().connected(&[oid], false).await? {
        let dropped = manifest.condemned.iter();
        for gone in dropped.filter(|gone| gone.why == Why::Dropped) {
            let Some(name) = keys::pack_name(&gone.key).filter(|_| gone.key.ends_with(".pack"))
            else {
                continue;
            };
            if let Some(info) = context.store.head(&Key::new(gone.key.as_str())?).await? {
                take(context, &scratch, name, info.size).await?;
            }
        }
        if !scratch.repository().connected(&[oid], false).await? {
            let message = format!("cannot restore {oid}: gc has deleted its objects");
            let hint = "push it from a clone that still has it; `git pail config <url> retention` says how long they stay";
            return Err(Error::new(ErrorKind::Missing, message).with_hint(hint));
        }
    }
    let names = [oid.to_string(), format!("{oid}^{{}}")].map(String::into_bytes);
    let found = scratch.repository().look_up(&names).await?;
    let is_tag = matches!(&found[..], [Some(object), _] if object.kind == "tag");
    let peeled = found.into_iter().nth(1).flatten();
    let peeled = peeled.map(|end| end.oid).filter(|_| is_tag);
    Ok((scratch, RefValue { oid, peeled }))
}

async fn take(context: &Context, scratch: &Scratch, name: &str, size: u64) -> Result<()> {
    let key = keys::pack(name)?;
    bring(context, key.as_str(), size, &scratch.pack(name)).await?;
    match scratch.index(name).await? {
        Ok(_) | Err(PackFault::Odd(_)) => Ok(()),
        Err(PackFault::Broken(why)) => {
            let message = format!("cannot read {key}: {why}");
            Err(Error::new(ErrorKind::Corrupt, message)
                .with_hint("look with `git pail fsck --full`"))
        }
    }
}
