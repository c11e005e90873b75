//! From what Azure says to what a caller can do about it.

use super::refusal;
use super::wire::Trouble;
use crate::error::{Error, ErrorKind, Result};
use crate::store::adapter::asked::{self, Place};
use crate::store::adapter::checked::Checksum;
use crate::store::adapter::http::pool::Failure;
use crate::store::url::AzureLocation;
use crate::store::{FileInfo, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG};
use http::{HeaderMap, HeaderValue};
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

/// The MD5 of what was read so far, and the one that a whole file should have.
struct Sum {
    running: Md5,
    expected: HeaderValue,
}

impl Checksum for Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.running.update(bytes);
    }

    fn is_right(&self) -> bool {
        BASE64_STANDARD.encode(self.running.clone().finalize()) == self.expected
    }
}

/// The checksum that the service says a file has.
pub(super) fn sum(headers: &HeaderMap) -> Option<Box<dyn Checksum>> {
    let expected = headers.get("content-md5")?.clone();
    Some(Box::new(Sum {
        running: Md5::new(),
        expected,
    }))
}
