//! What the headers of an answer say of an object.

use super::answer::Asked;
use crate::error::{ErrorKind, Result};
use crate::store::{FileInfo, Version, Want};
use http::response::Parts;
use http::{HeaderMap, StatusCode};

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

/// `<generation> <ETag>`, or the generation alone where there is no ETag.
pub(super) fn of(headers: &HeaderMap) -> Option<Version> {
    let generation = number(headers, "x-goog-generation")?;
    Some(Version::new(match text(headers, "etag") {
        Some(etag) => format!("{generation} {etag}"),
        None => generation.to_string(),
    }))
}

/// The generation in a version.
pub(super) fn generation<'a>(version: &'a Version, asked: &Asked<'_>) -> Result<&'a str> {
    let text = version.as_str();
    let generation = text.split(' ').next().unwrap_or(text);
    match generation.parse::<u64>() {
        // Generation 0 would mean that there must be no object.
        Ok(1..) => Ok(generation),
        _ => Err(asked.error(
            ErrorKind::Invalid,
            "the version is no generation of Google's",
        )),
    }
}

/// The ETag in a version.
pub(super) fn etag(version: &Version) -> Option<&str> {
    version.as_str().split_once(' ').map(|(_, etag)| etag)
}

/// Size and version of an object.
pub(super) fn info(headers: &HeaderMap, asked: &Asked<'_>) -> Result<FileInfo> {
    let range = || {
        text(headers, "content-range")?
            .rsplit_once('/')?
            .1
            .parse()
            .ok()
    };
    let size = number(headers, "x-goog-stored-content-length")
        .or_else(range)
        .or_else(|| number(headers, "content-length"));
    Ok(FileInfo {
        size: size.ok_or_else(|| asked.nonsense("it tells no size"))?,
        version: of(headers).ok_or_else(|| asked.nonsense("it names no generation"))?,
    })
}

/// How many bytes must come.
pub(super) fn expected(parts: &Parts, want: &Want, size: u64, asked: &Asked<'_>) -> Result<u64> {
    let Some(range) = &want.range else {
        return Ok(size);
    };
    if parts.status != StatusCode::PARTIAL_CONTENT {
        return Err(asked.nonsense("it is not the range that was asked for"));
    }
    let said = text(&parts.headers, "content-range")
        .and_then(|text| text.strip_prefix("bytes ")?.split_once('/'))
        .and_then(|(range, _)| range.split_once('-'))
        .and_then(|(first, last)| Some((first.parse().ok()?, last.parse::<u64>().ok()?)));
    let end = range.end.min(size);
    if said != Some((range.start, end.saturating_sub(1))) {
        return Err(asked.nonsense("it is not the range that was asked for"));
    }
    Ok(end - range.start)
}
