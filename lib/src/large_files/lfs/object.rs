//! What names an LFS object, and the key that it has. Such keys are spelled here only.

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where LFS objects lie.
pub const PREFIX: &str = "lfs/";

/// The name of an LFS object: the SHA-256 of its bytes, as 64 lower-case hex digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct Oid(Box<str>);

/// An LFS object, as a pointer file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub oid: Oid,
    /// Its bytes.
    pub size: u64,
}

impl Oid {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `lfs/<oid>`
    ///
    /// # Errors
    ///
    /// None in practice: every oid makes a key.
    pub fn key(&self) -> Result<Key> {
        Key::new(format!("{PREFIX}{self}"))
    }

    /// The oid of a key; `None` if no LFS object has such a one.
    pub fn from_key(key: &str) -> Option<Self> {
        key.strip_prefix(PREFIX)?.parse().ok()
    }
}

impl TryFrom<Box<str>> for Oid {
    type Error = Error;

    fn try_from(text: Box<str>) -> Result<Self> {
        text.parse()
    }
}

impl FromStr for Oid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 64 && text.bytes().all(digit) {
            return Ok(Self(text.into()));
        }
        let shown: String = text.chars().take(80).collect();
        Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "'{}' is no LFS object id: it has to be 64 lower-case hex digits",
                shown.escape_debug()
            ),
        ))
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oid_is_lower_case_hex_and_nothing_else() {
        let good = "0123456789abcdef".repeat(4);
        assert_eq!(good.parse::<Oid>().unwrap().as_str(), good);
        for bad in [
            String::new(),
            "a".repeat(63),
            "a".repeat(65),
            "A".repeat(64),
            "g".repeat(64),
            format!("../{}", "a".repeat(61)),
            "ä".repeat(32),
            "x".repeat(1 << 20),
        ] {
            let error = bad.parse::<Oid>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().len() < 700);
        }
    }

    #[test]
    fn a_key_tells_its_oid_and_others_have_none() {
        let oid: Oid = "5".repeat(64).parse().unwrap();
        let key = oid.key().unwrap();
        assert_eq!(key.as_str(), format!("lfs/{}", "5".repeat(64)));
        assert_eq!(Oid::from_key(key.as_str()), Some(oid));
        for other in ["lfs/", "lfs/x", "lfs/../x", "objects/x"] {
            assert_eq!(Oid::from_key(other), None, "{other}");
        }
    }
}
