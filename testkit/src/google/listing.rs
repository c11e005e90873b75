//! The names of objects, page by page.

use super::Shared;
use super::answer::{Answer, Refusal, escape};
use super::ask::Ask;
use super::bucket::Bucket;
use std::fmt::Write as _;

/// <https://cloud.google.com/storage/docs/xml-api/get-bucket-list>
pub(super) fn list(shared: &Shared, ask: &Ask, bucket: &Bucket) -> Result<Answer, Refusal> {
    let second = ask.value("list-type") == Some("2");
    let coded = ask.value("encoding-type") == Some("url");
    let show = |name: &str| match coded {
        true => url::form_urlencoded::byte_serialize(name.as_bytes()).collect(),
        false => escape(name),
    };
    let prefix = ask.value("prefix").unwrap_or_default();
    let from = match second {
        true => ask.value("continuation-token").or(ask.value("start-after")),
        false => ask.value("marker"),
    };
    let most = Ask::number(ask.value("max-keys"))?.unwrap_or(shared.rules.page);
    let most = most.min(shared.rules.page);
    let mut found = bucket.below(prefix, from.unwrap_or_default());
    let page: Vec<_> = found.by_ref().take(most).collect();
    let more = found.next().is_some();
    let mut text = format!(
        "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult \
         xmlns='http://doc.s3.amazonaws.com/2006-03-01'><Name>{}</Name><Prefix>{}</Prefix>",
        escape(&ask.bucket),
        show(prefix),
    );
    if coded {
        text.push_str("<EncodingType>url</EncodingType>");
    }
    let _ = write!(text, "<IsTruncated>{more}</IsTruncated>");
    if let Some((last, _)) = page.last().filter(|_| more) {
        let _ = match second {
            // Opaque, and a token is not URL-encoded.
            true => write!(
                text,
                "<NextContinuationToken>{}</NextContinuationToken>",
                escape(last)
            ),
            false => write!(text, "<NextMarker>{}</NextMarker>", show(last)),
        };
    }
    for (name, object) in page {
        let modified = jiff::Timestamp::from_microsecond(object.modified).expect("a time");
        let _ = write!(
            text,
            "<Contents><Key>{}</Key><Generation>{}</Generation><MetaGeneration>{}</MetaGeneration>\
             <LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
            show(name),
            object.generation,
            object.metageneration,
            modified.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
            escape(&object.etag),
            object.body.len(),
        );
    }
    text.push_str("</ListBucketResult>");
    Ok(Answer::xml(text))
}
