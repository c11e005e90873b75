//! The bytes of the native layout: what `docs/format/v1.md` says, in code. No I/O.

pub mod aside;
pub mod keys;
mod lines;
pub mod log;
pub mod manifest;
pub mod names;
pub mod pack;
pub mod refs;
pub mod settings;

pub use manifest::Manifest;

use crate::error::{Error, ErrorKind};
use crate::oid::hex;
use sha2::{Digest, Sha256};
use std::fmt;

/// The SHA-256 by which a manifest names small files, in hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A [`ErrorKind::Corrupt`] error about one kind of file.
pub(crate) fn corrupt(what: &str, why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("cannot read {what}: {why}"))
}
