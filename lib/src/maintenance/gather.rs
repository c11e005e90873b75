//! Packs of the bucket into a repository of our own.

use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::format::manifest::PackEntry;
use crate::local::{Check, Install, Repository};
use crate::progress::Phase;
use crate::store::{Wanted, download};
use crate::transfer::{Context, Join};
use futures_util::{StreamExt, pin_mut};

/// Downloads packs and installs them as one, newest first, so that recent objects stand
/// first in it; answers its name. Every object is checked. One GET a pack, or a range.
///
/// # Errors
///
/// [`ErrorKind::Missing`] if a pack is gone: somebody else has replaced it;
/// [`ErrorKind::Corrupt`] if one is not what the manifest says; those of the store.
pub(super) async fn gather(
    context: &Context,
    repository: &Repository,
    packs: &[PackEntry],
) -> Result<String> {
    let mut packs: Vec<&PackEntry> = packs.iter().collect();
    packs.sort_by_key(|pack| std::cmp::Reverse((pack.to, pack.from)));
    let wanted = packs.iter().map(|pack| {
        Ok(Wanted {
            key: keys::pack(&pack.name)?,
            size: pack.size,
        })
    });
    let wanted: Vec<Wanted> = wanted.collect::<Result<_>>()?;
    let install = Install {
        keep: true,
        check: Check::Ids,
        connected: false,
        progress: false,
    };
    let mut join = Join::new(&packs, repository.format());
    let mut sink = repository.install(install, &*context.ids)?;
    sink.write(&join.open(&packs)?).await?;
    let (store, progress) = (&*context.store, &*context.progress);
    progress.begin(Phase::Download, packs.iter().map(|pack| pack.size).sum());
    let pieces = download(store, &wanted, context.limits);
    pin_mut!(pieces);
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        progress.advance(Phase::Download, piece.bytes.len() as u64);
        sink.write(&join.piece(packs[piece.file], piece.bytes)?)
            .await?;
    }
    progress.end(Phase::Download);
    sink.write(&join.close()).await?;
    let keep = sink.finish().await?.keep;
    let name = keep.as_ref().and_then(|keep| {
        let stem = keep.file_stem()?.to_str()?;
        stem.strip_prefix("pack-")
    });
    name.map(str::to_owned).ok_or_else(|| {
        Error::new(
            ErrorKind::Local,
            "cannot merge packs: git index-pack named no pack",
        )
    })
}
