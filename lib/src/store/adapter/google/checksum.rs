//! CRC32C, as `x-goog-hash` has it: four bytes, the highest first, in Base64.

use crate::store::adapter::checked::Checksum;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use http::HeaderMap;

const CRC32C: CrcAlgorithm = CrcAlgorithm::Crc32Iscsi;

/// The checksum of what was read so far, and the one that an object should have.
struct Running {
    digest: Digest,
    expected: u32,
}

impl Running {
    fn new(expected: u32) -> Self {
        Self {
            digest: Digest::new(CRC32C),
            expected,
        }
    }
}

impl Checksum for Running {
    fn add(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    fn is_right(&self) -> bool {
        self.digest.finalize() == u64::from(self.expected)
    }
}

/// The checksum of bytes.
pub(super) fn of(bytes: &[u8]) -> u32 {
    // The algorithm has 32 bits.
    u32::try_from(crc_fast::checksum(CRC32C, bytes)).unwrap_or_default()
}

/// The checksum of two pieces, one behind the other.
pub(super) fn joined(first: u32, second: u32, second_length: u64) -> u32 {
    let sum = crc_fast::checksum_combine(CRC32C, first.into(), second.into(), second_length);
    u32::try_from(sum).unwrap_or_default()
}

/// What is sent along with a body, for the service to check on its arrival.
pub(super) fn claim(body: &Bytes) -> String {
    format!("crc32c={}", BASE64_STANDARD.encode(of(body).to_be_bytes()))
}

/// What the service says of an object.
pub(super) fn said(headers: &HeaderMap) -> Option<u32> {
    let values = headers.get_all("x-goog-hash").into_iter();
    let mut claims = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let sum = claims.find_map(|claim| claim.trim().strip_prefix("crc32c="))?;
    let bytes: [u8; 4] = BASE64_STANDARD.decode(sum).ok()?.try_into().ok()?;
    Some(u32::from_be_bytes(bytes))
}

/// The same, to check an object while it comes.
pub(super) fn running(headers: &HeaderMap) -> Option<Box<dyn Checksum>> {
    Some(Box::new(Running::new(said(headers)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        // RFC 3720, B.4, and the check value of CRC-32/ISCSI.
        assert_eq!(of(&[0; 32]), 0x8a91_36aa);
        assert_eq!(of(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(of(b"123456789"), 0xe306_9283);
        assert_eq!(claim(&Bytes::from_static(b"hello")), "crc32c=mnG7TA==");
        assert_eq!(joined(of(b"12345"), of(b"6789"), 4), 0xe306_9283);
        for (expected, is_right) in [(0xe306_9283, true), (0, false)] {
            let mut running = Running::new(expected);
            running.add(b"1234");
            running.add(b"56789");
            assert_eq!(running.is_right(), is_right);
        }
    }

    #[test]
    fn it_is_found_among_others() {
        let headers = |values: &[&'static str]| {
            let mut out = HeaderMap::new();
            for value in values {
                out.append("x-goog-hash", http::HeaderValue::from_static(value));
            }
            said(&out)
        };
        let hello = Some(of(b"hello"));
        assert_eq!(
            headers(&["md5=XUFAKrxLKna5cZ2REBfFkg==", "crc32c=mnG7TA=="]),
            hello
        );
        assert_eq!(
            headers(&["crc32c=mnG7TA==, md5=XUFAKrxLKna5cZ2REBfFkg=="]),
            hello
        );
        assert_eq!(headers(&["md5=XUFAKrxLKna5cZ2REBfFkg=="]), None);
        assert_eq!(headers(&["crc32c=short"]), None);
    }
}
