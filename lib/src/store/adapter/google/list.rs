//! Listings: <https://cloud.google.com/storage/docs/xml-api/get-bucket-list>.

use super::Google;
use super::answer::Asked;
use super::wire::Call;
use crate::error::Result;
use crate::store::Listed;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::one_line;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// What Google answers; what is not asked for is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
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

/// The files under a prefix, page by page, until an error.
pub(super) fn pages<'a>(
    store: &'a Google,
    prefix: &'a str,
    after: Option<&'a str>,
) -> BoxStream<'a, Result<Listed>> {
    let pages = stream::try_unfold(Some(None), move |at: Option<Option<String>>| async move {
        let Some(mark) = at else {
            return Ok(None);
        };
        let (files, next) = page(store, prefix, after, mark).await?;
        let files = stream::iter(files.into_iter().map(Ok));
        Ok(Some((files, next.map(Some))))
    });
    pages.try_flatten().boxed()
}

/// One page, and the mark of the next.
async fn page(
    store: &Google,
    prefix: &str,
    after: Option<&str>,
    mark: Option<String>,
) -> Result<(Vec<Listed>, Option<String>)> {
    let asked = store.asked(Act::List, prefix);
    let root = &store.shared.root;
    let mut call = Call::new(Method::GET, "")
        .query("list-type", "2")
        .query("encoding-type", "url")
        .query("prefix", format!("{root}{prefix}"));
    if let Some(mark) = &mark {
        call = call.query("continuation-token", mark);
    } else if let Some(after) = after {
        call = call.query("start-after", format!("{root}{after}"));
    }
    let page: Page = document(store, call, &asked).await?;
    let coded = page.encoding_type.as_deref() == Some("url");
    let mut files = Vec::with_capacity(page.contents.len());
    for entry in page.contents {
        let key = plain(&entry.key, coded);
        if let Some(key) = key.strip_prefix(root.as_str()) {
            files.push(Listed {
                key: key.to_owned(),
                size: entry.size,
                modified: seconds(&entry.last_modified, &asked)?,
            });
        }
    }
    let next = match (page.is_truncated, page.next_continuation_token) {
        (false, _) => None,
        // A service that starts again would have us turn in a circle.
        (true, Some(next)) if !next.is_empty() && Some(&next) != mark.as_ref() => Some(next),
        _ => return Err(asked.nonsense("the listing does not go on")),
    };
    Ok((files, next))
}

/// Asks for an XML document.
pub(super) async fn document<T: DeserializeOwned>(
    store: &Google,
    call: Call<'_>,
    asked: &Asked<'_>,
) -> Result<T> {
    let answer = store.send_whole(call).await;
    let answer = answer.map_err(|trouble| asked.explain(trouble))?;
    read(answer.body(), asked)
}

pub(super) fn read<T: DeserializeOwned>(body: &Bytes, asked: &Asked<'_>) -> Result<T> {
    quick_xml::de::from_reader(&**body)
        .map_err(|error| asked.nonsense(one_line(&error.to_string())))
}

/// Seconds since 1970.
pub(super) fn seconds(text: &str, asked: &Asked<'_>) -> Result<i64> {
    let time = text.parse::<jiff::Timestamp>();
    Ok(time.map_err(|error| asked.nonsense(error))?.as_second())
}

/// Undoes the encoding that keeps odd keys out of the XML.
pub(super) fn plain(key: &str, coded: bool) -> Cow<'_, str> {
    if !coded || !key.contains(['%', '+']) {
        return Cow::Borrowed(key);
    }
    // One pair without a value is one decoded name.
    let name = key.replace('&', "%26").replace('=', "%3D");
    let decoded = url::form_urlencoded::parse(name.as_bytes()).next();
    Cow::Owned(decoded.map_or_else(String::new, |(name, _)| name.into_owned()))
}
