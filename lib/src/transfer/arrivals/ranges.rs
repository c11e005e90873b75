//! How much has come of each range of a pack.
//!
//! A header (8 bytes that name the format, the size of the pack and of a range), then for
//! each range the number of bytes that have come from its start on; all numbers have 8 bytes,
//! the lowest first. Each is written on its own, after the bytes that it speaks of: a killed
//! process leaves it right. After a power cut it may be wrong, as the bytes may be.

use crate::store::lock_kept;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

const MAGIC: &[u8; 8] = b"pailrng1";
const HEADER: u64 = 24;

/// Most ranges of a pack: 40 MiB of numbers.
const MAX_RANGES: u64 = 5 << 20;

/// The file, locked, and what it says.
#[derive(Debug)]
pub(super) struct Ranges {
    file: File,
    part: u64,
    size: u64,
    came: Vec<u64>,
    fresh: bool,
}

impl Ranges {
    /// Opens the file of a pack of this size, or makes a new one with ranges of `part` bytes.
    /// An error if somebody else works on it.
    pub(super) fn open(path: &Path, size: u64, part: u64) -> io::Result<Self> {
        let mut file = lock_kept(path)?;
        let mut text = Vec::new();
        Read::by_ref(&mut file)
            .take(HEADER + 8 * MAX_RANGES)
            .read_to_end(&mut text)?;
        if let Some((part, came)) = parse(&text, size) {
            return Ok(Self {
                file,
                part,
                size,
                came,
                fresh: false,
            });
        }
        let part = part.max(size.div_ceil(MAX_RANGES)).max(1);
        let count = usize::try_from(size.div_ceil(part)).map_err(io::Error::other)?;
        let came = vec![0; count];
        let mut text = MAGIC.to_vec();
        for number in [size, part].iter().chain(&came) {
            text.extend_from_slice(&number.to_le_bytes());
        }
        file.set_len(0)?;
        write_at(&mut file, 0, &text)?;
        Ok(Self {
            file,
            part,
            size,
            came,
            fresh: true,
        })
    }

    /// Whether nothing was known before.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Up to which place all bytes from `start` on have come.
    pub(super) fn known_from(&self, start: u64) -> u64 {
        let mut at = start;
        while let Some(&came) = self.came_of(at) {
            let end = at / self.part * self.part + came;
            if end <= at {
                break;
            }
            at = end;
            if !at.is_multiple_of(self.part) {
                break;
            }
        }
        at
    }

    fn came_of(&self, at: u64) -> Option<&u64> {
        self.came.get(usize::try_from(at / self.part).ok()?)
    }

    /// Takes down that these bytes have come, as far as they join on to what had.
    pub(super) fn add(&mut self, at: u64, len: u64) -> io::Result<()> {
        let mut at = at;
        let end = (at + len).min(self.size);
        while at < end {
            let number = at / self.part;
            let start = number * self.part;
            let to = end.min(start + self.part);
            let Some(came) = usize::try_from(number)
                .ok()
                .and_then(|number| self.came.get_mut(number))
            else {
                break;
            };
            if at <= start + *came && to > start + *came {
                *came = to - start;
                let bytes = came.to_le_bytes();
                write_at(&mut self.file, HEADER + 8 * number, &bytes)?;
            }
            at = to;
        }
        Ok(())
    }
}

/// The size of a range, and what has come of each; `None` if it is not about a pack of this
/// size, or makes no sense.
fn parse(text: &[u8], size: u64) -> Option<(u64, Vec<u64>)> {
    let numbers = text.strip_prefix(MAGIC)?;
    let (numbers, rest) = numbers.as_chunks::<8>();
    let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
    if numbers.next()? != size || !rest.is_empty() {
        return None;
    }
    let part = numbers.next().filter(|part| *part > 0)?;
    let came: Vec<_> = numbers.collect();
    let fits = |(number, came): (u64, &u64)| *came <= part.min(size - number * part);
    let whole = came.len() as u64 == size.div_ceil(part);
    (whole && (0..).zip(&came).all(fits)).then_some((part, came))
}

/// Writes bytes at a place in a file.
#[cfg(unix)]
pub(super) fn write_at(file: &mut File, at: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

/// Writes bytes at a place in a file.
#[cfg(not(unix))]
pub(super) fn write_at(file: &mut File, at: u64, bytes: &[u8]) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn open(path: &Path, size: u64) -> Ranges {
        Ranges::open(path, size, MIB).unwrap()
    }

    #[test]
    fn what_came_is_known_to_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r");
        let size = 3 * MIB + 5;
        let mut ranges = open(&path, size);
        assert!(ranges.is_fresh());
        assert_eq!(ranges.known_from(0), 0);
        ranges.add(0, 10).unwrap();
        ranges.add(10, 7).unwrap();
        // Not joined on: a hole is never passed over.
        ranges.add(100, 7).unwrap();
        ranges.add(2 * MIB, MIB).unwrap();
        ranges.add(3 * MIB, 5).unwrap();
        drop(ranges);
        let mut ranges = open(&path, size);
        assert!(!ranges.is_fresh());
        assert_eq!(ranges.known_from(0), 17);
        assert_eq!(ranges.known_from(5), 17);
        assert_eq!(ranges.known_from(17), 17);
        assert_eq!(ranges.known_from(MIB), MIB);
        assert_eq!(ranges.known_from(2 * MIB), size);
        // Over the border between two ranges.
        ranges.add(17, 2 * MIB - 17).unwrap();
        assert_eq!(ranges.known_from(0), size);
    }

    #[test]
    fn two_do_not_work_on_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r");
        let first = open(&path, 5);
        assert!(Ranges::open(&path, 5, MIB).is_err());
        drop(first);
        open(&path, 5);
    }

    #[test]
    fn what_makes_no_sense_counts_as_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r");
        let mut ranges = open(&path, 2 * MIB);
        ranges.add(0, 2 * MIB).unwrap();
        drop(ranges);
        let good = std::fs::read(&path).unwrap();
        let spoilt = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            bytes
        };
        for bytes in [
            Vec::new(),
            good[..good.len() - 1].to_vec(),
            good[..good.len() - 8].to_vec(),
            spoilt(0, b'x'),
            spoilt(9, 0xff),
            vec![0; good.len()],
            // More than a range has.
            spoilt(HEADER as usize + 7, 1),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert!(open(&path, 2 * MIB).is_fresh());
        }
        std::fs::write(&path, &good).unwrap();
        assert!(open(&path, 2 * MIB + 1).is_fresh(), "another size");
    }
}
