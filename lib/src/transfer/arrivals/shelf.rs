//! All downloads that are kept: found, counted, bounded.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Bytes that downloads of dead processes may take together.
const MAX_BYTES: u64 = 16 << 30;

/// How long one stays after its last byte came, in seconds: two weeks.
const MAX_AGE: i64 = 14 * 24 * 60 * 60;

/// A download on which nobody works.
#[derive(Debug)]
pub(in crate::transfer) struct Left {
    pub(in crate::transfer) pack: PathBuf,
    ranges: PathBuf,
    /// Bytes on the disk.
    pub(in crate::transfer) bytes: u64,
    /// When its last byte came, in seconds since 1970.
    pub(in crate::transfer) modified: i64,
    /// Locked.
    _lock: File,
}

impl Left {
    pub(in crate::transfer) fn remove(self) {
        remove(&self.pack, &self.ranges);
    }
}

/// Every download in the cache on which nobody works.
pub(in crate::transfer) fn left(cache: &Path) -> Vec<Left> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries(cache).flat_map(|folder| entries(&folder.path()));
    files.filter_map(|file| look(file.path())).collect()
}

fn look(ranges: PathBuf) -> Option<Left> {
    if ranges.extension()? != "ranges" {
        return None;
    }
    let lock = File::options().write(true).open(&ranges).ok()?;
    lock.try_lock().ok()?;
    let pack = ranges.with_extension("pack");
    let metadata = fs::metadata(&pack).ok();
    let modified = metadata.as_ref().and_then(|found| found.modified().ok());
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Some(Left {
        bytes: metadata.as_ref().map_or(0, on_disk),
        modified: since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0)),
        pack,
        ranges,
        _lock: lock,
    })
}

/// Bytes that a file takes, its holes left out.
#[cfg(unix)]
fn on_disk(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

/// Bytes that a file takes.
#[cfg(not(unix))]
fn on_disk(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}

/// Removes what is too old or too much.
pub(super) fn tidy(cache: &Path, now: i64) {
    let mut all = left(cache);
    all.sort_by_key(|one| std::cmp::Reverse(one.modified));
    let mut bytes = 0_u64;
    for one in all {
        bytes = bytes.saturating_add(one.bytes);
        if bytes > MAX_BYTES || now.saturating_sub(one.modified) > MAX_AGE {
            one.remove();
        }
    }
}

/// Removes a download, and its folder if that was the last in it.
pub(super) fn remove(pack: &Path, ranges: &Path) {
    // The ranges go last: their lock keeps others away.
    let _ = fs::remove_file(pack);
    let _ = fs::remove_file(ranges);
    for above in pack.ancestors().skip(1).take(2) {
        let _ = fs::remove_dir(above);
    }
}

/// Whether a file of this size fits, with as much again for the repository that it is for,
/// which may lie on the same disk.
#[cfg(unix)]
pub(super) fn has_room(folder: &Path, size: u64) -> bool {
    let Ok(disk) = rustix::fs::statvfs(folder) else {
        return true;
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    free > size.saturating_mul(2).saturating_add(size / 4)
}

/// Whether a file of this size fits: not known here.
#[cfg(not(unix))]
pub(super) fn has_room(_: &Path, _: u64) -> bool {
    true
}
