//! Packs of the bucket into a repository of our own.

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::format::keys;
use crate::format::manifest::PackEntry;
use crate::local::{Check, Install, Installed, Repository};
use crate::progress::Phase;
use crate::store::{Wanted, download};
use crate::transfer::{Context, Join};
use futures_util::{StreamExt, pin_mut};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Downloads packs and installs them as one, newest first, so that recent objects stand
/// first in it; answers its index. Every object is checked. One GET a pack, or a range.
///
/// # Errors
///
/// [`ErrorKind::Missing`] if a pack is gone: somebody else has replaced it;
/// [`ErrorKind::Corrupt`] if one is not what the manifest says; those of the store.
pub(super) async fn gather(
    context: &Context,
    repository: &Repository,
    packs: &[PackEntry],
) -> Result<PathBuf> {
    let mut packs: Vec<&PackEntry> = packs.iter().collect();
    packs.sort_by_key(|pack| std::cmp::Reverse((pack.to, pack.from)));
    let wanted = packs.iter().map(|pack| {
        Ok(Wanted {
            key: keys::pack(&pack.name)?,
            size: pack.size,
        })
    });
    let wanted: Vec<Wanted> = wanted.collect::<Result<_>>()?;
    let mut join = Join::new(&packs, repository.format());
    let mut sink = repository.install(KEPT, &*context.ids)?;
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
    index_of(&sink.finish().await?)
}

/// A pack of one's own in, checked as one that comes from the bucket; answers its index. What
/// counts are the ids that its objects have, not those that they were taken for.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if it is broken, [`ErrorKind::Local`] if it cannot be read.
pub(super) async fn take_in(
    context: &Context,
    repository: &Repository,
    pack: &Path,
) -> Result<PathBuf> {
    let act = || format!("read {}", pack.display());
    let mut sink = repository.install(KEPT, &*context.ids)?;
    let mut file = File::open(pack).during(act)?;
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece).during(act)? {
            0 => break,
            count => sink.write(&piece[..count]).await?,
        }
    }
    index_of(&sink.finish().await?)
}

/// As a pack, whole, whatever its size.
const KEPT: Install = Install {
    keep: true,
    check: Check::Ids,
    connected: false,
    progress: false,
};

/// Where the index of a pack lies that was kept.
fn index_of(installed: &Installed) -> Result<PathBuf> {
    let keep = installed.keep.as_ref();
    keep.map(|keep| keep.with_extension("idx")).ok_or_else(|| {
        Error::new(
            ErrorKind::Local,
            "cannot merge packs: git index-pack named no pack",
        )
    })
}
