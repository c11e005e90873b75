//! What a key of git-annex tells about its content.

use crate::oid::hex;
use md5::{Digest, Md5};

/// A key of git-annex, as far as a remote must understand it.
///
/// `BACKEND[-sBYTES][-mTIME][-SBYTES-CNUMBER]--NAME`; git-annex's page "key format".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AnnexKey {
    size: Option<u64>,
    /// Bytes of each chunk but the last, and which one it is, from 1.
    chunk: Option<(u64, u64)>,
    /// Whether the content is whatever an address gave.
    loose: bool,
    /// The MD5 of the key: what tells it from others.
    sum: [u8; 16],
}

impl AnnexKey {
    /// Reads the fields of a key. What is not understood is passed over: names of encrypted
    /// content have no fields at all.
    pub fn parse(key: &[u8]) -> Self {
        let end = key.windows(2).position(|pair| pair == b"--");
        let head = end.map_or(&[][..], |end| &key[..end]);
        let mut fields = head.split(|byte| *byte == b'-');
        let backend = fields.next().unwrap_or_default();
        let mut out = Self {
            loose: matches!(backend, b"URL" | b"VURL"),
            sum: Md5::digest(key).into(),
            ..Self::default()
        };
        let (mut part, mut number) = (None, None);
        for field in fields {
            let Some((letter, digits)) = field.split_first() else {
                continue;
            };
            let digits = std::str::from_utf8(digits).ok();
            let value = digits.and_then(|digits| digits.parse().ok());
            match letter {
                b's' => out.size = value,
                b'S' => part = value,
                b'C' => number = value,
                _ => {}
            }
        }
        out.chunk = part.zip(number).filter(|chunk| chunk.0 > 0 && chunk.1 > 0);
        out
    }

    /// What tells the key from others, in as many letters whatever it is.
    pub(super) fn sum(&self) -> String {
        hex(&self.sum)
    }

    /// Bytes of what is stored under this key, if it is stored as it is.
    pub fn stored_size(&self) -> Option<u64> {
        let size = self.size.filter(|_| !self.loose)?;
        let Some((part, number)) = self.chunk else {
            return Some(size);
        };
        let start = part.checked_mul(number - 1)?;
        Some(size.saturating_sub(start).min(part))
    }
}

/// The keys of the chunks that follow one.
pub(super) fn chunks(key: &[u8]) -> Vec<Vec<u8>> {
    let fields = AnnexKey::parse(key);
    let Some((size, (part, number))) = fields.size.zip(fields.chunk) else {
        return Vec::new();
    };
    let own = format!("-C{number}--").into_bytes();
    let Some(at) = key.windows(own.len()).position(|found| found == own) else {
        return Vec::new();
    };
    let (head, tail) = (&key[..at], &key[at + own.len()..]);
    let others = number + 1..=size.div_ceil(part);
    let key = |number: u64| [head, format!("-C{number}--").as_bytes(), tail].concat();
    others.map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(key: &str) -> Option<u64> {
        AnnexKey::parse(key.as_bytes()).stored_size()
    }

    #[test]
    fn a_key_says_how_much_is_stored_under_it() {
        assert_eq!(size("SHA256E-s6--5891b5b522d5.txt"), Some(6));
        assert_eq!(size("WORM-s6-m1700000000--a-s9--b"), Some(6));
        assert_eq!(size("GITBUNDLE-s310--9c06-8d4f"), Some(310));
        for none in [
            "SHA256E--5891b5b522d5",
            "GPGHMACSHA1--0123456789abcdef",
            "GITMANIFEST--9c06.bak",
            "no key at all",
            "",
            "SHA256-sx--a",
            "SHA256-s99999999999999999999999--a",
        ] {
            assert_eq!(size(none), None, "{none}");
        }
    }

    #[test]
    fn the_last_chunk_is_what_the_others_leave() {
        assert_eq!(
            size("SHA256E-s3000000-S1048576-C1--5f38.bin"),
            Some(1_048_576)
        );
        assert_eq!(
            size("SHA256E-s3000000-S1048576-C3--5f38.bin"),
            Some(902_848)
        );
        assert_eq!(size("SHA256E-s0-S1048576-C1--e3b0.bin"), Some(0));
        assert_eq!(
            size("SHA256E-s2097152-S1048576-C2--5f38.bin"),
            Some(1_048_576)
        );
        assert_eq!(size("SHA256E-S1048576-C1--5f38.bin"), None);
    }

    #[test]
    fn the_chunks_after_one_are_known_by_its_key() {
        let after = |key: &str| {
            let found = chunks(key.as_bytes()).into_iter();
            found
                .map(|key| String::from_utf8(key).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            after("SHA256E-s3000000-S1048576-C1--5f38-C1--.bin"),
            [
                "SHA256E-s3000000-S1048576-C2--5f38-C1--.bin",
                "SHA256E-s3000000-S1048576-C3--5f38-C1--.bin",
            ]
        );
        for last in [
            "SHA256E-s3000000-S1048576-C3--5f38.bin",
            "SHA256E-s2097152-S1048576-C2--5f38.bin",
            "SHA256E-s0-S1048576-C1--e3b0.bin",
            "SHA256E-s6--5891b5b522d5.txt",
            "GPGHMACSHA1--0123456789abcdef",
        ] {
            assert_eq!(after(last), Vec::<String>::new(), "{last}");
        }
    }

    #[test]
    fn what_an_address_gave_has_any_size() {
        assert_eq!(size("URL-s12--http://example.org/a"), None);
        assert_eq!(size("VURL-s12--http://example.org/a"), None);
    }
}
