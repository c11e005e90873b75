//! Listings.

use super::Azure;
use super::answer::Asked;
use super::wire::Call;
use crate::error::Result;
use crate::store::Listed;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document;
use crate::store::adapter::pages::pages;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use http::Method;
use serde::Deserialize;
use std::future::ready;

/// What Azure answers; what is not asked for is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    blobs: Blobs,
    #[serde(default)]
    next_marker: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blobs {
    #[serde(default)]
    blob: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    name: Name,
    properties: Properties,
}

#[derive(Debug, Deserialize)]
struct Name {
    /// A name that XML cannot hold is percent-encoded, and says so.
    #[serde(rename = "@Encoded", default)]
    encoded: Option<String>,
    #[serde(rename = "$text", default)]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Properties {
    #[serde(rename = "Last-Modified", default)]
    last_modified: String,
    #[serde(rename = "Content-Length", default)]
    content_length: u64,
    #[serde(rename = "Etag", default)]
    etag: Option<String>,
    #[serde(rename = "ResourceType", default)]
    resource_type: Option<String>,
}

/// What a listing is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Files,
    /// Blobs that have only parts, too.
    FilesAndUploads,
}

/// The files whose key starts with `prefix` and stands behind `after`. The service can go on
/// only where it stopped itself: what stands before `after` is asked for, too, and left out.
pub(super) fn files<'a>(
    store: &'a Azure,
    prefix: &'a str,
    after: Option<&'a str>,
) -> BoxStream<'a, Result<Listed>> {
    let behind = move |file: &Listed| ready(after.is_none_or(|after| *file.key > *after));
    all(store, prefix, What::Files).try_filter(behind).boxed()
}

/// All of a listing, page by page, until an error.
pub(super) fn all<'a>(
    store: &'a Azure,
    prefix: &'a str,
    what: What,
) -> BoxStream<'a, Result<Listed>> {
    pages(what.asked(store, prefix), move |mark| {
        page(store, prefix, what, mark)
    })
}

impl What {
    fn asked<'a>(self, store: &'a Azure, prefix: &'a str) -> Asked<'a> {
        let act = match self {
            Self::Files => Act::List,
            Self::FilesAndUploads => Act::ListUploads,
        };
        store.asked(act, prefix)
    }
}

/// One page, and the mark of the next.
async fn page(
    store: &Azure,
    prefix: &str,
    what: What,
    mark: Option<String>,
) -> Result<(Vec<Listed>, Option<String>)> {
    let asked = what.asked(store, prefix);
    let root = &store.shared.root;
    let mut call = Call::new(Method::GET, "")
        .query("restype", "container")
        .query("comp", "list")
        .query("prefix", format!("{root}{prefix}"));
    if what == What::FilesAndUploads {
        call = call.query("include", "uncommittedblobs");
    }
    if let Some(mark) = mark {
        call = call.query("marker", mark);
    }
    let answer = store.send_whole(call).await;
    let answer = answer.map_err(|trouble| asked.explain(trouble))?;
    let page: Page = document::read(answer.body(), &asked)?;
    let next = Some(page.next_marker).filter(|mark| !mark.is_empty());
    Ok((files_of(page.blobs.blob, root, &asked)?, next))
}

/// The files of a page, below `root`. Folders of an account that has them are none.
fn files_of(entries: Vec<Entry>, root: &str, asked: &Asked<'_>) -> Result<Vec<Listed>> {
    let mut files = Vec::with_capacity(entries.len());
    for Entry { name, properties } in entries {
        if properties.resource_type.as_deref() == Some("directory") {
            continue;
        }
        let name = match name.encoded.as_deref() {
            Some("true") => {
                decode(&name.text).ok_or_else(|| asked.nonsense("a name is no text"))?
            }
            _ => name.text,
        };
        let modified = jiff::fmt::rfc2822::parse(&properties.last_modified)
            .map_err(|error| asked.nonsense(document::one_line(&error.to_string())))?;
        if let Some(key) = name.strip_prefix(root) {
            files.push(Listed {
                key: key.to_owned(),
                size: properties.content_length,
                modified: modified.timestamp().as_second(),
                state: properties.etag,
            });
        }
    }
    Ok(files)
}

/// Undoes percent escapes.
fn decode(text: &str) -> Option<String> {
    // A plus stands for itself here.
    let text = text
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    let (name, _) = url::form_urlencoded::parse(text.as_bytes()).next()?;
    (!name.contains('\u{FFFD}')).then(|| name.into_owned())
}
