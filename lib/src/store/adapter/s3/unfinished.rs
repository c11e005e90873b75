//! Uploads that were begun and not ended: taken up again, listed, thrown away.

use super::list::{document, spelled};
use super::{S3, refusal, upload};
use crate::error::Result;
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::adapter::pages::pages;
use crate::store::adapter::xml::{Mark, Parts, UploadsPage};
use crate::store::{Resumed, Unfinished};
use futures_util::stream::BoxStream;
use http::StatusCode;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;

/// Asks for the parts of an upload; nothing if the service knows no such upload.
pub(super) async fn resume(store: &S3, key: &Key, id: &str) -> Result<Option<Resumed>> {
    let asked = store.asked(Act::ListParts, key.as_str());
    let path = store.path(key)?;
    let mut parts = Parts::default();
    loop {
        let mut pairs = vec![("uploadId", id)];
        let mark = parts.mark.as_deref();
        pairs.extend(mark.map(|mark| ("part-number-marker", mark)));
        let open = store.opened().await?;
        let page = match document(open, path.as_ref(), &spelled(pairs), &asked).await? {
            Ok(page) => page,
            Err(refused) => {
                return match (refused.status, refusal::code(&refused)) {
                    (StatusCode::NOT_FOUND, None | Some("NoSuchUpload" | "NoSuchKey")) => Ok(None),
                    _ => Err(refusal::explain(&asked, &refused)),
                };
            }
        };
        if !parts.add(page, &asked)? {
            break;
        }
    }
    let sizes = parts.sizes();
    let ids = parts.found.into_iter().map(|(number, part)| {
        let content_id = part.etag;
        (number, PartId { content_id })
    });
    let upload = upload::known(store, key, id, ids.collect())?;
    Ok(Some(Resumed {
        upload,
        parts: sizes,
    }))
}

/// The uploads below a prefix, page by page.
pub(super) fn list<'a>(store: &'a S3, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
    pages(store.asked(Act::ListUploads, prefix), move |mark| {
        page(store, prefix, mark)
    })
}

async fn page(
    store: &S3,
    prefix: &str,
    mark: Option<Mark>,
) -> Result<(Vec<Unfinished>, Option<Mark>)> {
    let asked = store.asked(Act::ListUploads, prefix);
    let root = &store.shared.root;
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
    // Some services put a slash before the key.
    let spelled: fn(&str) -> &str = |key| key.strip_prefix('/').unwrap_or(key);
    page.read(root, &full, spelled, &asked)
}

/// Throws away the parts of an upload.
pub(super) async fn abandon(store: &S3, key: &str, id: &str) -> Result<()> {
    let asked = store.asked(Act::Write, key);
    let path = Path::parse(format!("{}{key}", store.shared.root))
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
