//! What an error of opendal means for whoever called.

use crate::error::{Error, ErrorKind};
use crate::store::url::LongTailLocation;
use opendal::ErrorKind as Kind;

/// What was being done, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act<'a> {
    pub(super) verb: &'static str,
    pub(super) what: &'a str,
    pub(super) location: &'a LongTailLocation,
}

impl Act<'_> {
    /// `cannot <act> <thing> at <place>: <reason>`.
    pub(super) fn error(&self, kind: ErrorKind, why: &str) -> Error {
        let Self {
            verb,
            what,
            location,
        } = self;
        Error::new(kind, format!("cannot {verb} {what} at {location}: {why}"))
    }

    /// The error of a request. Its text is opendal's message without the context behind it,
    /// which can hold addresses with secrets.
    pub(super) fn failed(&self, error: opendal::Error) -> Error {
        let out = self.error(kind(&error), error.message());
        let hint = match error.kind() {
            Kind::PermissionDenied => {
                Some("the account may not do this there, or its secret is wrong")
            }
            Kind::RateLimited => Some("the service asks for a slower pace: try again later"),
            _ => None,
        };
        match hint {
            Some(hint) => out.with_hint(hint),
            None => out,
        }
    }

    /// A body that ended too early.
    pub(super) fn cut(&self, error: &std::io::Error) -> Error {
        self.error(
            ErrorKind::Unavailable,
            &format!("the answer was cut off: {}", error.kind()),
        )
    }
}

fn kind(error: &opendal::Error) -> ErrorKind {
    match error.kind() {
        Kind::PermissionDenied => ErrorKind::Denied,
        Kind::NotFound => ErrorKind::Missing,
        Kind::ConfigInvalid | Kind::IsADirectory | Kind::NotADirectory | Kind::IsSameFile => {
            ErrorKind::Invalid
        }
        Kind::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::Unavailable,
    }
}
