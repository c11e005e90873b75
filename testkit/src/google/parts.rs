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
    bucket.not_too_soon(&ask.object, shared.rules.pause)?;
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
pub(super) fn list_uploads(shared: &Shared, bucket: &Bucket) -> Answer {
    let mut text = format!(
        "<?xml version='1.0' encoding='UTF-8'?><ListMultipartUploadsResult><Bucket>{}</Bucket>\
         <IsTruncated>false</IsTruncated>",
        escape(&shared.rules.bucket)
    );
    for (id, pending) in bucket.uploads.all() {
        let _ = write!(
            text,
            "<Upload><Key>{}</Key><UploadId>{id}</UploadId></Upload>",
            escape(&pending.object)
        );
    }
    text.push_str("</ListMultipartUploadsResult>");
    Answer::xml(text)
}

/// <https://cloud.google.com/storage/docs/xml-api/get-object-multipart>
pub(super) fn list_parts(ask: &Ask, bucket: &mut Bucket) -> Result<Answer, Refusal> {
    if ask.method != Method::GET {
        return Err(invalid());
    }
    let pending = bucket.uploads.find(ask)?;
    let mut text = format!(
        "<?xml version='1.0' encoding='UTF-8'?><ListPartsResult><Bucket>{}</Bucket><Key>{}</Key>\
         <IsTruncated>false</IsTruncated>",
        escape(&ask.bucket),
        escape(&ask.object)
    );
    for (number, part) in &pending.parts {
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
