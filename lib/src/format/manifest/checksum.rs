//! The checksum that a manifest carries: SHA-256 of its own bytes, with zeros in the place
//! of the checksum's digits.
//!
//! A bit that is turned over on the way, or on a disk, could make another valid manifest:
//! another generation, another id. Nothing below tells it: S3 checks what it takes in, and
//! not every service what it gives out.

use crate::oid::hex;
use sha2::{Digest, Sha256};

const FIELD: &[u8] = b"\"checksum\":\"";
const DIGITS: usize = 64;

/// The digits in a manifest that has no checksum yet.
pub(super) fn blank() -> String {
    "0".repeat(DIGITS)
}

/// Puts the checksum in the place of the blank one.
pub(super) fn seal(bytes: &mut [u8]) {
    if let Some(at) = place(bytes) {
        let sum = sum(bytes, at);
        bytes[at..at + DIGITS].copy_from_slice(sum.as_bytes());
    }
}

/// Whether the checksum is the right one; `None` if there is none.
pub(super) fn holds(bytes: &[u8]) -> Option<bool> {
    let at = place(bytes)?;
    Some(sum(bytes, at).as_bytes() == &bytes[at..at + DIGITS])
}

/// Where the digits start: at the first field of that name. A writer puts it before every
/// text that could hold the same words.
fn place(bytes: &[u8]) -> Option<usize> {
    let at = bytes
        .windows(FIELD.len())
        .position(|window| window == FIELD)?
        + FIELD.len();
    (bytes.len() >= at + DIGITS).then_some(at)
}

fn sum(bytes: &[u8], at: usize) -> String {
    let mut sha = Sha256::new();
    sha.update(&bytes[..at]);
    sha.update(blank());
    sha.update(&bytes[at + DIGITS..]);
    hex(&sha.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_manifest_holds_and_no_other_bit_does() {
        let mut bytes = format!(
            "{{\"pail\":1,\"checksum\":\"{}\",\"generation\":7}}",
            blank()
        )
        .into_bytes();
        assert_eq!(holds(&bytes), Some(false));
        seal(&mut bytes);
        assert_eq!(holds(&bytes), Some(true));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(holds(&bytes), Some(true), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(holds(b"{\"pail\":1}"), None);
    }
}
