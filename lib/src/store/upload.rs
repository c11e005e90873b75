//! One file in: small ones with one request, large ones in parallel parts.

use super::parts::Move;
use super::{Precondition, Put, Store};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::Key;
use crate::progress::{Phase, Progress};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

/// How much is moved at once. Memory is bounded by `part * parallel`, or by one part where a
/// very large file needs larger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a part of an upload and of a range of a download.
    pub part: u64,
    /// Parts or ranges under way at the same time.
    pub parallel: usize,
}

impl Default for Limits {
    /// 8 MiB and 4: 32 MiB on their way.
    fn default() -> Self {
        Self {
            part: 8 << 20,
            parallel: 4,
        }
    }
}

/// What is uploaded: bytes that can be read in any order, more than once.
#[async_trait]
pub trait Source: Debug + Send + Sync {
    /// How many bytes there are.
    fn size(&self) -> u64;
    /// Reads some of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if they cannot be read, or are fewer than they were.
    async fn read(&self, range: Range<u64>) -> Result<Bytes>;
}

#[async_trait]
impl Source for Bytes {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(self.len());
        Ok(self.slice(at(range.start)..at(range.end)))
    }
}

/// A file on the local disk.
#[derive(Debug, Clone)]
pub struct FileSource {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes of it.
    pub size: u64,
}

#[async_trait]
impl Source for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let path = self.path.clone();
        let length = range.end.saturating_sub(range.start);
        // Made here: what another thread makes stays with that thread's heap, and there are many.
        let mut out = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        let read = move || {
            let mut file = std::fs::File::open(&path)?;
            file.seek(SeekFrom::Start(range.start))?;
            file.take(length).read_to_end(&mut out)?;
            if out.len() as u64 != length {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            Ok::<_, std::io::Error>(out)
        };
        let out = tokio::task::spawn_blocking(read)
            .await
            .map_err(std::io::Error::other)
            .flatten();
        Ok(out
            .during(|| format!("read {}", self.path.display()))?
            .into())
    }
}

/// How a large upload was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// What names it in the bucket.
    pub token: String,
    /// Bytes of each part but the last.
    pub part: u64,
    /// Whether the parts may have been joined: from then on the key counts as used.
    pub ending: bool,
}

/// Where it is written down how large uploads were begun, so that a later process can take
/// them up again.
pub trait Journal: Debug + Send + Sync {
    /// How the upload of this file was begun, if it was.
    fn begun(&self, key: &Key) -> Option<Begun>;
    /// Writes it down, or crosses it out; says whether a later process will find it.
    fn note(&self, key: &Key, begun: Option<Begun>) -> bool;
}

/// Nothing is written down: what dies is lost.
#[derive(Debug, Clone, Copy)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn begun(&self, _: &Key) -> Option<Begun> {
        None
    }

    fn note(&self, _: &Key, _: Option<Begun>) -> bool {
        false
    }
}

/// Writes a file under a key that nobody else uses.
///
/// Costs one PUT up to `limits.part` bytes; beyond, one request a part and two more.
///
/// # Errors
///
/// Those of the store and of the source. Nothing is seen of the file then; its parts are
/// thrown away, if the store still answers.
pub async fn upload(
    store: &dyn Store,
    key: &Key,
    source: &dyn Source,
    limits: Limits,
    progress: &dyn Progress,
) -> Result<()> {
    upload_noting(store, key, source, limits, progress, &NoJournal).await
}

/// As [`upload`], and goes on where the journal says that an earlier run stopped.
///
/// A file that was begun before costs one request to ask for its parts, or two where all of
/// it is there already; parts that are there do not move again.
///
/// # Errors
///
/// As [`upload`]; but after [`ErrorKind::Unavailable`] and [`ErrorKind::Denied`] the parts
/// stay, if the journal took them down. [`ErrorKind::Stale`] if the file was complete and is
/// gone: its key is used, and the file must get another.
pub async fn upload_noting(
    store: &dyn Store,
    key: &Key,
    source: &dyn Source,
    limits: Limits,
    progress: &dyn Progress,
    journal: &dyn Journal,
) -> Result<()> {
    let size = source.size();
    let act = |error: Error| error.context(format_args!("cannot upload {key}"));
    if size > limits.part {
        let parts = Move {
            store,
            key,
            source,
            limits,
            progress,
            journal,
        };
        return parts.in_parts().await.map_err(act);
    }
    let body = source.read(0..size).await?;
    let put = store
        .put(key, body, Precondition::Always)
        .await
        .map_err(act)?;
    progress.advance(Phase::Upload, size);
    match put {
        Put::Written(_) => Ok(()),
        Put::Lost => Err(act(Error::new(
            ErrorKind::Unavailable,
            "the store refused an unconditional write",
        ))),
    }
}
