//! Files of the push log, all JSON lines packed with zstd: segments hold older entries,
//! moves files hold the moves of one large entry.

use super::manifest::{LogEntry, RefMove, decode_entry, encode_entry, read_move, write_move};
use super::{corrupt, lines};
use crate::error::Result;

/// Writes entries as a segment.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if packing fails.
pub fn encode(entries: &[LogEntry]) -> Result<Vec<u8>> {
    lines::pack(WHAT, entries.iter().map(encode_entry))
}

/// Reads a segment.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if it is not zstd, too large, or holds no log entries.
pub fn decode(packed: &[u8]) -> Result<Vec<LogEntry>> {
    lines::unpack(WHAT, packed, decode_entry)
}

/// Writes the moves of one entry.
///
/// # Errors
///
/// As [`encode`].
pub fn encode_moves(moves: &[RefMove]) -> Result<Vec<u8>> {
    let line = |one| serde_json::to_vec(&write_move(one)).map_err(|error| corrupt(WHAT, error));
    lines::pack(WHAT, moves.iter().map(line))
}

/// Reads them.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_moves(packed: &[u8]) -> Result<Vec<RefMove>> {
    lines::unpack(WHAT, packed, |line| {
        read_move(&serde_json::from_slice(line).map_err(|error| corrupt(WHAT, error))?)
    })
}

const WHAT: &str = "the push log";

/// Bytes that an entry takes in a manifest.
///
/// # Errors
///
/// As [`encode`].
pub fn entry_len(entry: &LogEntry) -> Result<usize> {
    Ok(encode_entry(entry)?.len() + 1)
}
