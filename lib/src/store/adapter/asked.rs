//! What was asked of a service, as errors name it.

use super::document::{one_line, unescape};
use super::http::Refusal;
use super::http::pool::Failure;
use crate::error::{Error, ErrorKind};
use std::fmt;

/// What was to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Look,
    Read,
    Write,
    List,
    ListParts,
    ListUploads,
    Delete,
    /// The settings of the bucket.
    Settings,
    /// To bring back from an archive.
    Recall,
    /// The bucket itself.
    Make,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Look => "look at",
            Self::Read => "read",
            Self::Write => "write",
            Self::List => "list",
            Self::ListParts => "list the parts of",
            Self::ListUploads => "list the unfinished uploads of",
            Self::Delete => "delete",
            Self::Settings => "see the settings of",
            Self::Recall => "bring back",
            Self::Make => "make",
        })
    }
}

/// A place at one kind of service.
pub(super) trait Place: fmt::Display + Clone {
    /// The service, as in `the address of <service>`.
    const SERVICE: &'static str;
}

/// A request, as an error names it.
#[derive(Debug)]
pub(super) struct Asked<'a, P> {
    pub(super) act: Act,
    /// A key or a prefix; empty for the place itself.
    pub(super) thing: &'a str,
    pub(super) location: &'a P,
}

impl<P> Clone for Asked<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Asked<'_, P> {}

/// The same, for a stream that outlives the call.
pub(super) struct Owned<P> {
    act: Act,
    thing: String,
    location: P,
}

impl<P> Owned<P> {
    pub(super) fn asked(&self) -> Asked<'_, P> {
        Asked {
            act: self.act,
            thing: &self.thing,
            location: &self.location,
        }
    }
}

impl<P: Place> Asked<'_, P> {
    pub(super) fn into_owned(self) -> Owned<P> {
        Owned {
            act: self.act,
            thing: self.thing.to_owned(),
            location: self.location.clone(),
        }
    }

    /// `cannot <act> <thing> in <location>: <why>`
    pub(super) fn error(&self, kind: ErrorKind, why: impl fmt::Display) -> Error {
        let (act, thing, location) = (self.act, self.thing, self.location);
        let text = if thing.is_empty() {
            format!("cannot {act} {location}: {why}")
        } else {
            format!("cannot {act} {thing} in {location}: {why}")
        };
        Error::new(kind, text)
    }

    /// An answer that the service does not give.
    pub(super) fn nonsense(&self, why: impl fmt::Display) -> Error {
        self.error(
            ErrorKind::Unsupported,
            format_args!("the answer makes no sense: {why}"),
        )
        .with_hint(format!("is this the address of {}?", P::SERVICE))
    }

    /// A write of which nobody can say whether it took place.
    pub(super) fn doubt(&self, why: impl fmt::Display) -> Error {
        self.error(
            ErrorKind::InDoubt,
            format_args!("it may have been written: {why}"),
        )
    }

    /// A connection that did not come about or did not last.
    pub(super) fn broken(&self, failure: &Failure) -> Error {
        let error = self.error(failure.kind(), failure);
        match failure.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// An answer that was no success: what it means in our words, with a hint, and behind
    /// them the service's `code` and what else it `said`, still escaped.
    pub(super) fn refused(
        &self,
        refusal: &Refusal,
        (kind, why, hint): (ErrorKind, &str, Option<impl Into<String>>),
        code: Option<&str>,
        said: Option<&str>,
    ) -> Error {
        let detail = match (code, said.map(|text| one_line(&unescape(text)))) {
            (Some(code), Some(said)) => format!("{code}: {}", said.trim_end_matches('.')),
            (Some(code), None) => code.to_owned(),
            (None, _) => format!("status {}", refusal.status.as_u16()),
        };
        let mut error = self.error(kind, format_args!("{why} ({detail})"));
        if let Some(pause) = refusal.pause() {
            error = error.with_pause(pause);
        }
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}
