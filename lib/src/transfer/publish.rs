//! Step 4 of a push: everything that the next manifest will name goes up.

use super::salt::SaltedPack;
use super::{Context, INDEX_FROM};
use crate::error::{IoContext, Result};
use crate::format::manifest::{AsideRef, LogEntry, MovesFile, PackEntry, SegmentRef, TableRef};
use crate::format::refs::BaseTable;
use crate::format::{aside, keys, log, sha256_hex};
use crate::key::Key;
use crate::progress::{Phase, Quiet};
use crate::store::{FileSource, Journal, Source, upload, upload_noting};
use crate::transaction::{Applied, Change, NewPack, Snapshot, apply, overflow};
use bytes::Bytes;
use std::path::Path;

/// Uploads a pack, and its index if the pack is large.
pub(crate) async fn upload_pack(
    context: &Context,
    salted: &SaltedPack,
    index: &Path,
    journal: &dyn Journal,
) -> Result<NewPack> {
    let (store, progress) = (&*context.store, &*context.progress);
    let index = if salted.size() < INDEX_FROM {
        None
    } else {
        let size = std::fs::metadata(index).map(|file| file.len());
        Some(FileSource {
            path: index.to_owned(),
            size: size.during(|| format!("read {}", index.display()))?,
        })
    };
    progress.begin(
        Phase::Upload,
        salted.size() + index.as_ref().map_or(0, |index| index.size),
    );
    let key = keys::pack(&salted.name)?;
    upload_noting(store, &key, salted, context.limits, progress, journal).await?;
    // The index goes up after the pack, not beside it: a second connection would cost two
    // round trips, and the two together more memory than one may take.
    if let Some(index) = &index {
        let key = keys::index(&salted.name)?;
        upload_noting(store, &key, index, context.limits, progress, journal).await?;
    }
    progress.end(Phase::Upload);
    let index = index.map(|index| index.size);
    Ok(NewPack {
        name: salted.name.clone(),
        size: salted.size(),
        index,
        objects: salted.objects,
    })
}

/// Uploads what would make the manifest grow past its bounds: a base ref table, a log
/// segment, the moves of this push.
pub(crate) async fn upload_overflow(
    context: &Context,
    at: Option<&Snapshot>,
    change: &mut Change,
) -> Result<()> {
    let Applied::Next(mut next, refs, _) = apply(at, change)? else {
        return Ok(());
    };
    let over = overflow(&next, change)?;
    // They are in `refs`, too; a million takes memory.
    next.updates.clear();
    if over.table {
        let (table, packed) = BaseTable::encode(refs.iter())?;
        let (id, sha256, size) = put(context, keys::table, packed).await?;
        change.table = Some((
            TableRef {
                id,
                sha256,
                size,
                count: table.count(),
            },
            table,
        ));
    }
    drop(refs);
    if over.moves
        && let Some(entry) = next.log.entries.last_mut()
    {
        let moves = std::mem::take(&mut entry.moves);
        let packed = log::encode_moves(&moves)?;
        let (id, sha256, size) = put(context, keys::moves, packed).await?;
        let count = moves.len() as u64;
        change.moves_file = Some((
            MovesFile {
                id,
                sha256,
                size,
                count,
            },
            moves,
        ));
    }
    if let Some(old) = next.log.entries.get(..over.segment) {
        change.segment = upload_segment(context, old).await?;
    }
    Ok(())
}

/// Uploads log entries as a segment; nothing if there are none.
pub(crate) async fn upload_segment(
    context: &Context,
    entries: &[LogEntry],
) -> Result<Option<SegmentRef>> {
    let Some((first, last)) = entries.first().zip(entries.last()) else {
        return Ok(None);
    };
    let (first, last) = (first.generation, last.generation);
    let packed = log::encode(entries)?;
    let (id, sha256, size) = put(context, |id| keys::segment(first, last, id), packed).await?;
    Ok(Some(SegmentRef {
        id,
        first,
        last,
        sha256,
        size,
    }))
}

/// Uploads a list of packs that lie aside; nothing if there are none.
pub(crate) async fn upload_aside(
    context: &Context,
    packs: &[PackEntry],
) -> Result<Option<AsideRef>> {
    let Some(to) = packs.iter().map(|pack| pack.to).max() else {
        return Ok(None);
    };
    let (id, sha256, size) = put(context, keys::aside, aside::encode(packs)?).await?;
    let count = packs.len() as u64;
    Ok(Some(AsideRef {
        id,
        sha256,
        size,
        count,
        to,
    }))
}

/// Writes a small file under a fresh key; answers its id, hash and size.
async fn put(
    context: &Context,
    key: impl FnOnce(&str) -> Result<Key>,
    bytes: Vec<u8>,
) -> Result<(String, String, u64)> {
    let id = context.ids.hex()?;
    let sha256 = sha256_hex(&bytes);
    let bytes = Bytes::from(bytes);
    upload(&*context.store, &key(&id)?, &bytes, context.limits, &Quiet).await?;
    Ok((id, sha256, bytes.size()))
}
