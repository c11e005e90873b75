//! Files that lie in an archive, and are asked back from it.

use crate::error::{Error, ErrorKind};

/// How a file is asked back from an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recall {
    /// For how many days it can be read then, where the service takes the copy away again.
    pub days: u32,
    /// How soon, which decides what it costs.
    pub speed: Speed,
}

impl Default for Recall {
    /// For one day, at the usual speed.
    fn default() -> Self {
        Self {
            days: 1,
            speed: Speed::Usual,
        }
    }
}

/// How soon a file is to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// In hours.
    Usual,
    /// Later and cheaper, where the service has that.
    Slow,
    /// Sooner and dearer.
    Fast,
}

/// What became of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recalled {
    /// It will come.
    Asked,
    /// Somebody has asked before, and it will come.
    Coming,
    /// It can be read.
    Here,
}

/// The answer of stores that have no such thing.
pub(super) fn no_such_thing(store: String, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{store} cannot {what}"))
}
