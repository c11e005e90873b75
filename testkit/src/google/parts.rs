//! Requests of uploads in parts: <https://cloud.google.com/storage/docs/multipart-uploads>.

use super::Shared;
use super::answer::{Answer, Refusal, escape};
use super::ask::{Ask, invalid};
use super::attributes::Attributes;
use super::bucket::Bucket;
use super::checksum::md5;
use super::objects::whole;
use super::uploads::unconditional;
use http::{Method, StatusCode};
use std::fmt::Write as _;

/// <https://cloud.google.com/storage/docs/xml-api/post-object-multipart>
pub(super) fn begin(ask: &Ask, bucket: &mut Bucket) -> Result<Answer, Refusal> {
    unconditional(ask)?;
    let attributes = Attributes::of(ask)?;
    let id = bucket.uploads.begin(&ask.object, attributes);
    Ok(Answer::xml(format!(
        "<?xml version='1.0' encoding='UTF-8'?><InitiateMultipartUploadResult \
         xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Bucket>{}</Bucket><Key>{}</Key>\
         <UploadId>{id}</UploadId></InitiateMultipartUploadResult>",
        escape(&ask.bucket),
        escape(&ask.object),
    )))
}

/// <https://cloud.google.com/storage/docs/xml-api/put-object-multipart>
pub(super) fn put_part(ask: &Ask, bucket: &mut Bucket) -> Result<Answer, Refusal> {
    unconditional(ask)?;
    whole(ask)?;
    let etag = bucket.uploads.part(ask)?;
    Ok(Answer::new(StatusCode::OK)
        .with("etag", etag)
        .with("x-goog-hash", format!("md5={}", md5(&ask.body))))
}

/// <https://cloud.google.com/storage/docs/xml-api/post-object-complete>
pub(super) fn complete(shared: &Shared, ask: &Ask) -> Result<Answer, Refusal> {
    unconditional(ask)?;
    let mut bucket = shared.bucket();
    bucket.not_too_soon(&ask.object, shared.pause())?;
    let (body, attributes) = bucket.uploads.complete(ask)?;
    let object = bucket.put_joined(&ask.object, body, attributes);
    let text = format!(
        "<?xml version='1.0' encoding='UTF-8'?><CompleteMultipartUploadResult \
         xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Location>/{bucket}/{key}</Location>\
         <Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>{etag}</ETag>\
         </CompleteMultipartUploadResult>",
        bucket = escape(&ask.bucket),
        key = escape(&ask.object),
        etag = escape(&object.etag),
    );
    Ok(Answer::xml(text)
        .with("x-goog-generation", object.generation)
        .with("x-goog-metageneration", object.metageneration)
        .with("x-goog-hash", format!("crc32c={}", object.hashes.crc32c)))
}

/// <https://cloud.google.com/storage/docs/xml-api/delete-multipart>
pub(super) fn abort(ask: &Ask, bucket: &mut Bucket) -> Result<Answer, Refusal> {
    unconditional(ask)?;
    bucket.uploads.abort(ask)?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}

/// <https://cloud.google.com/storage/docs/xml-api/get-bucket-uploads>
pub(super) fn list_uploads(shared: &Shared, ask: &Ask, bucket: &Bucket) -> Result<Answer, Refusal> {
    let coded = ask.value("encoding-type") == Some("url");
    let show = |name: &str| match coded {
        true => url::form_urlencoded::byte_serialize(name.as_bytes()).collect(),
        false => escape(name),
    };
    let prefix = ask.value("prefix").unwrap_or_default();
    let from = ask.value("key-marker").map(|key| {
        let id = ask.value("upload-id-marker");
        (key, id.unwrap_or_default())
    });
    let mut found: Vec<_> = bucket.uploads.all().collect();
    found.retain(|(_, pending)| pending.object.starts_with(prefix));
    found.sort_by_key(|(id, pending)| (pending.object.as_str(), id.as_str()));
    found.retain(|(id, pending)| Some((pending.object.as_str(), id.as_str())) > from);
    let more = found.len() > shared.rules.page;
    found.truncate(shared.rules.page);
    let mut text = format!(
        "<?xml version='1.0' encoding='UTF-8'?><ListMultipartUploadsResult><Bucket>{}</Bucket>\
         <IsTruncated>{more}</IsTruncated>",
        escape(&shared.rules.bucket)
    );
    if coded {
        text.push_str("<EncodingType>url</EncodingType>");
    }
    if let Some((id, pending)) = found.last().filter(|_| more) {
        let _ = write!(
            text,
            "<NextKeyMarker>{}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>",
            show(&pending.object)
        );
    }
    for (id, pending) in found {
        let _ = write!(
            text,
            "<Upload><Key>{}</Key><UploadId>{id}</UploadId><Initiated>{}</Initiated></Upload>",
            show(&pending.object),
            pending.begun.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        );
    }
    text.push_str("</ListMultipartUploadsResult>");
    Ok(Answer::xml(text))
}

/// <https://cloud.google.com/storage/docs/xml-api/get-object-multipart>
pub(super) fn list_parts(page: usize, ask: &Ask, bucket: &mut Bucket) -> Result<Answer, Refusal> {
    if ask.method != Method::GET {
        return Err(invalid());
    }
    let pending = bucket.uploads.find(ask)?;
    let after = Ask::number(ask.value("part-number-marker"))?.unwrap_or(0);
    let left = || pending.parts.range(after + 1..);
    let more = left().count() > page;
    let mut text = format!(
        "<?xml version='1.0' encoding='UTF-8'?><ListPartsResult><Bucket>{}</Bucket><Key>{}</Key>\
         <IsTruncated>{more}</IsTruncated>",
        escape(&ask.bucket),
        escape(&ask.object)
    );
    if let Some((last, _)) = left().take(page).last().filter(|_| more) {
        let _ = write!(text, "<NextPartNumberMarker>{last}</NextPartNumberMarker>");
    }
    for (number, part) in left().take(page) {
        let _ = write!(
            text,
            "<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag><Size>{}</Size></Part>",
            escape(&part.etag),
            part.body.len()
        );
    }
    text.push_str("</ListPartsResult>");
    Ok(Answer::xml(text))
}
