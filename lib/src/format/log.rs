//! Files of the push log, all JSON lines packed with zstd: segments hold older entries,
//! moves files hold the moves of one large entry.

use super::corrupt;
use super::manifest::{LogEntry, RefMove, decode_entry, encode_entry, read_move, write_move};
use crate::error::Result;

/// Largest segment that is accepted, unpacked, in bytes.
const MAX_SEGMENT: usize = 256 << 20;

/// Writes entries as a segment.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if packing fails.
pub fn encode(entries: &[LogEntry]) -> Result<Vec<u8>> {
    pack(entries.iter().map(encode_entry))
}

/// Reads a segment.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if it is not zstd, too large, or holds no log entries.
pub fn decode(packed: &[u8]) -> Result<Vec<LogEntry>> {
    unpack(packed, decode_entry)
}

/// Writes the moves of one entry.
///
/// # Errors
///
/// As [`encode`].
pub fn encode_moves(moves: &[RefMove]) -> Result<Vec<u8>> {
    pack(
        moves
            .iter()
            .map(|one| serde_json::to_vec(&write_move(one)).map_err(|error| corrupt(WHAT, error))),
    )
}

/// Reads them.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_moves(packed: &[u8]) -> Result<Vec<RefMove>> {
    unpack(packed, |line| {
        read_move(&serde_json::from_slice(line).map_err(|error| corrupt(WHAT, error))?)
    })
}

const WHAT: &str = "the push log";

fn pack(lines: impl Iterator<Item = Result<Vec<u8>>>) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        text.append(&mut line?);
        text.push(b'\n');
    }
    zstd::bulk::compress(&text, 3).map_err(|error| corrupt(WHAT, error))
}

fn unpack<T>(packed: &[u8], read: impl Fn(&[u8]) -> Result<T>) -> Result<Vec<T>> {
    let size = zstd::zstd_safe::get_frame_content_size(packed)
        .ok()
        .flatten();
    let size = size
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= MAX_SEGMENT);
    let size =
        size.ok_or_else(|| corrupt(WHAT, "a file's size is not stated, or beyond every bound"))?;
    let text = zstd::bulk::decompress(packed, size).map_err(|error| corrupt(WHAT, error))?;
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(read)
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
