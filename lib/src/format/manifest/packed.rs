//! The manifest as it lies in the bucket: a small one as it is, a larger one as one zstd
//! frame.
//!
//! Every push reads the manifest and writes it, every fetch reads it. Most of it is JSON's
//! own words and digits that stand twice; what is left is chance.

use super::MAX_BYTES;
use crate::error::Result;
use crate::format::corrupt;
use std::borrow::Cow;

/// Manifests of fewer bytes stand as they are, for who looks without this program.
const FROM: usize = 4 << 10;

/// How zstd starts its frames (RFC 8878, 3.1.1). No JSON starts so.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The level for manifests up to [`LARGE`]: 6 per cent smaller than at level 3, for some ms.
const THOROUGH: i32 = 15;

/// The level for larger ones. Only a repository that nobody maintains has one.
const QUICK: i32 = 3;
const LARGE: usize = 128 << 10;

/// What is written for this text.
pub(super) fn pack(text: Vec<u8>) -> Result<Vec<u8>> {
    if text.len() < FROM {
        return Ok(text);
    }
    let level = if text.len() > LARGE { QUICK } else { THOROUGH };
    zstd::bulk::compress(&text, level).map_err(|error| corrupt(super::WHAT, error))
}

/// The text of a manifest, from the bytes of its file.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if it is packed, and cannot be unpacked to at most
/// [`MAX_BYTES`].
pub fn text(file: &[u8]) -> Result<Cow<'_, [u8]>> {
    if !file.starts_with(&MAGIC) {
        return Ok(Cow::Borrowed(file));
    }
    let size = zstd::zstd_safe::get_frame_content_size(file).ok().flatten();
    let size = size.filter(|size| *size <= MAX_BYTES);
    let size = size
        .and_then(|size| usize::try_from(size).ok())
        .ok_or_else(|| corrupt(super::WHAT, "its size is not stated, or beyond every bound"))?;
    let text = zstd::bulk::decompress(file, size).map_err(|error| corrupt(super::WHAT, error))?;
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_small_text_stands_as_it_is_and_a_large_one_comes_back() {
        for (len, packed) in [
            (0, false),
            (FROM - 1, false),
            (FROM, true),
            (LARGE + 1, true),
        ] {
            let given = b"{}".repeat(len)[..len].to_vec();
            let file = pack(given.clone()).unwrap();
            assert_eq!(file != given, packed, "{len}");
            assert_eq!(text(&file).unwrap(), given, "{len}");
        }
    }

    #[test]
    fn what_is_no_frame_is_damage_and_takes_no_memory() {
        let whole = pack(b"{}".repeat(FROM)).unwrap();
        let mut long = zstd::bulk::compress(&vec![b' '; 1 << 20], 3).unwrap();
        // The frame says that it holds 2^32 - 1 bytes (RFC 8878, 3.1.1.1).
        assert_eq!(long[4] >> 6, 2, "four bytes of size");
        long[5..9].fill(0xff);
        for file in [&whole[..whole.len() - 1], &MAGIC, &long] {
            assert_eq!(text(file).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }
}
