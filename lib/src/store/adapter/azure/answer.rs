//! From what Azure says to what a caller can do about it.

use super::refusal;
use super::wire::Trouble;
use crate::error::{Error, ErrorKind, Result};
use crate::store::adapter::asked::{self, Place};
use crate::store::adapter::http::body::Answer;
use crate::store::adapter::http::pool::Failure;
use crate::store::url::AzureLocation;
use crate::store::{FileInfo, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use std::ops::Range;

/// A request, as an error names it.
pub(super) type Asked<'a> = asked::Asked<'a, AzureLocation>;

impl Place for AzureLocation {
    const SERVICE: &'static str = "an Azure Blob service";
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
    /// certain that it did not take place. A service that is busy or broken may have done it.
    pub(super) fn explain_conditional(&self, trouble: Trouble) -> Error {
        let certain = match &trouble {
            Trouble::Ours(_) => true,
            Trouble::Failed(failure) => !matches!(failure, Failure::Cut(_)),
            Trouble::Refused(refused) => !refused.status.is_server_error(),
        };
        let explained = self.explain(trouble);
        if certain || explained.kind() != ErrorKind::Unavailable {
            explained
        } else {
            self.doubt(explained)
        }
    }
}

/// The version that an answer names.
pub(super) fn version(headers: &HeaderMap) -> Option<Version> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    Some(Version::new(tag)).filter(|version| !version.as_str().is_empty())
}

/// Size and version of a whole file.
pub(super) fn info(headers: &HeaderMap, asked: &Asked<'_>) -> Result<FileInfo> {
    part(headers, asked).map(|(info, _)| info)
}

/// The same, and which bytes of it come.
pub(super) fn part(headers: &HeaderMap, asked: &Asked<'_>) -> Result<(FileInfo, Range<u64>)> {
    let version = version(headers).ok_or_else(|| asked.nonsense("it names no version"))?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let range = match text(CONTENT_RANGE) {
        Some(range) => ranged(range),
        None => text(CONTENT_LENGTH)
            .and_then(|length| length.parse().ok())
            .map(|size| (0..size, size)),
    };
    let (range, size) = range.ok_or_else(|| asked.nonsense("it does not say how long it is"))?;
    Ok((FileInfo { size, version }, range))
}

/// Reads `bytes 2-5/10`: which bytes, and how many there are in all. Azurite answers
/// `bytes 10-9/10` to a range behind the end.
fn ranged(text: &str) -> Option<(Range<u64>, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, last) = range.split_once('-')?;
    let (start, last, size) = (
        start.parse().ok()?,
        last.parse::<u64>().ok()?,
        size.parse().ok()?,
    );
    let end = last.checked_add(1)?;
    (start <= end && end <= size).then_some((start..end, size))
}

/// A body that is on its way.
struct Coming {
    body: Answer,
    left: u64,
    sum: Option<(Md5, HeaderValue)>,
    asked: asked::Owned<AzureLocation>,
}

/// A body that must have this many bytes, and this checksum if it is known.
pub(super) fn checked(
    body: Answer,
    expected: u64,
    sum: Option<HeaderValue>,
    asked: asked::Owned<AzureLocation>,
) -> BoxStream<'static, Result<Bytes>> {
    let coming = Coming {
        body,
        left: expected,
        sum: sum.map(|sum| (Md5::new(), sum)),
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
                running.update(&bytes);
            }
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        let weak = |why: &str| self.asked.asked().error(ErrorKind::Unavailable, why);
        if self.left > 0 {
            return Err(weak(&format!("the answer ends {} bytes early", self.left)));
        }
        let Some((running, sum)) = self.sum.take() else {
            return Ok(None);
        };
        if BASE64_STANDARD.encode(running.finalize()) != sum {
            return Err(weak(
                "the bytes changed on their way: their checksum is wrong",
            ));
        }
        Ok(None)
    }
}
