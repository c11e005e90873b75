//! Listings. Asked for and read here rather than by object_store, whose paths cannot hold
//! every key that others may have written.

use super::answer::Asked;
use super::{Open, S3, refusal};
use crate::error::Result;
use crate::store::Listed;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::one_line;
use crate::store::adapter::http::Refusal;
use futures_util::stream::{self, BoxStream, StreamExt};
use http_body_util::BodyExt;
use object_store::client::{HttpRequest, HttpRequestBody, HttpService};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::error::Error as _;

/// What S3 answers; what is not asked for is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename = "ListBucketResult", rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    contents: Vec<Entry>,
    #[serde(default)]
    encoding_type: Option<String>,
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_continuation_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    key: String,
    size: u64,
    last_modified: String,
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
    store: &'a S3,
    prefix: &'a str,
    after: Option<&'a str>,
    /// What the last page still holds.
    files: std::vec::IntoIter<Listed>,
    at: At,
}

/// The files under a prefix, page by page, until an error.
pub(super) fn pages<'a>(
    store: &'a S3,
    prefix: &'a str,
    after: Option<&'a str>,
) -> BoxStream<'a, Result<Listed>> {
    let listing = Listing {
        store,
        prefix,
        after,
        files: Vec::new().into_iter(),
        at: At::Start,
    };
    let files = stream::unfold(listing, |mut listing| async move {
        loop {
            if let Some(file) = listing.files.next() {
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
    files.fuse().boxed()
}

impl Listing<'_> {
    /// Takes the next page.
    async fn turn(&mut self) -> Result<()> {
        let asked = self.store.asked(Act::List, self.prefix);
        let root = match self.store.shared.location.prefix() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let open = self.store.opened().await?;
        let full = format!("{root}{}", self.prefix);
        // A directory bucket lists folders, and from the start only.
        let (asked_for, after) = match open.wire.is_directory() {
            true => (full.rfind('/').map_or("", |end| &full[..=end]), None),
            false => (full.as_str(), self.after),
        };
        let query = match &self.at {
            At::Page(mark) => query(asked_for, "continuation-token", Some(mark)),
            _ => {
                let after = after.map(|after| format!("{root}{after}"));
                query(asked_for, "start-after", after.as_deref())
            }
        };
        let page = ask(open, &query, &asked).await?;
        let (files, next) = read(page, &root, &asked)?;
        // A service that starts again would have us turn in a circle.
        if matches!((&self.at, &next), (At::Page(mark), At::Page(next)) if mark == next) {
            return Err(asked.nonsense("the listing does not go on"));
        }
        let below = |file: &Listed| file.key.starts_with(self.prefix);
        let files: Vec<_> = files.into_iter().filter(below).collect();
        self.files = files.into_iter();
        self.at = next;
        Ok(())
    }
}

/// The query of one page, from some place on.
fn query(prefix: &str, from: &str, place: Option<&str>) -> String {
    let mut pairs = vec![
        ("encoding-type", "url"),
        ("list-type", "2"),
        ("prefix", prefix),
    ];
    pairs.extend(place.map(|place| (from, place)));
    spelled(pairs)
}

/// A query as signing spells it.
pub(super) fn spelled(mut pairs: Vec<(&str, &str)>) -> String {
    pairs.sort_unstable();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    query
        .replace('+', "%20")
        .replace('*', "%2A")
        .replace("%7E", "~")
}

async fn ask(open: &Open, query: &str, asked: &Asked<'_>) -> Result<Page> {
    match document(open, "", query, asked).await? {
        Ok(page) => Ok(page),
        Err(refusal) => Err(refusal::explain(asked, &refusal)),
    }
}

/// Asks for an XML document about the bucket, or about the file with this path in it.
pub(super) async fn document<T: DeserializeOwned>(
    open: &Open,
    path: &str,
    query: &str,
    asked: &Asked<'_>,
) -> Result<std::result::Result<T, Refusal>> {
    let base = open.wire.bucket_url();
    // A bucket in the host leaves an empty path.
    let slash = if base.splitn(4, '/').nth(3).is_some() {
        ""
    } else {
        "/"
    };
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    let name = if path.is_empty() {
        slash.to_owned()
    } else {
        let parts: Vec<_> = path
            .split('/')
            .map(|part| spelled(vec![(part, "")]))
            .collect();
        // An empty value leaves its sign.
        format!("/{}", parts.join("/").replace('=', ""))
    };
    *request.uri_mut() = format!("{base}{name}?{query}")
        .parse()
        .map_err(|error| asked.nonsense(error))?;
    let answer = open.wire.call(request).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let refusal = error.source().and_then(|source| source.downcast_ref());
            return match refusal {
                Some(refusal) => Ok(Err(Refusal::clone(refusal))),
                None => Err(asked.explain_http(error)),
            };
        }
    };
    let body = answer.into_body().collect().await;
    let body = body.map_err(|error| asked.explain_http(error))?.to_bytes();
    quick_xml::de::from_reader(&*body)
        .map(Ok)
        .map_err(|error| asked.nonsense(one_line(&error.to_string())))
}

/// The files of a page, below `root`, and where to go on.
///
/// They are in the order of the service. That of SeaweedFS is by the parts of a path: all of
/// `a/` comes before `a-b`.
fn read(page: Page, root: &str, asked: &Asked<'_>) -> Result<(Vec<Listed>, At)> {
    let coded = page.encoding_type.as_deref() == Some("url");
    let mut files = Vec::with_capacity(page.contents.len());
    for entry in page.contents {
        let key = if coded {
            decode(&entry.key)
        } else {
            Cow::Borrowed(entry.key.as_str())
        };
        let modified = entry.last_modified.parse::<jiff::Timestamp>();
        let modified = modified.map_err(|error| asked.nonsense(error))?.as_second();
        if let Some(key) = key.strip_prefix(root) {
            files.push(Listed {
                key: key.to_owned(),
                size: entry.size,
                modified,
            });
        }
    }
    let next = match (page.is_truncated, page.next_continuation_token) {
        (false, _) => At::End,
        (true, Some(mark)) if !mark.is_empty() => At::Page(mark),
        _ => return Err(asked.nonsense("the listing breaks off")),
    };
    Ok((files, next))
}

/// Undoes the encoding that keeps odd keys out of the XML.
pub(super) fn decode(key: &str) -> Cow<'_, str> {
    if !key.contains(['%', '+']) {
        return Cow::Borrowed(key);
    }
    // One pair without a value is one decoded name.
    let name = key.replace('&', "%26").replace('=', "%3D");
    let decoded = url::form_urlencoded::parse(name.as_bytes()).next();
    Cow::Owned(decoded.map_or_else(String::new, |(name, _)| name.into_owned()))
}
