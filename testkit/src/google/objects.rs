//! One object: written, read, deleted.

use super::answer::{Answer, Refusal, refuse};
use super::ask::Ask;
use super::attributes::Attributes;
use super::bucket::{Bucket, If, Object, no_such_key};
use super::checksum::{agree, md5};
use super::{Atomicity, Conditions, Shared};
use http::StatusCode;
use std::time::Duration;

/// Checks and acts in one step, or, where the rules break that, in two.
async fn guarded<T>(
    shared: &Shared,
    ask: &Ask,
    act: impl FnOnce(&mut Bucket) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let when = match shared.rules.conditions {
        Conditions::Kept => If::of(ask)?,
        Conditions::Ignored => If::default(),
    };
    let check = |bucket: &Bucket| {
        bucket.not_too_soon(&ask.object, shared.pause())?;
        bucket.check(&ask.object, when)
    };
    match shared.rules.atomicity {
        Atomicity::OneStep => {
            let mut bucket = shared.bucket();
            check(&bucket)?;
            act(&mut bucket)
        }
        Atomicity::TwoSteps => {
            check(&shared.bucket())?;
            tokio::time::sleep(Duration::from_millis(2)).await;
            act(&mut shared.bucket())
        }
    }
}

pub(super) async fn put(shared: &Shared, ask: &Ask) -> Result<Answer, Refusal> {
    whole(ask)?;
    let attributes = Attributes::of(ask)?;
    let put = |bucket: &mut Bucket| Ok(bucket.put(&ask.object, ask.body.clone(), attributes));
    let object = guarded(shared, ask, put).await?;
    let answer = Answer::new(StatusCode::OK).with("content-type", "text/html; charset=UTF-8");
    Ok(described(answer, &object))
}

pub(super) async fn delete(shared: &Shared, ask: &Ask) -> Result<Answer, Refusal> {
    guarded(shared, ask, |bucket| bucket.delete(&ask.object)).await?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}

/// Whether the body is what its checksums say.
pub(super) fn whole(ask: &Ask) -> Result<(), Refusal> {
    let claims = ask.headers.get_all("x-goog-hash").into_iter();
    let claims = claims.filter_map(|value| value.to_str().ok());
    let sum = ask.header("content-md5");
    if agree(claims, &ask.body) && sum.is_none_or(|sum| sum == md5(&ask.body)) {
        return Ok(());
    }
    Err(refuse(
        400,
        "BadDigest",
        "The Content-MD5 or x-goog-hash you specified did not match what we received.",
    ))
}

/// The headers that tell what an object is.
fn described(answer: Answer, object: &Object) -> Answer {
    let attributes = &object.attributes;
    let mut answer = answer
        .with("etag", &object.etag)
        .with("x-goog-generation", object.generation)
        .with("x-goog-metageneration", object.metageneration)
        .with("x-goog-hash", format!("crc32c={}", object.hashes.crc32c))
        .with("x-goog-stored-content-encoding", "identity")
        .with("x-goog-stored-content-length", object.body.len())
        .with(
            "x-goog-storage-class",
            attributes.class.as_deref().unwrap_or("STANDARD"),
        );
    if let Some(md5) = &object.hashes.md5 {
        answer = answer.with("x-goog-hash", format!("md5={md5}"));
    }
    for (name, value) in &attributes.metadata {
        let name = http::HeaderName::try_from(format!("x-goog-meta-{name}"));
        answer
            .headers
            .push((name.expect("it came as a header"), value.clone()));
    }
    if let Some(key) = &attributes.kms_key {
        answer = answer.with("x-goog-encryption-kms-key-name", key);
    }
    if let Some(digest) = &attributes.key_digest {
        answer = answer
            .with("x-goog-encryption-algorithm", "AES256")
            .with("x-goog-encryption-key-sha256", digest);
    }
    answer
}

/// <https://cloud.google.com/storage/docs/xml-api/get-object-download>
pub(super) fn read(ask: &Ask, bucket: &Bucket) -> Result<Answer, Refusal> {
    let object = bucket.find(&ask.object);
    let object = object.ok_or_else(|| no_such_key(&ask.object))?;
    if let Some(generation) = Ask::number::<i64>(ask.value("generation"))?
        && generation != object.generation
    {
        return Err(no_such_key(&ask.object));
    }
    bucket.check(&ask.object, If::of(ask)?)?;
    let is = |tag: &str| tag == "*" || tag == object.etag;
    if ask.header("if-match").is_some_and(|tag| !is(tag)) {
        return Err(refuse(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold.",
        ));
    }
    if ask.header("if-none-match").is_some_and(is) {
        return Err(refuse(304, "NotModified", "Not modified."));
    }
    object.attributes.unlocked_by(ask)?;
    let size = object.body.len() as u64;
    let modified = jiff::Timestamp::from_microsecond(object.modified).expect("a time");
    let content_type = object.attributes.content_type.as_deref();
    let mut answer = described(Answer::new(StatusCode::OK), object)
        .with("accept-ranges", "bytes")
        .with(
            "content-type",
            content_type.unwrap_or("application/octet-stream"),
        )
        .with(
            "last-modified",
            modified.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        );
    answer.body = object.body.clone();
    let Some(range) = ask.header("range").and_then(|text| parse(text, size)) else {
        return Ok(answer);
    };
    if range.is_empty() {
        return Err(refuse(
            416,
            "InvalidRange",
            "The requested range cannot be satisfied.",
        ));
    }
    let at = |byte| usize::try_from(byte).expect("it is in memory");
    answer.status = StatusCode::PARTIAL_CONTENT;
    answer.body = object.body.slice(at(range.start)..at(range.end));
    Ok(answer.with(
        "content-range",
        format!("bytes {}-{}/{size}", range.start, range.end - 1),
    ))
}

/// A range that is no range is passed over, and one behind the end is empty (RFC 9110, 14.2).
fn parse(text: &str, size: u64) -> Option<std::ops::Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let count: u64 = last.parse().ok()?;
        return Some(size.saturating_sub(count)..size);
    }
    let first: u64 = first.parse().ok()?;
    let end = match last {
        "" => size,
        last => last.parse::<u64>().ok()?.saturating_add(1).min(size),
    };
    Some(first.min(end)..end)
}
