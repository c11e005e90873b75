//! A store that does what another one does, but for some twist.
//!
//! For doubles that change what a call does. One that only watches calls, holds them up or
//! breaks them is a [`Tap`](crate::tap::Tap).

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use pail::store::{
    Capabilities, Copied, FileInfo, Got, Listed, Precondition, Put, Recall, Recalled, Resumed,
    Rules, Store, Unfinished, Upload, Want, Whereabouts,
};
use pail::{Error, Key, Result};
use std::fmt;

/// What is different. Whatever a twist leaves out, the inner store does.
#[async_trait]
pub trait Twist: fmt::Debug + Send + Sync {
    /// The store that does the rest.
    fn inner(&self) -> &dyn Store;

    /// As [`Store::capabilities`].
    fn capabilities(&self) -> Capabilities {
        self.inner().capabilities()
    }

    /// As [`Store::get`].
    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        self.inner().get(key, want).await
    }

    /// As [`Store::put`].
    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        self.inner().put(key, body, when).await
    }

    /// As [`Store::list`].
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        self.inner().list(prefix, after)
    }

    /// As [`Store::delete`].
    async fn delete(&self, key: &Key) -> Result<()> {
        self.inner().delete(key).await
    }
}

/// The store with its twist.
#[derive(Debug, Clone)]
pub struct Twisted<T>(pub T);

#[async_trait]
impl<T: Twist> Store for Twisted<T> {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn describe(&self) -> String {
        self.0.inner().describe()
    }

    fn credentials_used(&self) -> Option<String> {
        self.0.inner().credentials_used()
    }

    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        self.0.inner().head(key).await
    }

    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        self.0.get(key, want).await
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        self.0.put(key, body, when).await
    }

    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
        self.0.inner().begin(key).await
    }

    async fn resume(&self, key: &Key, token: &str) -> Result<Option<Resumed>> {
        self.0.inner().resume(key, token).await
    }

    fn unfinished<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
        self.0.inner().unfinished(prefix)
    }

    async fn abandon(&self, key: &str, token: &str) -> Result<()> {
        self.0.inner().abandon(key, token).await
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        self.0.list(prefix, after)
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.0.delete(key).await
    }

    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
        let mut failed = Vec::new();
        for key in keys {
            let done = self.0.delete(key).await;
            failed.extend(done.err().map(|error| (key.clone(), error)));
        }
        Ok(failed)
    }

    async fn whereabouts(&self, key: &Key) -> Result<Option<Whereabouts>> {
        self.0.inner().whereabouts(key).await
    }

    async fn copy(&self, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
        self.0.inner().copy(from, size, key).await
    }

    async fn rules(&self) -> Result<Rules> {
        self.0.inner().rules().await
    }

    async fn recall(&self, key: &Key, recall: Recall) -> Result<Recalled> {
        self.0.inner().recall(key, recall).await
    }

    async fn create(&self) -> Result<()> {
        self.0.inner().create().await
    }
}
