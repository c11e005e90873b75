//! From what Google says to what a caller can do about it.

use super::refusal;
use super::wire::Trouble;
use crate::error::{Error, ErrorKind};
use crate::store::adapter::asked::{self, Place};
use crate::store::adapter::http::pool::Failure;
use crate::store::url::GoogleLocation;
use http::StatusCode;

/// A request, as an error names it.
pub(super) type Asked<'a> = asked::Asked<'a, GoogleLocation>;

impl Place for GoogleLocation {
    const SERVICE: &'static str = "Google Cloud Storage";
}

impl Asked<'_> {
    /// What went wrong with a request that may be sent again.
    pub(super) fn explain(&self, trouble: Trouble) -> Error {
        match trouble {
            Trouble::Ours(error) => error,
            Trouble::Failed(failure) => self.broken(&failure),
            Trouble::Refused(refused) => refusal::explain(self, &refused),
        }
    }

    /// What went wrong with a conditional write, which may be sent again only if it is
    /// certain that it did not take place. It is after a 429: Google counts the writes to
    /// one object before it does them.
    pub(super) fn explain_conditional(&self, trouble: Trouble) -> Error {
        let certain = match &trouble {
            Trouble::Ours(_) => true,
            Trouble::Failed(failure) => !matches!(failure, Failure::Cut(_)),
            Trouble::Refused(refused) => matches!(
                refused.status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::CONFLICT
            ),
        };
        let explained = self.explain(trouble);
        if certain || explained.kind() != ErrorKind::Unavailable {
            explained
        } else {
            self.doubt(explained)
        }
    }
}
