//! A store through which every call of a client can be watched, held up or broken.
//!
//! The doubles of this crate differ only in what they do before and after a call; that is
//! a [`Tap`], and [`Tapped`] does the rest.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use pail::store::{
    Body, Capabilities, Copied, FileInfo, Got, Listed, Precondition, Put, Recall, Recalled,
    Resumed, Rules, Store, Unfinished, Upload, Want, Whereabouts,
};
use pail::{Error, Key, Result};
use std::fmt;
use std::sync::Arc;

/// A method of [`Store`] or of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named like the method")]
pub enum Verb {
    Head,
    Get,
    Put,
    Begin,
    Part,
    Complete,
    Abort,
    Resume,
    Unfinished,
    List,
    Delete,
    Copy,
    Rules,
    Recall,
    Create,
}

impl Verb {
    /// Whether it leaves the visible files as they are.
    pub fn reads(self) -> bool {
        !matches!(self, Self::Put | Self::Complete | Self::Delete | Self::Copy)
    }
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is asked.
    pub verb: Verb,
    /// Of which file; the prefix, of a listing.
    pub key: String,
    /// Whether it is a write with a condition, whose reply matters.
    pub conditional: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.conditional { " if" } else { "" };
        write!(f, "{:?}{sign} {}", self.verb, self.key)
    }
}

/// What happens around a call.
#[async_trait]
pub trait Tap: fmt::Debug + Send + Sync + 'static {
    /// Before the store hears of it. An error is what the client gets instead.
    async fn before(&self, call: &Call) -> Result<()>;

    /// When the store has done it. An error is what the client gets instead of the answer.
    async fn after(&self, call: &Call) -> Result<()>;

    /// What becomes of a body that is being read.
    fn body(&self, _call: &Call, body: Body) -> Body {
        body
    }
}

/// A store with a tap. Clones share it.
#[derive(Debug)]
pub struct Tapped<T> {
    inner: Arc<dyn Store>,
    tap: Arc<T>,
}

impl<T> Clone for Tapped<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            tap: Arc::clone(&self.tap),
        }
    }
}

impl<T: Tap> Tapped<T> {
    /// Puts a tap before a store.
    pub fn new(inner: Arc<dyn Store>, tap: Arc<T>) -> Self {
        Self { inner, tap }
    }

    /// The tap.
    pub fn tap(&self) -> &T {
        &self.tap
    }

    async fn call<O>(&self, call: &Call, run: impl Future<Output = Result<O>>) -> Result<O> {
        around(&*self.tap, call, run).await
    }
}

async fn around<T: Tap, O>(
    tap: &T,
    call: &Call,
    run: impl Future<Output = Result<O>>,
) -> Result<O> {
    tap.before(call).await?;
    let answer = run.await;
    tap.after(call).await?;
    answer
}

fn call(verb: Verb, key: impl fmt::Display) -> Call {
    Call {
        verb,
        key: key.to_string(),
        conditional: false,
    }
}

#[async_trait]
impl<T: Tap> Store for Tapped<T> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn credentials_used(&self) -> Option<String> {
        self.inner.credentials_used()
    }

    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        self.call(&call(Verb::Head, key), self.inner.head(key))
            .await
    }

    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        let call = call(Verb::Get, key);
        Ok(match self.call(&call, self.inner.get(key, want)).await? {
            Got::Found(body) => Got::Found(self.tap.body(&call, body)),
            other => other,
        })
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        let mut call = call(Verb::Put, key);
        call.conditional = when != Precondition::Always;
        self.call(&call, self.inner.put(key, body, when)).await
    }

    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
        let call = call(Verb::Begin, key);
        Ok(Box::new(TappedUpload {
            inner: self.call(&call, self.inner.begin(key)).await?,
            tap: Arc::clone(&self.tap),
            key: key.clone(),
        }))
    }

    async fn resume(&self, key: &Key, token: &str) -> Result<Option<Resumed>> {
        let call = call(Verb::Resume, key);
        let found = self.call(&call, self.inner.resume(key, token)).await?;
        Ok(found.map(|Resumed { upload, parts }| Resumed {
            upload: Box::new(TappedUpload {
                inner: upload,
                tap: Arc::clone(&self.tap),
                key: key.clone(),
            }),
            parts,
        }))
    }

    fn unfinished<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
        let all = async move {
            let found = self.inner.unfinished(prefix).try_collect::<Vec<_>>();
            let found = self.call(&call(Verb::Unfinished, prefix), found).await?;
            Ok(stream::iter(found.into_iter().map(Ok)))
        };
        stream::once(all).try_flatten().boxed()
    }

    async fn abandon(&self, key: &str, token: &str) -> Result<()> {
        let call = call(Verb::Abort, key);
        self.call(&call, self.inner.abandon(key, token)).await
    }

    /// The whole listing is one call: doubles serve small worlds.
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        let all = async move {
            let files = self.inner.list(prefix, after).try_collect::<Vec<_>>();
            let files = self.call(&call(Verb::List, prefix), files).await?;
            Ok(stream::iter(files.into_iter().map(Ok)))
        };
        stream::once(all).try_flatten().boxed()
    }

    async fn rules(&self) -> Result<Rules> {
        let call = call(Verb::Rules, "");
        self.call(&call, self.inner.rules()).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.call(&call(Verb::Delete, key), self.inner.delete(key))
            .await
    }

    async fn recall(&self, key: &Key, recall: Recall) -> Result<Recalled> {
        let call = call(Verb::Recall, key);
        self.call(&call, self.inner.recall(key, recall)).await
    }

    async fn create(&self) -> Result<()> {
        self.call(&call(Verb::Create, ""), self.inner.create())
            .await
    }

    /// A call for each, so that whatever happens may happen between two of them.
    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
        let mut failed = Vec::new();
        for key in keys {
            let done = self.delete(key).await;
            failed.extend(done.err().map(|error| (key.clone(), error)));
        }
        Ok(failed)
    }

    async fn whereabouts(&self, key: &Key) -> Result<Option<Whereabouts>> {
        self.inner.whereabouts(key).await
    }

    async fn copy(&self, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
        self.call(&call(Verb::Copy, key), self.inner.copy(from, size, key))
            .await
    }
}

#[derive(Debug)]
struct TappedUpload<T> {
    inner: Box<dyn Upload>,
    tap: Arc<T>,
    key: Key,
}

#[async_trait]
impl<T: Tap> Upload for TappedUpload<T> {
    fn token(&self) -> Option<&str> {
        self.inner.token()
    }

    async fn part(&self, number: u32, body: Bytes) -> Result<()> {
        let call = call(Verb::Part, &self.key);
        around(&*self.tap, &call, self.inner.part(number, body)).await
    }

    async fn complete(&self) -> Result<()> {
        let call = call(Verb::Complete, &self.key);
        around(&*self.tap, &call, self.inner.complete()).await
    }

    async fn abort(&self) -> Result<()> {
        let call = call(Verb::Abort, &self.key);
        around(&*self.tap, &call, self.inner.abort()).await
    }
}

/// The error of a call that did not get through, or whose reply was lost: in doubt if it
/// was a write with a condition that may have landed.
pub(crate) fn broken(call: &Call, applied: bool) -> pail::Error {
    let (kind, why) = if !applied {
        (pail::ErrorKind::Unavailable, "the bucket did not take it")
    } else if call.conditional {
        (pail::ErrorKind::InDoubt, "the reply was lost")
    } else {
        (pail::ErrorKind::Unavailable, "the reply was lost")
    };
    pail::Error::new(kind, format!("cannot do '{call}': {why}"))
}
