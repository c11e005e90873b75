//! How a command ends early, and how it says what it found.

use crate::stdio;
use pail::{Error, ErrorKind};
use std::io;

/// Why a command ends before it is through.
#[derive(Debug)]
pub(super) enum Stop {
    /// The reason was not told yet.
    Failed(Error),
    /// It failed in part, and has said so.
    Told,
    /// It went well, and what it was to check is wrong.
    Found,
    /// Nobody reads standard output any more.
    Closed,
    /// A signal came.
    Interrupted,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        let message = format!("cannot run or write: {error}");
        Self::Failed(Error::new(ErrorKind::Local, message).with_source(error))
    }
}

/// Writes bytes to standard output.
pub(super) fn show(bytes: &[u8]) -> Result<(), Stop> {
    match stdio::write(bytes) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Stop::Closed),
        Err(error) => Err(Error::new(
            ErrorKind::Local,
            format!("cannot write to standard output: {error}"),
        )
        .with_source(error)
        .into()),
    }
}

/// Writes a line to standard output.
pub(super) fn say(line: &str) -> Result<(), Stop> {
    show(format!("{line}\n").as_bytes())
}

/// An error for which the command line is to be changed.
pub(super) fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, message).with_hint(hint)
}
