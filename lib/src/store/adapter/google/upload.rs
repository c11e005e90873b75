//! Large files, in parts: <https://cloud.google.com/storage/docs/multipart-uploads>.

use super::list::document;
use super::wire::Call;
use super::{Google, checksum, unfinished};
use crate::error::{ErrorKind, Result};
use crate::key::Key;
use crate::store::Upload;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::read;
use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A part that has arrived.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) etag: String,
    pub(super) size: u64,
    /// Its checksum, if it was sent from here.
    pub(super) sum: Option<u32>,
}

/// An upload and the parts that have arrived.
struct Parts {
    store: Google,
    key: Key,
    name: String,
    id: String,
    parts: Mutex<BTreeMap<u32, Part>>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    upload_id: String,
}

#[derive(Debug, Deserialize)]
struct Completed {
    #[serde(rename = "ETag")]
    _etag: String,
}

pub(super) async fn begin(store: &Google, key: &Key) -> Result<Box<dyn Upload>> {
    let name = store.name(key)?;
    let call = Call::new(Method::POST, &name)
        .query("uploads", "")
        .describe(true)
        .header("content-length", "0");
    let begun: Begun = document(store, call, &store.asked(Act::Write, key.as_str())).await?;
    known(store, key, &begun.upload_id, BTreeMap::new())
}

/// Takes up an upload with the parts that the service knows.
pub(super) fn known(
    store: &Google,
    key: &Key,
    id: &str,
    parts: BTreeMap<u32, Part>,
) -> Result<Box<dyn Upload>> {
    Ok(Box::new(Parts {
        store: store.clone(),
        key: key.clone(),
        name: store.name(key)?,
        id: id.to_owned(),
        parts: Mutex::new(parts),
    }))
}

impl Parts {
    fn parts(&self) -> MutexGuard<'_, BTreeMap<u32, Part>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The document that names the parts, and the checksum that they have together.
fn plan(parts: &BTreeMap<u32, Part>) -> (String, Option<u32>) {
    let mut text = "<CompleteMultipartUpload>".to_owned();
    let mut sum = Some(checksum::of(b""));
    for (number, part) in parts {
        let etag = quick_xml::escape::escape(&part.etag);
        let number = u64::from(*number) + 1;
        let _ = write!(
            text,
            "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        );
        let both = sum.zip(part.sum);
        sum = both.map(|(sum, next)| checksum::joined(sum, next, part.size));
    }
    text.push_str("</CompleteMultipartUpload>");
    (text, sum)
}

#[async_trait]
impl Upload for Parts {
    fn token(&self) -> Option<&str> {
        Some(&self.id)
    }

    async fn part(&self, number: u32, body: Bytes) -> Result<()> {
        let asked = self.store.asked(Act::Write, self.key.as_str());
        let (size, sum) = (body.len() as u64, checksum::of(&body));
        let call = Call::new(Method::PUT, &self.name)
            .query("partNumber", (u64::from(number) + 1).to_string())
            .query("uploadId", &self.id)
            .unlock()
            .header("x-goog-hash", checksum::claim(&body))
            .body(body);
        let answer = self.store.send_whole(call).await;
        let answer = answer.map_err(|trouble| asked.explain(trouble))?;
        let etag = answer
            .headers()
            .get("etag")
            .and_then(|tag| tag.to_str().ok());
        let part = Part {
            etag: etag
                .ok_or_else(|| asked.nonsense("it names no part"))?
                .to_owned(),
            size,
            sum: Some(sum),
        };
        self.parts().insert(number, part);
        Ok(())
    }

    /// May be called again after an error: the parts stay known. After a success that was
    /// not heard of, Google answers the second time that it does not know the upload, which
    /// is [`ErrorKind::Missing`].
    async fn complete(&self) -> Result<()> {
        let asked = self.store.asked(Act::Write, self.key.as_str());
        let (text, sum) = {
            let parts = self.parts();
            if parts.is_empty()
                || parts
                    .keys()
                    .zip(0..)
                    .any(|(number, place)| *number != place)
            {
                return Err(asked.error(ErrorKind::Invalid, "a part is missing"));
            }
            plan(&parts)
        };
        let call = Call::new(Method::POST, &self.name)
            .query("uploadId", &self.id)
            .unlock()
            .header("content-type", "application/xml")
            .body(text.into());
        let answer = self.store.send_whole(call).await;
        let answer = answer.map_err(|trouble| asked.explain(trouble))?;
        // Joining can take minutes, and may fail when the status is on its way already.
        read::<Completed>(answer.body(), &asked)?;
        match sum.zip(checksum::said(answer.headers())) {
            Some((ours, theirs)) if ours != theirs => Err(asked.error(
                ErrorKind::Corrupt,
                "the service joined the parts to something else: the checksum is wrong",
            )),
            _ => Ok(()),
        }
    }

    async fn abort(&self) -> Result<()> {
        let asked = self.store.asked(Act::Write, self.key.as_str());
        unfinished::abandon(&self.store, &asked, &self.name, &self.id).await
    }
}
