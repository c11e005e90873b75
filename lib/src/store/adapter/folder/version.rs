//! What names the state of a file at one moment.
//!
//! Every write makes a new file and gives it a modification time, in nanoseconds, that no
//! earlier write below this root ever had: the lock file remembers the last one
//! (`lock.rs`). So the time alone tells any two writes apart, also two of the same bytes,
//! also across a deletion (no ABA), and no pack need be read to name its version.
//!
//! Some file systems keep coarse times, and other programs set times as they like. So the
//! version of a small file also holds a hash of its content. What we write conditionally
//! is small and never has the same bytes twice (`write_id` in the manifest): it is
//! settled right even where times are worth nothing. Inode numbers are left out: network
//! and user-space file systems make them up anew, and every commit would lose for ever.

use crate::store::Version;
use sha2::{Digest, Sha256};
use std::fs::Metadata;
use std::time::{Duration, UNIX_EPOCH};

/// Largest file whose content is part of its version: four times the manifest's bound,
/// and still read in well under a millisecond.
pub(super) const SMALL: u64 = 256 * 1024;

/// Names the state of a file by its time, its size and, if it is small, its content.
pub(super) fn of(metadata: &Metadata, content: Option<&[u8]>) -> Version {
    let time = modified(metadata).as_nanos();
    let size = metadata.len();
    Version::new(match content {
        None => format!("\"{time:x}-{size:x}\""),
        Some(content) => {
            let digest = Sha256::digest(content);
            let hash: String = digest[..16].iter().map(|b| format!("{b:02x}")).collect();
            format!("\"{time:x}-{size:x}-{hash}\"")
        }
    })
}

/// When a file was last written; 1970 where the file system cannot tell.
pub(super) fn modified(metadata: &Metadata) -> Duration {
    metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or(Duration::ZERO)
}
