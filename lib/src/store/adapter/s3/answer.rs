//! From what object_store says to what a caller can do about it.

use super::refusal;
use crate::error::{Error, ErrorKind, Result};
use crate::store::adapter::document::one_line;
use crate::store::adapter::http::Refusal;
use crate::store::adapter::http::pool::Failure;
use crate::store::url::S3Location;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::StatusCode;
use object_store::client::HttpError;
use std::error::Error as StdError;
use std::fmt;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Look,
    Read,
    Write,
    List,
    ListParts,
    ListUploads,
    Delete,
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
        })
    }
}

/// A request, as an error names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) act: Act,
    pub(super) thing: &'a str,
    pub(super) location: &'a S3Location,
}

/// The same, for a stream that outlives the call.
pub(super) struct Owned(Act, String, S3Location);

impl Owned {
    fn asked(&self) -> Asked<'_> {
        Asked {
            act: self.0,
            thing: &self.1,
            location: &self.2,
        }
    }
}

impl Asked<'_> {
    pub(super) fn into_owned(self) -> Owned {
        Owned(self.act, self.thing.to_owned(), self.location.clone())
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

    /// An answer that no S3 service gives.
    pub(super) fn nonsense(&self, why: impl fmt::Display) -> Error {
        self.error(
            ErrorKind::Unsupported,
            format_args!("the answer makes no sense: {why}"),
        )
        .with_hint("is this the address of an S3 service?")
    }

    /// A write of which nobody can say whether it took place.
    pub(super) fn doubt(&self, why: impl fmt::Display) -> Error {
        self.error(
            ErrorKind::InDoubt,
            format_args!("it may have been written: {why}"),
        )
    }

    /// The status and S3's code of an answer that was no success.
    pub(super) fn status<'e>(
        &self,
        error: &'e object_store::Error,
    ) -> Option<(StatusCode, Option<&'e str>)> {
        let refusal = self.refusal(error)?;
        Some((refusal.status, refusal::code(refusal)))
    }

    /// An answer that was no success.
    pub(super) fn refusal<'e>(&self, error: &'e object_store::Error) -> Option<&'e Refusal> {
        find(error)
    }

    /// What went wrong with a request that may be sent again.
    pub(super) fn explain(&self, error: &object_store::Error) -> Error {
        if let Some(refusal) = find::<Refusal>(error) {
            return refusal::explain(self, refusal);
        }
        if let Some(failure) = find::<Failure>(error) {
            return self.broken(failure);
        }
        if let Some(ours) = find::<Error>(error) {
            let out = Error::new(ours.kind(), ours.to_string());
            return match ours.hint() {
                Some(hint) => out.with_hint(hint),
                None => out,
            };
        }
        // What is left is a complaint of object_store about an answer; it holds no more of
        // the answer than a header's value.
        self.nonsense(innermost(error))
    }

    /// The same, for a request that object_store knows nothing of.
    pub(super) fn explain_http(&self, error: HttpError) -> Error {
        self.explain(&object_store::Error::Generic {
            store: "S3",
            source: Box::new(error),
        })
    }

    /// What went wrong with a conditional write, which may be sent again only if it is
    /// certain that it did not take place.
    pub(super) fn explain_conditional(&self, error: &object_store::Error) -> Error {
        let explained = self.explain(error);
        let certain = if let Some(refusal) = find::<Refusal>(error) {
            explained.kind() != ErrorKind::Unavailable || refusal.status == StatusCode::CONFLICT
        } else if let Some(failure) = find::<Failure>(error) {
            !matches!(failure, Failure::Cut(_))
        } else {
            // Without credentials nothing is sent.
            find::<Error>(error).is_some()
        };
        if certain {
            explained
        } else {
            self.doubt(explained)
        }
    }

    /// A connection that did not come about or did not last.
    pub(super) fn broken(&self, failure: &Failure) -> Error {
        let error = self.error(failure.kind(), failure);
        match failure.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

/// The first error of a type among the causes of an error.
fn find<T: StdError + 'static>(error: &object_store::Error) -> Option<&T> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn innermost(error: &object_store::Error) -> String {
    let mut error: &(dyn StdError + 'static) = error;
    while let Some(source) = error.source() {
        error = source;
    }
    one_line(&error.to_string())
}

/// A body that must have this many bytes.
pub(super) fn counted(
    body: BoxStream<'static, object_store::Result<Bytes>>,
    expected: u64,
    asked: Owned,
) -> BoxStream<'static, Result<Bytes>> {
    let state = Some((body, expected, asked));
    stream::unfold(state, |state| async move {
        let (mut body, left, asked) = state?;
        match body.next().await {
            Some(Ok(bytes)) => match left.checked_sub(bytes.len() as u64) {
                Some(left) => Some((Ok(bytes), Some((body, left, asked)))),
                None => Some((Err(asked.asked().nonsense("it is too long")), None)),
            },
            Some(Err(error)) => Some((Err(asked.asked().explain(&error)), None)),
            None if left > 0 => {
                let why = format!("the answer ends {left} bytes early");
                Some((Err(asked.asked().error(ErrorKind::Unavailable, why)), None))
            }
            None => None,
        }
    })
    .fuse()
    .boxed()
}
