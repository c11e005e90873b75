//! Uploads that were begun and not ended: taken up again, listed, thrown away.

use super::answer::Asked;
use super::list::{decode, document, spelled};
use super::{S3, refusal, upload};
use crate::error::Result;
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::{Resumed, Unfinished};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::StatusCode;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What S3 answers to ListParts.
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
    e_tag: String,
    size: u64,
}

/// What S3 answers to ListMultipartUploads.
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
pub(super) async fn resume(store: &S3, key: &Key, id: &str) -> Result<Option<Resumed>> {
    let asked = store.asked(Act::ListParts, key.as_str());
    let path = store.path(key)?;
    let (mut ids, mut sizes) = (BTreeMap::new(), BTreeMap::new());
    let mut mark: Option<String> = None;
    loop {
        let mut pairs = vec![("uploadId", id)];
        pairs.extend(mark.as_deref().map(|mark| ("part-number-marker", mark)));
        let open = store.opened().await?;
        let page: PartsPage = match document(open, path.as_ref(), &spelled(pairs), &asked).await? {
            Ok(page) => page,
            Err(refused) => {
                return match (refused.status, refusal::code(&refused)) {
                    (StatusCode::NOT_FOUND, None | Some("NoSuchUpload" | "NoSuchKey")) => Ok(None),
                    _ => Err(refusal::explain(&asked, &refused)),
                };
            }
        };
        for part in page.part {
            let number = part.part_number.checked_sub(1);
            let number = number.ok_or_else(|| asked.nonsense("a part has the number 0"))?;
            let content_id = part.e_tag;
            ids.insert(number, PartId { content_id });
            sizes.insert(number, part.size);
        }
        if !page.is_truncated {
            break;
        }
        let next = page.next_part_number_marker;
        if next.is_none() || next == mark {
            return Err(asked.nonsense("the list of parts does not go on"));
        }
        mark = next;
    }
    let upload = upload::known(store, key, id, ids)?;
    Ok(Some(Resumed {
        upload,
        parts: sizes,
    }))
}

/// Where a listing goes on.
type Mark = (String, Option<String>);

/// The uploads below a prefix, page by page.
pub(super) fn list<'a>(store: &'a S3, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
    let pages = stream::try_unfold(Some(None), move |at: Option<Option<Mark>>| async move {
        let Some(mark) = at else {
            return Ok(None);
        };
        let (found, next) = page(store, prefix, mark).await?;
        Ok(Some((
            stream::iter(found.into_iter().map(Ok)),
            next.map(Some),
        )))
    });
    pages.try_flatten().boxed()
}

async fn page(
    store: &S3,
    prefix: &str,
    mark: Option<Mark>,
) -> Result<(Vec<Unfinished>, Option<Mark>)> {
    let asked = store.asked(Act::ListUploads, prefix);
    let root = match store.shared.location.prefix() {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    let full = format!("{root}{prefix}");
    let mut pairs = vec![
        ("encoding-type", "url"),
        ("prefix", &*full),
        ("uploads", ""),
    ];
    if let Some((key, id)) = &mark {
        pairs.push(("key-marker", key));
        pairs.extend(id.as_deref().map(|id| ("upload-id-marker", id)));
    }
    let open = store.opened().await?;
    let page: UploadsPage = match document(open, "", &spelled(pairs), &asked).await? {
        Ok(page) => page,
        Err(refused) => return Err(refusal::explain(&asked, &refused)),
    };
    let coded = page.encoding_type.as_deref() == Some("url");
    let plain = |name: &str| -> String {
        if coded {
            decode(name).into_owned()
        } else {
            name.to_owned()
        }
    };
    let mut found = Vec::with_capacity(page.upload.len());
    for entry in &page.upload {
        found.extend(read(entry, &plain(&entry.key), &full, &root, &asked)?);
    }
    let next = match (page.is_truncated, page.next_key_marker) {
        (false, _) => None,
        (true, Some(key)) if !key.is_empty() => Some((plain(&key), page.next_upload_id_marker)),
        _ => return Err(asked.nonsense("the list of uploads breaks off")),
    };
    if next.is_some() && next == mark {
        return Err(asked.nonsense("the list of uploads does not go on"));
    }
    Ok((found, next))
}

/// One upload, unless the service lists more than it was asked for.
fn read(
    entry: &UploadEntry,
    key: &str,
    prefix: &str,
    root: &str,
    asked: &Asked<'_>,
) -> Result<Option<Unfinished>> {
    // Some services put a slash before the key.
    let key = key.strip_prefix('/').unwrap_or(key);
    let Some(key) = key.strip_prefix(root).filter(|_| key.starts_with(prefix)) else {
        return Ok(None);
    };
    let started = entry.initiated.parse::<jiff::Timestamp>();
    Ok(Some(Unfinished {
        key: key.to_owned(),
        token: entry.upload_id.clone(),
        started: started.map_err(|error| asked.nonsense(error))?.as_second(),
        size: None,
    }))
}

/// Throws away the parts of an upload.
pub(super) async fn abandon(store: &S3, key: &str, id: &str) -> Result<()> {
    let asked = store.asked(Act::Write, key);
    let prefix = store.shared.location.prefix();
    let slash = if prefix.is_empty() { "" } else { "/" };
    let path = Path::parse(format!("{prefix}{slash}{key}"))
        .map_err(|error| asked.error(crate::ErrorKind::Invalid, error))?;
    let service = &store.opened().await?.service;
    match service.abort_multipart(&path, &id.to_owned()).await {
        Ok(()) => Ok(()),
        Err(error) => match asked.status(&error) {
            Some((StatusCode::NOT_FOUND, _)) => Ok(()),
            _ => Err(asked.explain(&error)),
        },
    }
}
