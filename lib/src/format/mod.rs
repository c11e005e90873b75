//! The bytes of the native layout: what `docs/format/v1.md` says, in code. No I/O.

pub mod keys;
pub mod log;
pub mod manifest;
pub mod names;
pub mod pack;
pub mod refs;

pub use manifest::Manifest;

use crate::error::{Error, ErrorKind};
use std::fmt;

/// A [`ErrorKind::Corrupt`] error about one kind of file.
pub(crate) fn corrupt(what: &str, why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("cannot read {what}: {why}"))
}
