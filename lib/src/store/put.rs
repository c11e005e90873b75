//! Conditional writes: losing a race is an answer, not an error.

use std::fmt;

/// The state of a file at one moment, as the bucket names it (an ETag or a generation).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(String);

impl Version {
    /// Takes the bucket's own token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token, as the bucket gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When a write may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition<'a> {
    /// In any case. Only for keys that nobody else ever writes.
    Always,
    /// Only if there is no such file.
    Absent,
    /// Only if the file still has this version.
    Unchanged(&'a Version),
}

/// What became of a write.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// The file is in the bucket, at this version.
    Written(Version),
    /// The condition did not hold; nothing of ours was kept by this request.
    Lost,
}
