//! Segments of the push log: JSON lines, zstd.

use super::corrupt;
use super::manifest::LogEntry;
use crate::error::Result;

use super::manifest::{decode_entry, encode_entry};

/// Largest segment that is accepted, unpacked, in bytes.
const MAX_SEGMENT: usize = 256 << 20;

/// Writes entries as a segment.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if packing fails.
pub fn encode(entries: &[LogEntry]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for entry in entries {
        text.append(&mut encode_entry(entry)?);
        text.push(b'\n');
    }
    zstd::bulk::compress(&text, 3).map_err(|error| corrupt("the push log", error))
}

/// Reads a segment.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if it is not zstd, too large, or holds no log entries.
pub fn decode(packed: &[u8]) -> Result<Vec<LogEntry>> {
    let size = zstd::zstd_safe::get_frame_content_size(packed)
        .ok()
        .flatten();
    let size = size
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= MAX_SEGMENT);
    let size = size.ok_or_else(|| {
        corrupt(
            "the push log",
            "a segment's size is not stated, or beyond every bound",
        )
    })?;
    let text =
        zstd::bulk::decompress(packed, size).map_err(|error| corrupt("the push log", error))?;
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(decode_entry)
        .collect()
}

/// Bytes that an entry takes in a manifest.
///
/// # Errors
///
/// As [`encode`].
pub fn entry_len(entry: &LogEntry) -> Result<usize> {
    Ok(encode_entry(entry)?.len() + 1)
}
