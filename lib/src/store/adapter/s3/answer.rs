//! From what object_store says to what a caller can do about it.

use super::refusal;
use crate::error::{Error, ErrorKind};
use crate::store::adapter::asked::{self, Place};
use crate::store::adapter::document::one_line;
use crate::store::adapter::http::Refusal;
use crate::store::adapter::http::pool::Failure;
use crate::store::url::S3Location;
use http::StatusCode;
use object_store::client::HttpError;
use std::error::Error as StdError;

/// A request, as an error names it.
pub(super) type Asked<'a> = asked::Asked<'a, S3Location>;

impl Place for S3Location {
    const SERVICE: &'static str = "an S3 service";
}

impl Asked<'_> {
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
