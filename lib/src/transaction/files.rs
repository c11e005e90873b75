//! Small immutable files that a manifest names by hash: ref tables and parts of the log.

use super::snapshot::Snapshot;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{LogEntry, PackEntry, RefMove, SegmentRef};
use crate::format::{aside, keys, log, sha256_hex};
use crate::key::Key;
use crate::store::{Limits, Store, Wanted, download};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, pin_mut};
use std::path::{Path, PathBuf};

/// Largest file that a manifest may name besides packs, in bytes, as it lies in the bucket.
const MAX_FILE: u64 = 256 << 20;

/// Keeps small immutable files on the local disk, by their hash, and knows the place of large
/// downloads.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    folder: Option<PathBuf>,
    downloads: bool,
}

impl Cache {
    /// Keeps files in this folder, made when it is needed; `None` keeps nothing.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            downloads: true,
        }
    }

    /// Whether large downloads are kept there, too, until they are installed.
    #[must_use]
    pub fn keeping_downloads(mut self, keep: bool) -> Self {
        self.downloads = keep;
        self
    }

    /// Where it keeps files, if it does.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Whether large downloads are kept, too.
    pub fn keeps_downloads(&self) -> bool {
        self.downloads
    }

    /// Reads a file that has this size and hash, from the cache or with one GET.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if it is gone or is not what the manifest says, and those of
    /// the store. A cache that cannot be read or written is passed over.
    pub(super) async fn read(
        &self,
        store: &dyn Store,
        key: &Key,
        size: u64,
        sha256: &str,
    ) -> Result<Bytes> {
        if size > MAX_FILE {
            return Err(wrong(
                key,
                &format!("the manifest says that it has {size} bytes, more than {MAX_FILE}"),
            ));
        }
        let path = self.folder.as_ref().map(|folder| folder.join(sha256));
        if let Some(kept) = path.as_ref().and_then(|path| std::fs::read(path).ok())
            && sha256_hex(&kept) == sha256
        {
            return Ok(kept.into());
        }
        let bytes = whole(store, key, size).await.map_err(|error| {
            if error.kind() == ErrorKind::Missing {
                wrong(key, "the manifest names it and it is not there")
            } else {
                error
            }
        })?;
        if sha256_hex(&bytes) != sha256 {
            return Err(wrong(
                key,
                "its hash is not the one that the manifest names",
            ));
        }
        if let Some(path) = path {
            keep(&path, &bytes);
        }
        Ok(bytes)
    }
}

/// Reads a file in ranges, each again where its body was cut.
async fn whole(store: &dyn Store, key: &Key, size: u64) -> Result<Bytes> {
    let wanted = [Wanted {
        key: key.clone(),
        size,
    }];
    let pieces = download(store, &wanted, Limits::default());
    pin_mut!(pieces);
    let mut out = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        out.extend_from_slice(&piece?.bytes);
    }
    Ok(out.freeze())
}

/// Writes a cached file beside its place and renames it, so that no reader sees half of
/// it. A failure costs the next reader a download and nothing else.
fn keep(path: &Path, bytes: &[u8]) {
    let Some(folder) = path.parent() else { return };
    let beside = path.with_extension(format!("tmp{}", std::process::id()));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&beside, bytes))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
}

fn wrong(key: &Key, why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("cannot read {key}: {why}"))
        .with_hint("the bucket was changed by something else than git-pail; restore the file or an older manifest")
}

/// Reads the log entries of one segment, counted from the newest: 0 is the newest one that
/// no longer stands in the manifest. `None` past the oldest. One GET, or none if cached.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if the segment is gone or wrong, and those of the store.
pub async fn read_log(
    store: &dyn Store,
    cache: &Cache,
    at: &Snapshot,
    back: usize,
) -> Result<Option<Vec<LogEntry>>> {
    let segments = &at.manifest.log.segments;
    let Some(segment) = segments
        .len()
        .checked_sub(back + 1)
        .and_then(|at| segments.get(at))
    else {
        return Ok(None);
    };
    Ok(Some(read_segment(store, cache, segment).await?))
}

/// Reads one segment.
pub(super) async fn read_segment(
    store: &dyn Store,
    cache: &Cache,
    segment: &SegmentRef,
) -> Result<Vec<LogEntry>> {
    let key = keys::segment(segment.first, segment.last, &segment.id)?;
    let packed = cache
        .read(store, &key, segment.size, &segment.sha256)
        .await?;
    log::decode(&packed)
}

/// Reads the packs that the manifest names aside; none if it names no list. One GET, or none
/// if cached.
///
/// # Errors
///
/// As [`read_log`].
pub async fn read_aside(store: &dyn Store, cache: &Cache, at: &Snapshot) -> Result<Vec<PackEntry>> {
    let Some(list) = &at.manifest.aside else {
        return Ok(Vec::new());
    };
    let key = keys::aside(&list.id)?;
    let packed = cache.read(store, &key, list.size, &list.sha256).await?;
    aside::decode(&packed, &at.manifest)
}

/// The moves of an entry, from its own file where they are many.
///
/// # Errors
///
/// As [`read_log`].
pub async fn read_moves(
    store: &dyn Store,
    cache: &Cache,
    entry: &LogEntry,
) -> Result<Vec<RefMove>> {
    let Some(file) = &entry.moves_file else {
        return Ok(entry.moves.clone());
    };
    let packed = cache
        .read(store, &keys::moves(&file.id)?, file.size, &file.sha256)
        .await?;
    log::decode_moves(&packed)
}
