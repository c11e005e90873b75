//! Names of git-annex as keys of the bucket, both directions.
//!
//! A key of git-annex and the path of an exported file are the name of the file in the
//! bucket, byte for byte, behind the prefix: so does git-annex's own S3 remote. What no
//! store can hold as a name (bytes that are no UTF-8, an empty part) is escaped, under a
//! folder of its own.

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use std::fmt::Write as _;

/// The folder of names that had to be escaped.
const ESCAPED: &str = "pail-escaped/";

/// Start of names that the folder store keeps for itself.
const RESERVED: &str = ".pail-";

/// The key of a name.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if the name is longer than a key can be, or the prefix is no start
/// of a key.
pub fn to_key(prefix: &str, name: &[u8]) -> Result<Key> {
    if name.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "an empty name is no file"));
    }
    let plain = |text: &&str| {
        let reserved = text.split('/').any(|part| part.starts_with(RESERVED));
        !text.starts_with(ESCAPED) && !reserved
    };
    if let Some(text) = std::str::from_utf8(name).ok().filter(plain)
        && let Ok(key) = Key::new(format!("{prefix}{text}"))
    {
        return Ok(key);
    }
    Key::new(format!("{prefix}{ESCAPED}{}", escape(name)))
}

/// The name that a key was made of; `None` if it was made of none.
pub fn from_key(prefix: &str, key: &str) -> Option<Vec<u8>> {
    let text = key.strip_prefix(prefix)?;
    let name = match text.strip_prefix(ESCAPED) {
        Some(escaped) => unescape(escaped)?,
        None => text.as_bytes().to_vec(),
    };
    let made = to_key(prefix, &name).ok()?;
    (made.as_str() == key).then_some(name)
}

/// One part of a path, in ASCII. The dot at its start may be a reserved one.
fn escape(name: &[u8]) -> String {
    let mut out = String::with_capacity(name.len());
    for (at, byte) in name.iter().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-_,:=+@ ".contains(byte);
        if plain || (*byte == b'.' && at > 0) {
            out.push(char::from(*byte));
        } else {
            // A `String` takes everything.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Decodes percent escapes.
pub(super) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_can_hold_keeps_its_name() {
        for name in [
            "SHA256E-s6--5891b5b522d5.txt",
            "sub dir/uni #1+&.txt",
            "größe/%25",
            ".git/annex/objects/171/8dc/SHA256-s1--a/SHA256-s1--a",
            " leading and trailing ",
        ] {
            let key = to_key("pre/fix-", name.as_bytes()).expect("a key");
            assert_eq!(key.as_str(), format!("pre/fix-{name}"));
            let back = from_key("pre/fix-", key.as_str());
            assert_eq!(back.as_deref(), Some(name.as_bytes()));
        }
    }

    #[test]
    fn what_it_cannot_hold_is_escaped_and_found_again() {
        let names: [&[u8]; 9] = [
            b"a\xff",
            b"URL--http://example.org//a",
            b"a\\b",
            b"cr\r",
            b"..",
            b"pail-escaped/a",
            b".pail-lock",
            b"x/.pail-lock",
            b"/abs",
        ];
        for name in names {
            let key = to_key("p/", name).expect("a key");
            let rest = key
                .as_str()
                .strip_prefix("p/pail-escaped/")
                .expect("escaped");
            assert!(!rest.contains('/') && rest.is_ascii(), "{rest}");
            assert_eq!(from_key("p/", key.as_str()).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_key_that_nobody_made_is_no_name() {
        for key in [
            "other/a",
            "p/pail-escaped/a%2",
            "p/pail-escaped/plain",
            "p/",
        ] {
            assert_eq!(from_key("p/", key), None, "{key}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_an_error() {
        let error = to_key("", &[b'x'; 2000]).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(to_key("p", b"").is_err());
    }
}
