//! Copies that the service makes by itself:
//! <https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite>. The XML API, which
//! serves for all else, copies no large object to another class or place.

use super::Google;
use super::wire::{Call, Trouble};
use crate::error::Result;
use crate::key::Key;
use crate::store::adapter::address::part;
use crate::store::adapter::asked::Act;
use crate::store::options::{Options, Sse};
use crate::store::{Copied, Whereabouts};
use http::Method;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the new object is to have. Without a description it would have the other one's.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Description<'a> {
    content_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<String>,
    metadata: BTreeMap<&'a str, &'a str>,
}

impl<'a> Description<'a> {
    fn of(options: &'a Options) -> Self {
        let class = options.storage_class.as_deref();
        let metadata = options.metadata.iter();
        Self {
            // That of objects of which nothing is said.
            content_type: "application/octet-stream",
            storage_class: class.map(str::to_ascii_uppercase),
            metadata: metadata
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
        }
    }
}

/// How far it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    done: bool,
    /// 64 bits, which JSON writes as text.
    object_size: String,
    total_bytes_rewritten: String,
    #[serde(default)]
    rewrite_token: Option<String>,
}

pub(super) async fn whereabouts(store: &Google, key: &Key) -> Result<Option<Whereabouts>> {
    let settings = store.settings().await?;
    // A key of the user's own would have to be told to the one who copies.
    if !settings.key.is_empty() {
        return Ok(None);
    }
    Ok(Some(Whereabouts {
        service: settings.service.clone(),
        bucket: store.shared.location.bucket().to_owned(),
        name: store.name(key)?,
    }))
}

/// Copies, in as many requests as the service wants; its last answer tells the size.
pub(super) async fn copy(
    store: &Google,
    from: &Whereabouts,
    size: u64,
    key: &Key,
) -> Result<Copied> {
    let Some(to) = whereabouts(store, key).await? else {
        return Ok(Copied::NotHere);
    };
    if to.service != from.service {
        return Ok(Copied::NotHere);
    }
    let asked = store.asked(Act::Write, key.as_str());
    let path = format!(
        "/storage/v1/b/{}/o/{}/rewriteTo/b/{}/o/{}",
        part(&from.bucket),
        part(&from.name),
        part(&to.bucket),
        part(&to.name)
    );
    let options = &store.shared.options;
    let description = serde_json::to_vec(&Description::of(options));
    let description = description.map_err(|error| asked.nonsense(error))?;
    let (mut token, mut moved) = (None, 0);
    loop {
        let mut call = Call::new(Method::POST, "")
            .at(&path)
            .header("content-type", "application/json")
            .body(description.clone().into());
        if let Some(acl) = options.acl {
            call = call.query("destinationPredefinedAcl", in_camels(acl.name()));
        }
        if let (Some(Sse::Kms), Some(name)) = (options.sse, &options.sse_kms_key) {
            call = call.query("destinationKmsKeyName", name.as_str());
        }
        if let Some(token) = token {
            call = call.query("rewriteToken", token);
        }
        let answer = match store.send_whole(call).await {
            Ok(answer) => answer,
            // Whatever the service has against it: reading and writing says better what it is.
            Err(Trouble::Refused(refused)) if !is_weak(refused.status.as_u16()) => {
                return Ok(Copied::NotHere);
            }
            Err(trouble) => return Err(asked.explain(trouble)),
        };
        let Ok(answer) = serde_json::from_slice::<Answer>(answer.body()) else {
            return Ok(Copied::NotHere);
        };
        let now = answer.total_bytes_rewritten.parse().unwrap_or(0);
        if answer.done {
            let right = now == size && answer.object_size.parse() == Ok(size);
            return Ok(if right { Copied::Done } else { Copied::NotHere });
        }
        if now <= moved || answer.rewrite_token.is_none() {
            return Err(asked.nonsense("the copy does not go on"));
        }
        (token, moved) = (answer.rewrite_token, now);
    }
}

/// Whether waiting may help.
fn is_weak(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..)
}

/// `public-read` as `publicRead`.
fn in_camels(name: &str) -> String {
    let mut up = false;
    let letters = name.chars().filter_map(|c| {
        if c == '-' {
            up = true;
            return None;
        }
        Some(if std::mem::take(&mut up) {
            c.to_ascii_uppercase()
        } else {
            c
        })
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_lists_have_the_names_of_the_other_interface() {
        // <https://cloud.google.com/storage/docs/access-control/lists#predefined-acl>
        for (xml, json) in [
            ("private", "private"),
            ("public-read", "publicRead"),
            ("authenticated-read", "authenticatedRead"),
            ("bucket-owner-full-control", "bucketOwnerFullControl"),
        ] {
            assert_eq!(in_camels(xml), json);
        }
    }
}
