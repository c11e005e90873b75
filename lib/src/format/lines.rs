//! Small files that the manifest names by hash: JSON lines, packed as one zstd frame.

use super::corrupt;
use crate::error::Result;

/// Largest file that is accepted, unpacked, in bytes.
const MAX: usize = 256 << 20;

/// Writes lines; `what` is their file, for an error.
pub(super) fn pack(what: &str, lines: impl Iterator<Item = Result<Vec<u8>>>) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        text.append(&mut line?);
        text.push(b'\n');
    }
    zstd::bulk::compress(&text, 3).map_err(|error| corrupt(what, error))
}

/// Reads them. Empty ones are passed over.
pub(super) fn unpack<T>(
    what: &str,
    packed: &[u8],
    read: impl Fn(&[u8]) -> Result<T>,
) -> Result<Vec<T>> {
    let size = zstd::zstd_safe::get_frame_content_size(packed)
        .ok()
        .flatten();
    let size = size
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= MAX);
    let size =
        size.ok_or_else(|| corrupt(what, "a file's size is not stated, or beyond every bound"))?;
    let text = zstd::bulk::decompress(packed, size).map_err(|error| corrupt(what, error))?;
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(read)
        .collect()
}
