//! Large files, in parts.

use super::S3;
use super::answer::Asked;
use super::list::spelled;
use crate::error::{ErrorKind, Result};
use crate::key::Key;
use crate::store::Upload;
use crate::store::adapter::asked::Act;
use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An upload and the parts that have arrived.
pub(super) struct Parts {
    store: S3,
    key: Key,
    path: Path,
    id: String,
    parts: Mutex<BTreeMap<u32, PartId>>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

pub(super) async fn begin(store: &S3, key: &Key) -> Result<Box<dyn Upload>> {
    Ok(Box::new(start(store, key).await?))
}

pub(super) async fn start(store: &S3, key: &Key) -> Result<Parts> {
    let path = store.path(key)?;
    let id = store.opened().await?.service.create_multipart(&path).await;
    let id = id.map_err(|error| store.asked(Act::Write, key.as_str()).explain(&error))?;
    Ok(Parts {
        store: store.clone(),
        key: key.clone(),
        path,
        id,
        parts: Mutex::default(),
    })
}

/// Takes up an upload with the parts that the service knows.
pub(super) fn known(
    store: &S3,
    key: &Key,
    id: &str,
    parts: BTreeMap<u32, PartId>,
) -> Result<Box<dyn Upload>> {
    Ok(Box::new(Parts {
        store: store.clone(),
        key: key.clone(),
        path: store.path(key)?,
        id: id.to_owned(),
        parts: Mutex::new(parts),
    }))
}

impl Parts {
    fn parts(&self) -> MutexGuard<'_, BTreeMap<u32, PartId>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn path(&self) -> &str {
        self.path.as_ref()
    }

    pub(super) fn asked(&self) -> Asked<'_> {
        self.store.asked(Act::Write, self.key.as_str())
    }

    /// The query of the request that makes a part.
    pub(super) fn query(&self, number: u32) -> String {
        let number = (u64::from(number) + 1).to_string();
        spelled(vec![("partNumber", &number), ("uploadId", &self.id)])
    }

    /// A part is there that was not sent from here.
    pub(super) fn note(&self, number: u32, etag: String) {
        let content_id = etag;
        self.parts().insert(number, PartId { content_id });
    }
}

#[async_trait]
impl Upload for Parts {
    fn token(&self) -> Option<&str> {
        Some(&self.id)
    }

    async fn part(&self, number: u32, body: Bytes) -> Result<()> {
        let asked = self.store.asked(Act::Write, self.key.as_str());
        let at = usize::try_from(number).unwrap_or(usize::MAX - 1);
        let service = &self.store.opened().await?.service;
        let part = service
            .put_part(&self.path, &self.id, at, body.into())
            .await;
        let part = part.map_err(|error| asked.explain(&error))?;
        self.parts().insert(number, part);
        Ok(())
    }

    /// May be called again after an error: the parts stay known. After a success that was
    /// not heard of, S3 answers the second time that it does not know the upload, which is
    /// [`ErrorKind::Missing`].
    async fn complete(&self) -> Result<()> {
        let asked = self.store.asked(Act::Write, self.key.as_str());
        let parts: Vec<PartId> = {
            let parts = self.parts();
            // object_store numbers them by their place.
            if parts
                .keys()
                .zip(0..)
                .any(|(number, place)| *number != place)
            {
                return Err(asked.error(ErrorKind::Invalid, "a part is missing"));
            }
            parts.values().cloned().collect()
        };
        let service = &self.store.opened().await?.service;
        let done = service
            .complete_multipart(&self.path, &self.id, parts)
            .await;
        done.map_err(|error| asked.explain(&error))?;
        Ok(())
    }

    async fn abort(&self) -> Result<()> {
        let asked = self.store.asked(Act::Write, self.key.as_str());
        let service = &self.store.opened().await?.service;
        match service.abort_multipart(&self.path, &self.id).await {
            Ok(()) => Ok(()),
            Err(error) => match asked.status(&error) {
                Some((StatusCode::NOT_FOUND, _)) => Ok(()),
                _ => Err(asked.explain(&error)),
            },
        }
    }
}
