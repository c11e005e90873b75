//! From what Google says to what a caller can do about it.

use super::refusal;
use super::wire::Trouble;
use crate::error::{Error, ErrorKind, Result};
use crate::store::adapter::asked::{self, Place};
use crate::store::adapter::http::body::Answer;
use crate::store::adapter::http::pool::Failure;
use crate::store::url::GoogleLocation;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::StatusCode;
use http_body_util::BodyExt;

use super::checksum::Running;

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

/// A body that is on its way.
struct Coming {
    body: Answer,
    left: u64,
    sum: Option<(Running, u32)>,
    asked: asked::Owned<GoogleLocation>,
}

/// A body that must have this many bytes, and this checksum if it is known.
pub(super) fn checked(
    body: Answer,
    expected: u64,
    sum: Option<u32>,
    asked: asked::Owned<GoogleLocation>,
) -> BoxStream<'static, Result<Bytes>> {
    let coming = Coming {
        body,
        left: expected,
        sum: sum.map(|sum| (Running::new(), sum)),
        asked,
    };
    let bytes = stream::unfold(Some(coming), |coming| async move {
        let mut coming = coming?;
        match coming.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(coming))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    bytes.fuse().boxed()
}

impl Coming {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|failure| self.asked.asked().broken(&failure))?;
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
                return Err(self.asked.asked().nonsense("it is too long"));
            };
            self.left = left;
            if let Some((running, _)) = &mut self.sum {
                running.add(&bytes);
            }
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        let weak = |why: &str| self.asked.asked().error(ErrorKind::Unavailable, why);
        if self.left > 0 {
            return Err(weak(&format!("the answer ends {} bytes early", self.left)));
        }
        match &self.sum {
            Some((running, sum)) if !running.is(*sum) => Err(weak(
                "the bytes changed on their way: their checksum is wrong",
            )),
            _ => Ok(None),
        }
    }
}
