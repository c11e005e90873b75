//! One file in: small ones with one request, large ones in parallel parts.

use super::{Precondition, Put, Store};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::Key;
use crate::progress::{Phase, Progress};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::fmt::Debug;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

/// How much is moved at once. Memory is bounded by `part * parallel`.
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
        let read = move || {
            let mut file = std::fs::File::open(&path)?;
            file.seek(SeekFrom::Start(range.start))?;
            let mut out =
                vec![0; usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0)];
            file.read_exact(&mut out)?;
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
    let size = source.size();
    let act = |error: Error| error.context(format_args!("cannot upload {key}"));
    if size <= limits.part {
        let body = source.read(0..size).await?;
        let put = store
            .put(key, body, Precondition::Always)
            .await
            .map_err(act)?;
        progress.advance(Phase::Upload, size);
        return match put {
            Put::Written(_) => Ok(()),
            Put::Lost => Err(act(Error::new(
                ErrorKind::Unavailable,
                "the store refused an unconditional write",
            ))),
        };
    }
    let caps = store.capabilities();
    // The part grows with the file, so that the parts do not outnumber the store's bound.
    let part = limits
        .part
        .max(caps.min_part)
        .max(size.div_ceil(u64::from(caps.max_parts.max(1))));
    let count = u32::try_from(size.div_ceil(part)).map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            format!("cannot upload {key}: it is too large"),
        )
    })?;
    let upload = store.begin(key).await.map_err(act)?;
    // One part is read at a time: readers side by side gain nothing on one disk, and each of
    // their threads would keep the memory that it once had.
    let reading = tokio::sync::Mutex::new(());
    let parts = stream::iter(0..count).map(|number| {
        let (upload, reading) = (&upload, &reading);
        async move {
            let start = u64::from(number) * part;
            let end = size.min(start + part);
            let turn = reading.lock().await;
            let body = source.read(start..end).await?;
            drop(turn);
            upload.part(number, body).await?;
            progress.advance(Phase::Upload, end - start);
            Ok::<_, Error>(())
        }
    });
    // A part that had to grow leaves room for fewer of them.
    let room = limits.part * limits.parallel as u64 / part;
    let parallel = usize::try_from(room)
        .unwrap_or(1)
        .clamp(1, limits.parallel.max(1));
    let moved = parts.buffer_unordered(parallel).try_collect::<()>().await;
    let done = match moved {
        Ok(()) => upload.complete().await,
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        // The first failure is the one to tell; what remains is found by `git pail doctor`.
        let _ = upload.abort().await;
        return Err(act(error));
    }
    Ok(())
}
