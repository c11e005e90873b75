//! A conversation with the program that called us, line by line, and how it ends: what is the
//! same with git, git-lfs and git-annex.

use crate::{exit, stdio, ui};
use pail::{Error, ErrorKind};
use std::io::{self, BufRead, Read};
use std::process::ExitCode;

/// Why a conversation ends before the other side ends it.
#[derive(Debug)]
pub enum Stop {
    /// What was said makes no sense, or we cannot go on; the reason was not told yet.
    Failed(Error),
    /// The other side went away.
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
        let message = format!("cannot speak with the program that called this one: {error}");
        Self::Failed(Error::new(ErrorKind::Local, message).with_source(error))
    }
}

/// Says what there is to say at the end. `failed` is the exit code of a failure.
#[must_use]
pub fn end(ended: Result<(), Stop>, failed: u8) -> ExitCode {
    match ended {
        Ok(()) | Err(Stop::Closed) => ExitCode::SUCCESS,
        Err(Stop::Interrupted) => ExitCode::from(exit::INTERRUPTED),
        Err(Stop::Failed(error)) => {
            ui::show(&error);
            ExitCode::from(failed)
        }
    }
}

/// Says something.
///
/// # Errors
///
/// [`Stop::Closed`] if nobody listens any more.
pub fn say(bytes: &[u8]) -> Result<(), Stop> {
    if stdio::write(bytes)? {
        Ok(())
    } else {
        Err(Stop::Closed)
    }
}

/// The next line without its line feed; nothing at the end.
///
/// # Errors
///
/// If there is none within `max` bytes, or it cannot be read.
pub fn line(input: &mut impl BufRead, max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if Read::take(&mut *input, max).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        let what = "a line is cut or too long";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_an_end_within_its_bound() {
        let mut input = &b"one\n\ntwo\nx"[..];
        let mut next = || line(&mut input, 4);
        assert_eq!(next().unwrap().unwrap(), b"one");
        assert_eq!(next().unwrap().unwrap(), b"");
        assert_eq!(next().unwrap().unwrap(), b"two");
        assert!(next().is_err(), "cut");
        assert_eq!(next().unwrap(), None);
        assert!(line(&mut &b"long\n"[..], 4).is_err());
    }
}
