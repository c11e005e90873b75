//! Names of files in the whole bucket.

use super::asked::{Asked, Place};
use crate::error::{ErrorKind, Result};
use crate::key::Key;

/// What stands before each key: the prefix, with its slash.
pub(super) fn root(prefix: &str) -> String {
    match prefix {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    }
}

/// The name of a file below `root`.
pub(super) fn full<P: Place>(root: &str, key: &Key, asked: &Asked<'_, P>) -> Result<String> {
    if key.as_str().is_empty() {
        return Err(asked.error(ErrorKind::Invalid, "the prefix itself is no file"));
    }
    Ok(format!("{root}{key}"))
}
