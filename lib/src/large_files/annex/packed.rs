//! Compressed content: how it is written down.
//!
//! A skippable frame of zstd with our mark and the size of what is inside, then a frame of
//! zstd: any zstd program unpacks it. A file is compressed if it is smaller than its key
//! says and begins with the mark; what would not get smaller is stored as it is.

use crate::error::{Error, ErrorKind, Result};
use std::io;
use zstd::stream::raw::{DParameter, Decoder, Encoder, InBuffer, Operation, OutBuffer};

/// Bytes before the frame of zstd.
pub(super) const HEADER: usize = 28;

/// "Skippable frame" (RFC 8878, 3.1.2), the length of the rest, and who wrote it.
const MARK: [u8; 20] = *b"\x50\x2a\x4d\x18\x14\0\0\0pail-annex-1";

/// Zstd's own default: fast, and most of what there is to gain.
const LEVEL: i32 = 3;

/// Most memory that unpacking may look back on, as a power of two: 8 MiB.
const MAX_WINDOW: u32 = 23;

/// Bytes that come out of zstd at a time.
const STEP: usize = 128 << 10;

/// What stands before content of this size.
pub(super) fn header(size: u64) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    out[..MARK.len()].copy_from_slice(&MARK);
    out[MARK.len()..].copy_from_slice(&size.to_le_bytes());
    out
}

/// Whether a file that begins like this holds content of this size.
pub(super) fn is_packed(start: &[u8], size: u64) -> bool {
    start.starts_with(&header(size))
}

/// Makes compressed content, piece by piece.
pub(super) struct Packer {
    encoder: Encoder<'static>,
    /// What has come out and was not taken yet.
    pub(super) out: Vec<u8>,
}

impl Packer {
    /// For content of this size.
    pub(super) fn new(size: u64) -> io::Result<Self> {
        Ok(Self {
            encoder: Encoder::new(LEVEL)?,
            out: header(size).to_vec(),
        })
    }

    pub(super) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        let mut input = InBuffer::around(piece);
        while input.pos() < piece.len() {
            let mut step = [0; STEP];
            let mut output = OutBuffer::around(&mut step[..]);
            self.encoder.run(&mut input, &mut output)?;
            self.out.extend_from_slice(output.as_slice());
        }
        Ok(())
    }

    /// Ends the frame; the rest is in `out` then.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        loop {
            let mut step = [0; STEP];
            let mut output = OutBuffer::around(&mut step[..]);
            let left = self.encoder.finish(&mut output, true)?;
            self.out.extend_from_slice(output.as_slice());
            if left == 0 {
                return Ok(());
            }
        }
    }
}

/// Takes compressed content apart, piece by piece.
pub(super) struct Unpacker(Decoder<'static>);

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(MAX_WINDOW))?;
        Ok(Self(decoder))
    }

    /// Gives what comes out of the front of a piece, some at a time, and how much of the
    /// piece it took. Nothing came and nothing went: the rest is in the next piece.
    pub(super) fn step(&mut self, piece: &[u8]) -> Result<(Vec<u8>, usize)> {
        let mut step = vec![0; STEP];
        let mut input = InBuffer::around(piece);
        let mut output = OutBuffer::around(&mut step[..]);
        let done = self.0.run(&mut input, &mut output);
        done.map_err(|error| {
            let what = format!("the compressed content is damaged: {error}");
            Error::new(ErrorKind::Corrupt, what)
        })?;
        let (took, made) = (input.pos(), output.pos());
        step.truncate(made);
        Ok((step, took))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut packer = Packer::new(content.len() as u64).expect("a packer");
        for piece in content.chunks(70_001) {
            packer.push(piece).expect("packs");
        }
        packer.finish().expect("ends");
        packer.out
    }

    #[test]
    fn what_is_packed_is_a_file_of_zstd_with_our_mark() {
        let content: Vec<u8> = (0..400_000_u32)
            .flat_map(|n| (n / 9).to_le_bytes())
            .collect();
        let file = packed(&content);
        assert!(file.len() < content.len() / 4);
        assert!(is_packed(&file, content.len() as u64));
        assert!(!is_packed(&file, content.len() as u64 + 1));
        assert!(!is_packed(&file[..HEADER - 1], content.len() as u64));
        assert!(!is_packed(&content, content.len() as u64));
        // The judge is zstd itself: a skippable frame counts as nothing.
        assert_eq!(
            zstd::decode_all(&file[..]).expect("a file of zstd"),
            content
        );
    }

    #[test]
    fn unpacking_gives_the_same_bytes_in_bounded_steps() {
        let content = vec![7; 3_000_000];
        let file = packed(&content);
        let mut unpacker = Unpacker::new().expect("an unpacker");
        let mut out = Vec::new();
        for mut piece in file.chunks(13) {
            loop {
                let (bytes, took) = unpacker.step(piece).expect("unpacks");
                assert!(bytes.len() <= STEP);
                if bytes.is_empty() && took == 0 {
                    break;
                }
                out.extend_from_slice(&bytes);
                piece = &piece[took..];
            }
        }
        assert!(out == content);
    }

    #[test]
    fn damage_is_an_error() {
        let mut file = packed(&vec![7; 100_000]);
        file[HEADER] ^= 0xff;
        let mut unpacker = Unpacker::new().expect("an unpacker");
        let mut rest = &file[..];
        let steps = std::iter::from_fn(|| {
            let step = unpacker.step(rest);
            rest = rest.get(step.as_ref().map_or(0, |(_, took)| *took)..)?;
            Some(step)
        });
        let error = steps.take(100).find_map(Result::err).expect("an error");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}
