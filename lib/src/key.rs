//! Names of files in a bucket.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;

/// The name of a file under the prefix of a repository: a relative path that cannot climb.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<str>);

impl Key {
    /// Longest key in bytes. S3 allows 1,024 with the prefix; this leaves room for one.
    pub const MAX_LEN: usize = 768;

    /// Checks a relative path: no empty part, no `.` or `..`, no control character, no
    /// backslash. The empty key names the prefix itself and serves for listing only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] with the rule that was broken.
    pub fn new(path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        let bad_part = |part: &str| part.is_empty() || part == "." || part == "..";
        let why = if path.len() > Self::MAX_LEN {
            "it is too long"
        } else if path.chars().any(|c| c.is_control() || c == '\\') {
            "it holds a control character or a backslash"
        } else if !path.is_empty() && path.split('/').any(bad_part) {
            "it has an empty part, or one that is . or .."
        } else {
            return Ok(Self(path.into_boxed_str()));
        };
        Err(Error::new(
            ErrorKind::Invalid,
            format!("'{}' is no key: {why}", path.escape_debug()),
        ))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_leave_its_prefix() {
        for bad in [
            "/a", "a/", "a//b", "..", "a/../b", "./a", "a\\b", "a\nb", "a/.",
        ] {
            assert!(Key::new(bad).is_err(), "{bad}");
        }
        assert!(Key::new("objects/pack/pack-1.pack").is_ok());
        assert!(Key::new("x".repeat(Key::MAX_LEN + 1)).is_err());
    }
}
