//! Uploads that were begun and not ended: taken up again, listed, thrown away.

use super::Google;
use super::answer::Asked;
use super::list::{document, plain, read, seconds};
use super::upload::{self, Part};
use super::wire::Call;
use crate::error::Result;
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::{Resumed, Unfinished};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::Method;
use serde::Deserialize;
use std::collections::BTreeMap;

/// <https://cloud.google.com/storage/docs/xml-api/get-object-multipart>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PartsPage {
    #[serde(default)]
    part: Vec<PartEntry>,
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_part_number_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PartEntry {
    part_number: u32,
    #[serde(rename = "ETag")]
    etag: String,
    size: u64,
}

/// <https://cloud.google.com/storage/docs/xml-api/get-bucket-uploads>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UploadsPage {
    #[serde(default)]
    upload: Vec<UploadEntry>,
    #[serde(default)]
    encoding_type: Option<String>,
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: Option<String>,
    #[serde(default)]
    next_upload_id_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UploadEntry {
    key: String,
    upload_id: String,
    initiated: String,
}

/// Asks for the parts of an upload; nothing if the service knows no such upload.
pub(super) async fn resume(store: &Google, key: &Key, id: &str) -> Result<Option<Resumed>> {
    let asked = store.asked(Act::ListParts, key.as_str());
    let name = store.name(key)?;
    let mut known = BTreeMap::new();
    let mut mark: Option<String> = None;
    loop {
        let mut call = Call::new(Method::GET, &name).query("uploadId", id);
        if let Some(mark) = &mark {
            call = call.query("part-number-marker", mark);
        }
        let page: PartsPage = match store.send_whole(call).await {
            Ok(answer) => read(answer.body(), &asked)?,
            Err(trouble) if trouble.is_ended() => return Ok(None),
            Err(trouble) => return Err(asked.explain(trouble)),
        };
        for PartEntry {
            part_number,
            etag,
            size,
        } in page.part
        {
            let number = part_number.checked_sub(1);
            let number = number.ok_or_else(|| asked.nonsense("a part has the number 0"))?;
            let sum = None;
            known.insert(number, Part { etag, size, sum });
        }
        let next = page.next_part_number_marker;
        match (page.is_truncated, next) {
            (false, _) => break,
            (true, Some(next)) if Some(&next) != mark.as_ref() => mark = Some(next),
            _ => return Err(asked.nonsense("the list of parts does not go on")),
        }
    }
    let parts = known.iter().map(|(number, part)| (*number, part.size));
    let parts = parts.collect();
    let upload = upload::known(store, key, id, known)?;
    Ok(Some(Resumed { upload, parts }))
}

/// Where a listing goes on.
type Mark = (String, Option<String>);

/// The uploads below a prefix, page by page.
pub(super) fn list<'a>(store: &'a Google, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
    let pages = stream::try_unfold(Some(None), move |at: Option<Option<Mark>>| async move {
        let Some(mark) = at else {
            return Ok(None);
        };
        let (found, next) = page(store, prefix, mark).await?;
        let found = stream::iter(found.into_iter().map(Ok));
        Ok(Some((found, next.map(Some))))
    });
    pages.try_flatten().boxed()
}

async fn page(
    store: &Google,
    prefix: &str,
    mark: Option<Mark>,
) -> Result<(Vec<Unfinished>, Option<Mark>)> {
    let asked = store.asked(Act::ListUploads, prefix);
    let root = &store.shared.root;
    let full = format!("{root}{prefix}");
    let mut call = Call::new(Method::GET, "")
        .query("uploads", "")
        .query("encoding-type", "url")
        .query("prefix", &full);
    if let Some((key, id)) = &mark {
        call = call.query("key-marker", key);
        if let Some(id) = id {
            call = call.query("upload-id-marker", id);
        }
    }
    let page: UploadsPage = document(store, call, &asked).await?;
    let coded = page.encoding_type.as_deref() == Some("url");
    let mut found = Vec::with_capacity(page.upload.len());
    for entry in page.upload {
        let key = plain(&entry.key, coded);
        // A service may list more than it was asked for.
        let below = key.strip_prefix(root.as_str());
        let Some(below) = below.filter(|_| key.starts_with(&full)) else {
            continue;
        };
        found.push(Unfinished {
            key: below.to_owned(),
            token: entry.upload_id,
            started: seconds(&entry.initiated, &asked)?,
            size: None,
        });
    }
    let next = match (page.is_truncated, page.next_key_marker) {
        (false, _) => None,
        (true, Some(key)) if !key.is_empty() => {
            Some((plain(&key, coded).into_owned(), page.next_upload_id_marker))
        }
        _ => return Err(asked.nonsense("the list of uploads breaks off")),
    };
    if next.is_some() && next == mark {
        return Err(asked.nonsense("the list of uploads does not go on"));
    }
    Ok((found, next))
}

/// Throws away the parts of an upload; one that is not there is no error.
pub(super) async fn abandon(store: &Google, asked: &Asked<'_>, name: &str, id: &str) -> Result<()> {
    let call = Call::new(Method::DELETE, name).query("uploadId", id);
    match store.send_whole(call).await {
        Ok(_) => Ok(()),
        Err(trouble) if trouble.is_ended() => Ok(()),
        Err(trouble) => Err(asked.explain(trouble)),
    }
}
