//! Counts what is asked of a bucket.

use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::{
    Body, Capabilities, Copied, FileInfo, Got, Listed, Precondition, Put, Recall, Recalled,
    Resumed, Rules, Store, Unfinished, Upload, Want, Whereabouts,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Kinds of requests, as a bucket bills them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// [`Store::head`]
    Head,
    /// [`Store::get`]
    Get,
    /// [`Store::put`] without a condition.
    Put,
    /// [`Store::put`] with a condition.
    ConditionalPut,
    /// [`Store::begin`]
    Begin,
    /// [`Upload::part`]
    Part,
    /// [`Upload::complete`]
    Complete,
    /// [`Upload::abort`], [`Store::abandon`]
    Abort,
    /// [`Store::resume`]: one for each thousand parts.
    Resume,
    /// [`Store::unfinished`]: one for each thousand uploads.
    Unfinished,
    /// [`Store::list`]: one for each thousand files.
    List,
    /// [`Store::delete`], and [`Store::delete_many`]: one for as many as one request deletes.
    Delete,
    /// [`Store::copy`]: two, and more for a large file.
    Copy,
    /// [`Store::rules`]: three at most.
    Rules,
    /// [`Store::recall`]
    Recall,
    /// [`Store::create`]
    Create,
}

impl Verb {
    /// All of them, in the order in which they show.
    pub const ALL: [Self; 16] = [
        Self::Head,
        Self::Get,
        Self::Put,
        Self::ConditionalPut,
        Self::Begin,
        Self::Part,
        Self::Complete,
        Self::Abort,
        Self::Resume,
        Self::Unfinished,
        Self::List,
        Self::Delete,
        Self::Copy,
        Self::Rules,
        Self::Recall,
        Self::Create,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Get => "get",
            Self::Put => "put",
            Self::ConditionalPut => "conditional put",
            Self::Begin => "begin",
            Self::Part => "part",
            Self::Complete => "complete",
            Self::Abort => "abort",
            Self::Resume => "resume",
            Self::Unfinished => "unfinished",
            Self::List => "list",
            Self::Delete => "delete",
            Self::Copy => "copy",
            Self::Rules => "rules",
            Self::Recall => "recall",
            Self::Create => "create",
        }
    }
}

/// How much was asked of a bucket so far. Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests: [AtomicU64; Verb::ALL.len()],
    sent: AtomicU64,
    received: AtomicU64,
}

impl Counts {
    /// Requests of one kind.
    pub fn of(&self, verb: Verb) -> u64 {
        self.0.requests[verb as usize].load(Ordering::Relaxed)
    }

    /// Requests of all kinds.
    pub fn total(&self) -> u64 {
        Verb::ALL.into_iter().map(|verb| self.of(verb)).sum()
    }

    /// Bytes of files written.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Bytes of files read.
    pub fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    /// Starts again at nothing.
    pub fn reset(&self) {
        for counter in &self.0.requests {
            counter.store(0, Ordering::Relaxed);
        }
        self.0.sent.store(0, Ordering::Relaxed);
        self.0.received.store(0, Ordering::Relaxed);
    }

    fn add(&self, verb: Verb, sent: usize) {
        self.0.requests[verb as usize].fetch_add(1, Ordering::Relaxed);
        self.0.sent.fetch_add(sent as u64, Ordering::Relaxed);
    }
}

/// `3 requests: 1 get, 1 put, 1 conditional put; 512 bytes sent, 80 received`
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        write!(f, "{total} request{}", if total == 1 { "" } else { "s" })?;
        let mut sign = ':';
        for verb in Verb::ALL {
            let count = self.of(verb);
            if count > 0 {
                write!(f, "{sign} {count} {}", verb.name())?;
                sign = ',';
            }
        }
        write!(
            f,
            "; {} bytes sent, {} received",
            self.sent(),
            self.received()
        )
    }
}

/// A store whose requests are counted, whether they succeed or not.
#[derive(Debug, Clone)]
pub struct Count<S> {
    store: S,
    counts: Counts,
}

impl<S> Count<S> {
    /// Counts what is asked of `store`.
    pub fn new(store: S) -> Self {
        Self {
            store,
            counts: Counts::default(),
        }
    }

    /// The counters.
    pub fn counts(&self) -> Counts {
        self.counts.clone()
    }
}

#[async_trait]
impl<S: Store> Store for Count<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn describe(&self) -> String {
        self.store.describe()
    }

    fn credentials_used(&self) -> Option<String> {
        self.store.credentials_used()
    }

    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        self.counts.add(Verb::Head, 0);
        self.store.head(key).await
    }

    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        self.counts.add(Verb::Get, 0);
        Ok(match self.store.get(key, want).await? {
            Got::Found(Body { info, bytes }) => {
                let counts = self.counts.clone();
                let bytes = bytes.inspect(move |read| {
                    let read = read.as_ref().map_or(0, Bytes::len) as u64;
                    counts.0.received.fetch_add(read, Ordering::Relaxed);
                });
                let bytes = bytes.boxed();
                Got::Found(Body { info, bytes })
            }
            other => other,
        })
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        let verb = match when {
            Precondition::Always => Verb::Put,
            Precondition::Absent | Precondition::Unchanged(_) => Verb::ConditionalPut,
        };
        self.counts.add(verb, body.len());
        self.store.put(key, body, when).await
    }

    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
        self.counts.add(Verb::Begin, 0);
        let upload = self.store.begin(key).await?;
        let counts = self.counts.clone();
        Ok(Box::new(Counted { upload, counts }))
    }

    async fn resume(&self, key: &Key, token: &str) -> Result<Option<Resumed>> {
        self.counts.add(Verb::Resume, 0);
        let counts = self.counts.clone();
        let found = self.store.resume(key, token).await?;
        Ok(found.map(|Resumed { upload, parts }| Resumed {
            upload: Box::new(Counted { upload, counts }),
            parts,
        }))
    }

    fn unfinished<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
        self.counts.add(Verb::Unfinished, 0);
        self.store.unfinished(prefix)
    }

    async fn abandon(&self, key: &str, token: &str) -> Result<()> {
        self.counts.add(Verb::Abort, 0);
        self.store.abandon(key, token).await
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        self.counts.add(Verb::List, 0);
        let counts = self.counts.clone();
        let mut seen = 0_u64;
        let listed = self.store.list(prefix, after).inspect(move |_| {
            if seen > 0 && seen.is_multiple_of(1000) {
                counts.add(Verb::List, 0);
            }
            seen += 1;
        });
        listed.boxed()
    }

    async fn rules(&self) -> Result<Rules> {
        self.counts.add(Verb::Rules, 0);
        self.store.rules().await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.counts.add(Verb::Delete, 0);
        self.store.delete(key).await
    }

    async fn recall(&self, key: &Key, recall: Recall) -> Result<Recalled> {
        self.counts.add(Verb::Recall, 0);
        self.store.recall(key, recall).await
    }

    async fn create(&self) -> Result<()> {
        self.counts.add(Verb::Create, 0);
        self.store.create().await
    }

    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
        for _ in keys.chunks(self.store.capabilities().deletes.max(1)) {
            self.counts.add(Verb::Delete, 0);
        }
        self.store.delete_many(keys).await
    }

    async fn whereabouts(&self, key: &Key) -> Result<Option<Whereabouts>> {
        self.store.whereabouts(key).await
    }

    async fn copy(&self, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
        self.counts.add(Verb::Copy, 0);
        self.store.copy(from, size, key).await
    }
}

#[derive(Debug)]
struct Counted {
    upload: Box<dyn Upload>,
    counts: Counts,
}

#[async_trait]
impl Upload for Counted {
    fn token(&self) -> Option<&str> {
        self.upload.token()
    }

    async fn part(&self, number: u32, body: Bytes) -> Result<()> {
        self.counts.add(Verb::Part, body.len());
        self.upload.part(number, body).await
    }

    async fn complete(&self) -> Result<()> {
        self.counts.add(Verb::Complete, 0);
        self.upload.complete().await
    }

    async fn abort(&self) -> Result<()> {
        self.counts.add(Verb::Abort, 0);
        self.upload.abort().await
    }
}
