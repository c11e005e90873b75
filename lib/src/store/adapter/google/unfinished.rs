//! Uploads that were begun and not ended: taken up again, listed, thrown away.

use super::Google;
use super::answer::Asked;
use super::list::document;
use super::upload::{self, Part};
use super::wire::Call;
use crate::error::Result;
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::read;
use crate::store::adapter::pages::pages;
use crate::store::adapter::xml::{self, Mark, Parts, UploadsPage};
use crate::store::{Resumed, Unfinished};
use futures_util::stream::BoxStream;
use http::Method;

/// Asks for the parts of an upload; nothing if the service knows no such upload.
pub(super) async fn resume(store: &Google, key: &Key, id: &str) -> Result<Option<Resumed>> {
    let asked = store.asked(Act::ListParts, key.as_str());
    let name = store.name(key)?;
    let mut parts = Parts::default();
    loop {
        let mut call = Call::new(Method::GET, &name).query("uploadId", id);
        if let Some(mark) = &parts.mark {
            call = call.query("part-number-marker", mark);
        }
        let page = match store.send_whole(call).await {
            Ok(answer) => read(answer.body(), &asked)?,
            Err(trouble) if trouble.is_ended() => return Ok(None),
            Err(trouble) => return Err(asked.explain(trouble)),
        };
        if !parts.add(page, &asked)? {
            break;
        }
    }
    let sizes = parts.sizes();
    let known = parts.found.into_iter().map(|(number, part)| {
        let xml::Part { etag, size, .. } = part;
        let sum = None;
        (number, Part { etag, size, sum })
    });
    let upload = upload::known(store, key, id, known.collect())?;
    Ok(Some(Resumed {
        upload,
        parts: sizes,
    }))
}

/// The uploads below a prefix, page by page.
pub(super) fn list<'a>(store: &'a Google, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
    pages(store.asked(Act::ListUploads, prefix), move |mark| {
        page(store, prefix, mark)
    })
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
    if let Some((key, id)) = mark {
        call = call.query("key-marker", key);
        if let Some(id) = id {
            call = call.query("upload-id-marker", id);
        }
    }
    let page: UploadsPage = document(store, call, &asked).await?;
    page.read(root, &full, |key| key, &asked)
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
