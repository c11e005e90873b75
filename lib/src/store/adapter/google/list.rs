//! Listings: <https://cloud.google.com/storage/docs/xml-api/get-bucket-list>.

use super::Google;
use super::answer::Asked;
use super::wire::Call;
use crate::error::Result;
use crate::store::Listed;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::read;
use crate::store::adapter::pages::pages;
use crate::store::adapter::xml::FilesPage;
use futures_util::stream::BoxStream;
use http::Method;
use serde::de::DeserializeOwned;

/// The files under a prefix, page by page, until an error.
pub(super) fn files<'a>(
    store: &'a Google,
    prefix: &'a str,
    after: Option<&'a str>,
) -> BoxStream<'a, Result<Listed>> {
    pages(store.asked(Act::List, prefix), move |mark| {
        page(store, prefix, after, mark)
    })
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
    if let Some(mark) = mark {
        call = call.query("continuation-token", mark);
    } else if let Some(after) = after {
        call = call.query("start-after", format!("{root}{after}"));
    }
    let page: FilesPage = document(store, call, &asked).await?;
    page.read(root, &asked)
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
