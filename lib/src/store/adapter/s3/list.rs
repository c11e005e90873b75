//! Listings. Asked for and read here rather than by object_store, whose paths cannot hold
//! every key that others may have written.

use super::answer::Asked;
use super::raw::Call;
use super::{Open, S3, refusal};
use crate::error::Result;
use crate::store::Listed;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::read;
use crate::store::adapter::http::Refusal;
use crate::store::adapter::pages::pages;
use crate::store::adapter::xml::FilesPage;
use futures_util::stream::BoxStream;
use http::Method;
use serde::de::DeserializeOwned;

/// The files under a prefix, page by page, until an error.
pub(super) fn files<'a>(
    store: &'a S3,
    prefix: &'a str,
    after: Option<&'a str>,
) -> BoxStream<'a, Result<Listed>> {
    pages(store.asked(Act::List, prefix), move |mark| {
        page(store, prefix, after, mark)
    })
}

/// One page, and the mark of the next.
async fn page(
    store: &S3,
    prefix: &str,
    after: Option<&str>,
    mark: Option<String>,
) -> Result<(Vec<Listed>, Option<String>)> {
    let asked = store.asked(Act::List, prefix);
    let root = &store.shared.root;
    let open = store.opened().await?;
    let full = format!("{root}{prefix}");
    // A directory bucket lists folders, and from the start only.
    let (asked_for, after) = match open.wire.is_directory() {
        true => (full.rfind('/').map_or("", |end| &full[..=end]), None),
        false => (full.as_str(), after),
    };
    let query = match &mark {
        Some(mark) => query(asked_for, "continuation-token", Some(mark)),
        None => {
            let after = after.map(|after| format!("{root}{after}"));
            query(asked_for, "start-after", after.as_deref())
        }
    };
    let page: FilesPage = match document(open, "", &query, &asked).await? {
        Ok(page) => page,
        Err(refusal) => return Err(refusal::explain(&asked, &refusal)),
    };
    let (mut files, next) = page.read(root, &asked)?;
    files.retain(|file| file.key.starts_with(prefix));
    Ok((files, next))
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

/// Asks for an XML document about the bucket, or about the file with this path in it.
pub(super) async fn document<T: DeserializeOwned>(
    open: &Open,
    path: &str,
    query: &str,
    asked: &Asked<'_>,
) -> Result<std::result::Result<T, Refusal>> {
    let answer = Call::new(Method::GET, path, query)
        .send_whole(open, asked)
        .await?;
    match answer {
        Ok(body) => read(&body, asked).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    }
}
