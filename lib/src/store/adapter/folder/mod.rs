//! A local folder as a bucket.
//!
//! Comes in: a path. Goes out: a [`Store`] whose files are ordinary files, readable
//! without us. Safe between threads and between processes: every change is made of a
//! whole temporary file, a lock on a side file, one rename and a sync of the folder.
//! Readers take no lock: a file that has its name is never written again.
//!
//! Names that begin with `.pail-` are ours (the lock, temporary files): no key may use
//! one and no listing shows one. Symbolic links below the root are not followed and not
//! listed, so that no key reaches outside.

mod copy;
mod dead;
mod failure;
mod list;
mod lock;
mod parts;
mod path;
mod read;
mod version;
mod write;

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{
    Capabilities, ConditionalPut, Copied, FileInfo, Got, Listed, Precondition, Put, Resumed, Rules,
    Store, Unfinished, Upload, Want, Whereabouts,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use std::path::PathBuf;
use tokio::task::spawn_blocking;

/// A folder that is used as a bucket. Clones name the same folder.
///
/// All clients must open it by the same root: the lock lies there.
#[derive(Debug, Clone)]
pub struct Folder {
    root: path::Root,
}

impl Folder {
    /// Names a folder; nothing is read, and it need not exist.
    ///
    /// The first write creates it, if the folder around it is there.
    pub fn open(path: PathBuf) -> Self {
        Self {
            root: path::Root::new(path),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&path::Root) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let root = self.root.clone();
        blocking(move || work(&root)).await
    }
}

#[async_trait]
impl Store for Folder {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditional_put: ConditionalPut::Version,
            probe: false,
            min_part: 1,
            max_part: u64::MAX,
            max_parts: u32::MAX,
            ordered: true,
            uploads_apart: true,
            deletes: 1,
            copies: true,
            remote: false,
        }
    }

    fn describe(&self) -> String {
        self.root.display().to_string()
    }

    fn credentials_used(&self) -> Option<String> {
        None
    }

    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        let key = key.clone();
        self.run(move |root| read::head(root, &key)).await
    }

    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        let key = key.clone();
        self.run(move |root| read::get(root, &key, want)).await
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        let key = key.clone();
        let when = write::When::from(when);
        self.run(move |root| write::put(root, &key, &body, &when))
            .await
    }

    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
        let key = key.clone();
        let parts = self.run(move |root| parts::Parts::begin(root, key)).await?;
        Ok(Box::new(parts))
    }

    /// Nothing is kept of an upload whose process died: copying within a machine costs no
    /// more than to prove that what is there survived.
    async fn resume(&self, _: &Key, _: &str) -> Result<Option<Resumed>> {
        Ok(None)
    }

    /// Temporary files of dead writers. The key is the path of the file itself: whose it was
    /// to be is not known.
    fn unfinished<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
        let found = async move {
            let prefix = prefix.to_owned();
            let found = self.run(move |root| dead::list(root, &prefix)).await?;
            Ok(stream::iter(found.into_iter().map(Ok)))
        };
        stream::once(found).try_flatten().boxed()
    }

    async fn abandon(&self, key: &str, token: &str) -> Result<()> {
        let (key, token) = (key.to_owned(), token.to_owned());
        self.run(move |root| dead::abandon(root, &key, &token))
            .await
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        list::list(&self.root, prefix, after)
    }

    /// Makes the folder, and none around it: that would hide that a disk is not mounted.
    async fn create(&self) -> Result<()> {
        self.run(|root| match std::fs::create_dir(&**root) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let what = format!(
                    "cannot make {}: the folder around it is not there",
                    root.display()
                );
                Err(Error::new(ErrorKind::Missing, what)
                    .with_hint("make that first; or is its disk not mounted?"))
            }
            done => done
                .map_err(|error| failure::failed(format_args!("make {}", root.display()), error)),
        })
        .await
    }

    async fn rules(&self) -> Result<Rules> {
        Ok(Rules::none())
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let key = key.clone();
        self.run(move |root| write::delete(root, &key)).await
    }

    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
        let keys = keys.to_vec();
        let each = move |root: &path::Root| {
            let failed = |key: Key| Some((write::delete(root, &key).err()?, key));
            let failed = keys.into_iter().filter_map(failed);
            Ok(failed.map(|(error, key)| (key, error)).collect())
        };
        self.run(each).await
    }

    async fn whereabouts(&self, key: &Key) -> Result<Option<Whereabouts>> {
        Ok(copy::whereabouts(&self.root, key))
    }

    async fn copy(&self, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
        let (from, key) = (from.clone(), key.clone());
        self.run(move |root| copy::copy(root, &from, size, &key))
            .await
    }
}

/// Runs file work beside the runtime: it has one thread, and a disk can take its time.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(
            Error::new(ErrorKind::Local, "cannot work on a file: its thread ended")
                .with_source(error),
        )
    })
}
