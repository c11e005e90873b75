//! What has come of a download, kept for the next run.

use bytes::Bytes;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

/// Bytes of what is kept that are read at once.
const CHUNK: u64 = 1 << 20;

/// Where what comes is kept until all of it has come, so that a later run asks for the rest
/// only. Files are named by their place in the list.
pub trait Keep: Send + Sync {
    /// The bytes that are here already from the start of this range on, and no further than
    /// its end.
    fn left(&self, file: usize, range: Range<u64>) -> Vec<Bytes>;

    /// Takes bytes that came, and the place at which they stand. What cannot be kept is let
    /// go: the download does not fail for it.
    fn came(&self, file: usize, at: u64, bytes: &Bytes);
}

/// Nothing is kept.
#[derive(Debug, Clone, Copy)]
pub struct KeepNothing;

impl Keep for KeepNothing {
    fn left(&self, _: usize, _: Range<u64>) -> Vec<Bytes> {
        Vec::new()
    }

    fn came(&self, _: usize, _: u64, _: &Bytes) {}
}

/// Opens a file in which something is kept, or makes it, and locks it until it is closed.
///
/// # Errors
///
/// If somebody else has locked it, or has just removed it.
pub(crate) fn lock_kept(path: &Path) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    file.try_lock()?;
    if !path.exists() {
        // Whoever held the lock has removed it, or handed it over.
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(file)
}

/// Reads a range of a file in which something is kept, in pieces as [`Keep::left`] gives them.
pub(crate) fn read_kept(
    file: &mut (impl Read + Seek),
    range: Range<u64>,
) -> io::Result<Vec<Bytes>> {
    let mut out = Vec::new();
    let mut at = range.start;
    file.seek(SeekFrom::Start(at))?;
    while at < range.end {
        let len = CHUNK.min(range.end - at);
        let mut chunk = vec![0; usize::try_from(len).unwrap_or(0)];
        file.read_exact(&mut chunk)?;
        out.push(chunk.into());
        at += len;
    }
    Ok(out)
}
