//! Copies: <https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite>.

use super::Shared;
use super::answer::{Answer, Refusal, refuse};
use super::ask::{Ask, invalid};
use super::attributes::Attributes;
use super::bucket::no_such_key;
use http::StatusCode;
use serde_json::{Value, json};

/// One request of a copy, which may take several.
pub(super) fn rewrite(shared: &Shared, ask: &Ask) -> Result<Answer, Refusal> {
    let pair = ask.rewrite.as_ref().ok_or_else(invalid)?;
    if pair.from.0 != shared.rules.bucket {
        return Err(refuse(
            404,
            "NoSuchBucket",
            "The specified bucket does not exist.",
        ));
    }
    let attributes = attributes(ask)?;
    let mut bucket = shared.bucket();
    let found = bucket.find(&pair.from.1);
    let found = found.ok_or_else(|| no_such_key(&pair.from.1))?;
    // Keys of customers would come in headers of their own, which nobody sends.
    found.attributes.unlocked_by(ask)?;
    let (body, size) = (found.body.clone(), found.body.len());
    let before = match ask.value("rewriteToken") {
        None => 0,
        Some(token) => token
            .strip_prefix(&format!("token {} ", found.generation))
            .and_then(|bytes| bytes.parse::<usize>().ok())
            .ok_or_else(invalid)?,
    };
    let generation = found.generation;
    let now = before.saturating_add(shared.rules.rewritten).min(size);
    let done = now == size;
    let mut answer = json!({
        "kind": "storage#rewriteResponse",
        "totalBytesRewritten": now.to_string(),
        "objectSize": size.to_string(),
        "done": done,
    });
    if done {
        bucket.not_too_soon(&pair.to.1, shared.pause())?;
        let object = bucket.put(&pair.to.1, body, attributes);
        answer["resource"] = json!({
            "kind": "storage#object",
            "name": pair.to.1,
            "bucket": pair.to.0,
            "generation": object.generation.to_string(),
            "size": size.to_string(),
            "crc32c": object.hashes.crc32c,
        });
    } else {
        answer["rewriteToken"] = json!(format!("token {generation} {now}"));
    }
    let mut out = Answer::new(StatusCode::OK).with("content-type", "application/json");
    out.body = answer.to_string().into();
    Ok(out)
}

/// What the description in the body and the query say of the new object.
fn attributes(ask: &Ask) -> Result<Attributes, Refusal> {
    let said: Value = serde_json::from_slice(&ask.body).map_err(|_| invalid())?;
    let text = |name: &str| said[name].as_str().map(str::to_owned);
    let metadata = said["metadata"].as_object().into_iter().flatten();
    let metadata =
        metadata.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    Ok(Attributes {
        content_type: text("contentType"),
        class: text("storageClass"),
        acl: ask.value("destinationPredefinedAcl").map(str::to_owned),
        kms_key: ask.value("destinationKmsKeyName").map(str::to_owned),
        key_digest: None,
        metadata: metadata.collect(),
    })
}
