//! The container of packs and their indexes, as gitformat-pack(5) describes it: just what
//! is needed to join packs, to salt one, and to check that a file is what it says.

use crate::oid::ObjectFormat;

/// Bytes of a pack's header: `PACK`, the version, the number of objects.
pub const HEADER_LEN: usize = 12;

/// The header of a version 2 pack.
pub fn header(objects: u32) -> [u8; HEADER_LEN] {
    let mut out = *b"PACK\0\0\0\x02\0\0\0\0";
    out[8..].copy_from_slice(&objects.to_be_bytes());
    out
}

/// The number of objects, if these bytes are the header of a version 2 pack.
pub fn parse_header(bytes: &[u8]) -> Option<u32> {
    let bytes: &[u8; HEADER_LEN] = bytes.get(..HEADER_LEN)?.try_into().ok()?;
    let count = u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    (header(count) == *bytes).then_some(count)
}

/// Bytes of the smallest pack that can be: a header and a checksum.
pub fn min_len(format: ObjectFormat) -> u64 {
    (HEADER_LEN + format.raw_len()) as u64
}

/// Where an entry's zlib stream starts, counted from the entry's own start.
///
/// An entry opens with its type and size in groups of 7 bits, then, for deltas, the
/// distance to the base in groups of 7 bits, or the base's id.
pub fn stream_start(entry: &[u8], format: ObjectFormat) -> Option<usize> {
    const OFS_DELTA: u8 = 6;
    const REF_DELTA: u8 = 7;
    let groups = |from: usize| {
        entry
            .get(from..)?
            .iter()
            .position(|byte| byte & 0x80 == 0)
            .map(|at| from + at + 1)
    };
    let end = groups(0)?;
    match (entry[0] >> 4) & 7 {
        1..=4 => Some(end),
        OFS_DELTA => groups(end),
        REF_DELTA => Some(end + format.raw_len()),
        _ => None,
    }
}

/// Longest opening of an entry: 10 bytes of type and size, then a base's id.
pub const MAX_ENTRY_OPENING: usize = 10 + 32;

/// How many bits of chance a salt holds.
pub const SALT_BITS: usize = 80;

/// Bytes that may stand between a zlib stream's two header bytes and its first block
/// without changing what it inflates to: empty stored blocks.
///
/// A stored block that is not the last starts with three zero bits, is padded to a byte,
/// and then tells its length, here 0 (RFC 1951, 3.2.4). What stands in the five bits of
/// padding is ignored by every inflater, so it can carry chance.
pub fn salt(chance: &[u8; SALT_BITS / 5]) -> Vec<u8> {
    chance
        .iter()
        .flat_map(|byte| [byte << 3, 0, 0, 0xff, 0xff])
        .collect()
}

/// The fixed part of a version 2 index: where its tables stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexShape {
    /// How many objects it lists.
    pub objects: u32,
    format: ObjectFormat,
}

impl IndexShape {
    /// Bytes up to the end of the fan-out table.
    pub const HEADER_LEN: usize = 8 + 256 * 4;

    /// Reads the header and the fan-out table.
    pub fn parse(header: &[u8], format: ObjectFormat) -> Option<Self> {
        let header = header
            .get(..Self::HEADER_LEN)?
            .strip_prefix(b"\xfftOc\0\0\0\x02")?;
        let mut last = 0;
        for entry in header.chunks_exact(4) {
            let count = u32::from_be_bytes(entry.try_into().ok()?);
            if count < last {
                return None;
            }
            last = count;
        }
        Some(Self {
            objects: last,
            format,
        })
    }

    /// Where the table of CRC-32 sums starts: four bytes an object.
    pub fn crc_table(self) -> u64 {
        Self::HEADER_LEN as u64 + u64::from(self.objects) * self.format.raw_len() as u64
    }

    /// Where the table of offsets starts: four bytes an object.
    pub fn offset_table(self) -> u64 {
        self.crc_table() + u64::from(self.objects) * 4
    }

    /// Where the table of offsets beyond 2 GiB starts: eight bytes each.
    pub fn large_offset_table(self) -> u64 {
        self.offset_table() + u64::from(self.objects) * 4
    }

    /// Bytes of the pack's checksum and the index's own, which end the file.
    pub fn trailer_len(self) -> u64 {
        self.format.raw_len() as u64 * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_that_of_gitformat_pack() {
        assert_eq!(header(3), *b"PACK\0\0\0\x02\0\0\0\x03");
        assert_eq!(parse_header(&header(7)), Some(7));
        assert_eq!(parse_header(b"PACK\0\0\0\x09\0\0\0\x03"), None);
        assert_eq!(parse_header(b"PACK"), None);
    }

    #[test]
    fn the_stream_of_an_entry_is_found_behind_its_opening() {
        // A commit (type 1) of 15 bytes; a blob (type 3) of 300 bytes; an offset delta with
        // a distance of two groups; a delta against an id.
        assert_eq!(stream_start(&[0x1f, 0x78], ObjectFormat::Sha1), Some(1));
        assert_eq!(
            stream_start(&[0xbc, 0x12, 0x78], ObjectFormat::Sha1),
            Some(2)
        );
        assert_eq!(
            stream_start(&[0x65, 0x80, 0x10, 0x78], ObjectFormat::Sha1),
            Some(3)
        );
        assert_eq!(stream_start(&[0x75, 0x11], ObjectFormat::Sha256), Some(33));
        assert_eq!(stream_start(&[0x05], ObjectFormat::Sha1), None);
        assert_eq!(stream_start(&[0xff, 0xff], ObjectFormat::Sha1), None);
    }
}
