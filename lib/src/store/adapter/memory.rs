//! An exact bucket in memory, for tests and examples.

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{
    Body, Capabilities, ConditionalPut, Copied, FileInfo, Got, Listed, Precondition, Put, Resumed,
    Rules, Store, Unfinished, Upload, Version, Want, Whereabouts,
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A bucket in memory. Clones share their files.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, (Bytes, u64)>,
    writes: u64,
    /// What was begun and not ended, by its token.
    uploads: BTreeMap<String, (Key, BTreeMap<u32, Bytes>)>,
    begun: u64,
}

impl State {
    fn write(&mut self, key: &Key, body: Bytes) -> Version {
        self.writes += 1;
        self.files
            .insert(key.as_str().to_owned(), (body, self.writes));
        version(self.writes)
    }
}

fn version(write: u64) -> Version {
    Version::new(format!("\"{write}\""))
}

impl Memory {
    /// An empty bucket.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every file, by key: for looking into a bucket in a test.
    pub fn files(&self) -> BTreeMap<String, Bytes> {
        self.lock()
            .files
            .iter()
            .map(|(key, (body, _))| (key.clone(), body.clone()))
            .collect()
    }

    /// Each bucket in memory is a service of its own.
    fn service(&self) -> String {
        format!("memory {:p}", Arc::as_ptr(&self.state))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Memory {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditional_put: ConditionalPut::Version,
            probe: false,
            min_part: 1,
            max_part: u64::MAX,
            max_parts: 10_000,
            ordered: true,
            uploads_apart: true,
            deletes: 1000,
            copies: true,
            remote: false,
        }
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn credentials_used(&self) -> Option<String> {
        None
    }

    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        let state = self.lock();
        let found = state.files.get(key.as_str());
        Ok(found.map(|(body, write)| FileInfo {
            size: body.len() as u64,
            version: version(*write),
        }))
    }

    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        let state = self.lock();
        let Some((body, write)) = state.files.get(key.as_str()) else {
            return Ok(Got::Missing);
        };
        let info = FileInfo {
            size: body.len() as u64,
            version: version(*write),
        };
        if want.unless.as_ref() == Some(&info.version) {
            return Ok(Got::NotModified);
        }
        let range = want.range.unwrap_or(0..info.size);
        let bound = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(body.len());
        let bytes = body.slice(bound(range.start)..bound(range.end).max(bound(range.start)));
        Ok(Got::Found(Body {
            info,
            bytes: stream::iter([Ok(bytes)]).boxed(),
        }))
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        let mut state = self.lock();
        let now = state
            .files
            .get(key.as_str())
            .map(|(_, write)| version(*write));
        let holds = match when {
            Precondition::Always => true,
            Precondition::Absent => now.is_none(),
            Precondition::Unchanged(expected) => now.as_ref() == Some(expected),
        };
        Ok(if holds {
            Put::Written(state.write(key, body))
        } else {
            Put::Lost
        })
    }

    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
        let mut state = self.lock();
        state.begun += 1;
        let token = state.begun.to_string();
        let upload = (key.clone(), BTreeMap::new());
        state.uploads.insert(token.clone(), upload);
        Ok(Box::new(Parts {
            bucket: self.clone(),
            key: key.clone(),
            token,
        }))
    }

    async fn resume(&self, key: &Key, token: &str) -> Result<Option<Resumed>> {
        let state = self.lock();
        let found = state.uploads.get(token).filter(|(of, _)| of == key);
        Ok(found.map(|(key, parts)| Resumed {
            upload: Box::new(Parts {
                bucket: self.clone(),
                key: key.clone(),
                token: token.to_owned(),
            }),
            parts: parts
                .iter()
                .map(|(number, body)| (*number, body.len() as u64))
                .collect(),
        }))
    }

    fn unfinished<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
        let found: Vec<_> = self
            .lock()
            .uploads
            .iter()
            .filter(|(_, (key, _))| key.as_str().starts_with(prefix))
            .map(|(token, (key, parts))| {
                Ok(Unfinished {
                    key: key.as_str().to_owned(),
                    token: token.clone(),
                    started: 0,
                    size: Some(parts.values().map(|body| body.len() as u64).sum()),
                })
            })
            .collect();
        stream::iter(found).boxed()
    }

    async fn abandon(&self, key: &str, token: &str) -> Result<()> {
        let mut state = self.lock();
        let ours = |(of, _): &(Key, _)| of.as_str() == key;
        if state.uploads.get(token).is_some_and(ours) {
            state.uploads.remove(token);
        }
        Ok(())
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        let found: Vec<_> = self
            .lock()
            .files
            .iter()
            .filter(|(key, _)| {
                key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after)
            })
            .map(|(key, (body, write))| {
                Ok(Listed {
                    key: key.clone(),
                    size: body.len() as u64,
                    modified: 0,
                    state: Some(write.to_string()),
                })
            })
            .collect();
        stream::iter(found).boxed()
    }

    async fn rules(&self) -> Result<Rules> {
        Ok(Rules::none())
    }

    async fn create(&self) -> Result<()> {
        Ok(())
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.lock().files.remove(key.as_str());
        Ok(())
    }

    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
        let mut state = self.lock();
        for key in keys {
            state.files.remove(key.as_str());
        }
        Ok(Vec::new())
    }

    async fn whereabouts(&self, key: &Key) -> Result<Option<Whereabouts>> {
        Ok(Some(Whereabouts {
            service: self.service(),
            bucket: String::new(),
            name: key.as_str().to_owned(),
        }))
    }

    async fn copy(&self, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
        let mut state = self.lock();
        let found = state.files.get(&from.name).map(|(body, _)| body.clone());
        let found =
            found.filter(|body| from.service == self.service() && body.len() as u64 == size);
        let Some(body) = found else {
            return Ok(Copied::NotHere);
        };
        let _: Version = state.write(key, body);
        Ok(Copied::Done)
    }
}

#[derive(Debug)]
struct Parts {
    bucket: Memory,
    key: Key,
    token: String,
}

impl Parts {
    fn taken(&self) -> Error {
        Error::new(
            ErrorKind::Invalid,
            format!("cannot write {}: the upload has ended", self.key),
        )
    }
}

#[async_trait]
impl Upload for Parts {
    fn token(&self) -> Option<&str> {
        Some(&self.token)
    }

    async fn part(&self, number: u32, body: Bytes) -> Result<()> {
        let mut state = self.bucket.lock();
        let upload = state.uploads.get_mut(&self.token);
        let (_, parts) = upload.ok_or_else(|| self.taken())?;
        parts.insert(number, body);
        Ok(())
    }

    async fn complete(&self) -> Result<()> {
        let mut state = self.bucket.lock();
        let upload = state.uploads.remove(&self.token);
        let (_, parts) = upload.ok_or_else(|| self.taken())?;
        let whole: BytesMut = parts.into_values().flatten().collect();
        let _: Version = state.write(&self.key, whole.freeze());
        Ok(())
    }

    async fn abort(&self) -> Result<()> {
        self.bucket.lock().uploads.remove(&self.token);
        Ok(())
    }
}
