//! What an I/O error means for whoever called.

use crate::error::{Error, ErrorKind};
use std::fmt::Display;
use std::io;

/// Turns an I/O error into `cannot <act>: <reason>`, with a kind and a hint.
pub(super) fn failed(act: impl Display, error: io::Error) -> Error {
    use io::ErrorKind as Io;
    let (kind, hint) = match error.kind() {
        Io::PermissionDenied | Io::ReadOnlyFilesystem => (
            ErrorKind::Denied,
            Some("this user needs leave to read and write the folder and what is in it"),
        ),
        Io::StorageFull => (
            ErrorKind::Local,
            Some("the disk is full: make room and try again"),
        ),
        Io::QuotaExceeded => (
            ErrorKind::Local,
            Some("the disk quota is used up: make room and try again"),
        ),
        Io::NotADirectory | Io::IsADirectory | Io::AlreadyExists | Io::DirectoryNotEmpty => (
            ErrorKind::Invalid,
            Some("a file stands where a folder is needed, or a folder where a file is"),
        ),
        Io::InvalidFilename => (
            ErrorKind::Invalid,
            Some("the file system does not allow this name"),
        ),
        Io::StaleNetworkFileHandle | Io::TimedOut | Io::HostUnreachable | Io::NetworkDown => {
            (ErrorKind::Unavailable, None)
        }
        _ => (ErrorKind::Local, None),
    };
    let out = Error::new(kind, format!("cannot {act}: {error}")).with_source(error);
    match hint {
        Some(hint) => out.with_hint(hint),
        None => out,
    }
}

/// Whether the error says that no file of this name is there, or can be.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_says_what_can_be_done() {
        for (from, kind, hint) in [
            (io::ErrorKind::PermissionDenied, ErrorKind::Denied, "leave"),
            (
                io::ErrorKind::ReadOnlyFilesystem,
                ErrorKind::Denied,
                "leave",
            ),
            (io::ErrorKind::StorageFull, ErrorKind::Local, "make room"),
            (io::ErrorKind::QuotaExceeded, ErrorKind::Local, "make room"),
            (
                io::ErrorKind::NotADirectory,
                ErrorKind::Invalid,
                "stands where",
            ),
        ] {
            let error = failed("write a", from.into());
            assert_eq!(error.kind(), kind, "{from}");
            assert!(error.to_string().starts_with("cannot write a: "));
            let found = error.hint().unwrap_or_default();
            assert!(found.contains(hint), "{from}: {found}");
        }
    }
}
