//! Into which parts a large file is cut.

use super::{Capabilities, Limits};
use crate::error::{Error, ErrorKind, Result};
use std::ops::Range;

/// Sizes of parts are whole multiples of this, once they had to grow.
const STEP: u64 = 1 << 20;

/// The parts of a file: all of one size but the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    size: u64,
    /// Bytes of each part but the last.
    pub(super) part: u64,
    /// How many there are.
    pub(super) count: u32,
    /// How many may be under way at the same time, so that no more memory is taken than the
    /// limits say; one at least.
    pub(super) parallel: usize,
}

impl Cut {
    /// Keeps to the part of the limits, unless the store wants larger or fewer parts.
    ///
    /// S3 takes 10,000 parts, so that those of a file of 5 TiB have 525 MiB. A part that is
    /// larger than `limits.part * limits.parallel` is still held whole in memory: with the
    /// usual limits that is so from 312 GiB on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the file is larger than the store can hold.
    pub(super) fn new(size: u64, caps: &Capabilities, limits: Limits) -> Result<Self> {
        let fewest = size.div_ceil(u64::from(caps.max_parts.max(1)));
        let wanted = limits.part.max(caps.min_part).min(caps.max_part).max(1);
        let part = if fewest <= wanted {
            wanted
        } else {
            fewest.next_multiple_of(STEP)
        };
        let most = u128::from(caps.max_parts.max(1)) * u128::from(caps.max_part);
        if u128::from(size) > most || part > caps.max_part {
            let why = format!("it has {size} bytes, and this store holds {most} in one file");
            return Err(Error::new(ErrorKind::Invalid, why));
        }
        Self::again(size, part, limits)
    }

    /// The parts of an upload that was begun with this size of part.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if they cannot be counted.
    pub(super) fn again(size: u64, part: u64, limits: Limits) -> Result<Self> {
        let part = part.max(1);
        let count = u32::try_from(size.div_ceil(part))
            .map_err(|_| Error::new(ErrorKind::Invalid, "it has too many parts"))?;
        let room = limits.part.saturating_mul(limits.parallel as u64) / part;
        Ok(Self {
            size,
            part,
            count,
            parallel: usize::try_from(room)
                .unwrap_or(1)
                .clamp(1, limits.parallel.max(1)),
        })
    }

    /// The bytes of a part, counted from 0.
    pub(super) fn range(&self, number: u32) -> Range<u64> {
        let start = u64::from(number) * self.part;
        start..self.size.min(start + self.part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ConditionalPut;
    use testkit::seed::{Chance, seed};

    const MIB: u64 = 1 << 20;
    const TIB: u64 = 1 << 40;

    fn store(min_part: u64, max_part: u64, max_parts: u32) -> Capabilities {
        Capabilities {
            conditional_put: ConditionalPut::Version,
            probe: true,
            min_part,
            max_part,
            max_parts,
            ordered: false,
            uploads_apart: true,
            deletes: 1,
            copies: false,
            remote: true,
        }
    }

    /// "Amazon S3 multipart upload limits".
    fn s3() -> Capabilities {
        store(5 * MIB, 5 << 30, 10_000)
    }

    /// "Scalability and performance targets for Blob storage": blocks of 4,000 MiB.
    fn azure() -> Capabilities {
        store(1, 4000 * MIB, 50_000)
    }

    #[test]
    fn the_largest_files_of_each_service_fit() {
        let limits = Limits::default();
        let five = Cut::new(5 * TIB, &s3(), limits).expect("a cut");
        assert_eq!((five.part, five.count, five.parallel), (525 * MIB, 9987, 1));
        assert!(Cut::new((5 << 30) * 10_000, &s3(), limits).is_ok());
        let error = Cut::new((5 << 30) * 10_000 + 1, &s3(), limits).expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        // 50,000 blocks of 4,000 MiB: 190.7 TiB.
        let largest = 4000 * MIB * 50_000;
        let cut = Cut::new(largest, &azure(), limits).expect("a cut");
        assert_eq!((cut.part, cut.count), (4000 * MIB, 50_000));
        assert!(Cut::new(largest + 1, &azure(), limits).is_err());
    }

    #[test]
    fn parts_do_not_grow_before_they_must() {
        let limits = Limits::default();
        let usual = Cut::new(80_000 * MIB, &s3(), limits).expect("a cut");
        assert_eq!(
            (usual.part, usual.count, usual.parallel),
            (8 * MIB, 10_000, 4)
        );
        let more = Cut::new(80_000 * MIB + 1, &s3(), limits).expect("a cut");
        assert_eq!((more.part, more.count, more.parallel), (9 * MIB, 8889, 3));
        let small = Limits {
            part: MIB,
            ..limits
        };
        assert_eq!(
            Cut::new(20 * MIB, &s3(), small).expect("a cut").part,
            5 * MIB
        );
    }

    #[test]
    fn every_cut_covers_its_file_within_the_bounds() {
        let mut chance = Chance::new(seed(7));
        for _ in 0..20_000 {
            let caps = *chance.pick(&[s3(), azure(), store(1, u64::MAX, u32::MAX)]);
            let size = 1 + (chance.number() >> chance.below(60)) % (48 * TIB);
            let limits = Limits {
                part: 1 + chance.below(64 << 20) as u64,
                parallel: chance.below(65),
            };
            let cut = Cut::new(size, &caps, limits).expect("a cut");
            assert!(cut.part >= caps.min_part && cut.part <= caps.max_part);
            assert!((1..=caps.max_parts).contains(&cut.count));
            let last = cut.range(cut.count - 1);
            assert!(last.start < last.end && last.end == size, "{cut:?}");
            assert_eq!(last.start, u64::from(cut.count - 1) * cut.part);
            let memory = cut.part * cut.parallel as u64;
            let allowed = limits.part * limits.parallel.max(1) as u64;
            assert!(memory <= allowed.max(cut.part), "{cut:?} of {limits:?}");
        }
    }
}
