//! Listings.

use super::Azure;
use super::answer::Asked;
use super::wire::Call;
use crate::error::Result;
use crate::store::Listed;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
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

/// Where a listing stands.
enum At {
    Start,
    /// The service's own mark.
    Page(String),
    End,
}

/// A listing under way.
struct Listing<'a> {
    store: &'a Azure,
    prefix: &'a str,
    what: What,
    /// What the last page still holds.
    found: std::vec::IntoIter<Listed>,
    at: At,
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
    let listing = Listing {
        store,
        prefix,
        what,
        found: Vec::new().into_iter(),
        at: At::Start,
    };
    let found = stream::unfold(listing, |mut listing| async move {
        loop {
            if let Some(file) = listing.found.next() {
                return Some((Ok(file), listing));
            }
            if matches!(listing.at, At::End) {
                return None;
            }
            if let Err(error) = listing.turn().await {
                listing.at = At::End;
                return Some((Err(error), listing));
            }
        }
    });
    found.fuse().boxed()
}

impl Listing<'_> {
    /// Takes the next page.
    async fn turn(&mut self) -> Result<()> {
        let act = match self.what {
            What::Files => Act::List,
            What::FilesAndUploads => Act::ListUploads,
        };
        let asked = self.store.asked(act, self.prefix);
        let root = &self.store.shared.root;
        let mut call = Call::new(Method::GET, "")
            .query("restype", "container")
            .query("comp", "list")
            .query("prefix", format!("{root}{}", self.prefix));
        if self.what == What::FilesAndUploads {
            call = call.query("include", "uncommittedblobs");
        }
        if let At::Page(mark) = &self.at {
            call = call.query("marker", mark);
        }
        let answer = self.store.send_whole(call).await;
        let answer = answer.map_err(|trouble| asked.explain(trouble))?;
        let page: Page = quick_xml::de::from_reader(&**answer.body())
            .map_err(|error| asked.nonsense(document::one_line(&error.to_string())))?;
        let next = Some(page.next_marker).filter(|mark| !mark.is_empty());
        // A service that starts again would have us turn in a circle.
        if matches!((&self.at, &next), (At::Page(mark), Some(next)) if mark == next) {
            return Err(asked.nonsense("the listing does not go on"));
        }
        self.found = read(page.blobs.blob, root, &asked)?.into_iter();
        self.at = next.map_or(At::End, At::Page);
        Ok(())
    }
}

/// The files of a page, below `root`. Folders of an account that has them are none.
fn read(entries: Vec<Entry>, root: &str, asked: &Asked<'_>) -> Result<Vec<Listed>> {
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
