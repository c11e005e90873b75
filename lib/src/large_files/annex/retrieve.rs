//! Content out, into a file that may hold the start of it.

use super::compress::Form;
use super::content::Content;
use super::key::AnnexKey;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::Key;
use crate::progress::{Phase, Progress};
use crate::store::{Body, Got, Want, Wanted, download_from};
use bytes::Bytes;
use futures_util::StreamExt;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

/// A local file that is filled from front to back.
pub(super) struct Sink<'a> {
    file: File,
    path: PathBuf,
    pub(super) len: u64,
    progress: &'a dyn Progress,
}

impl<'a> Sink<'a> {
    async fn open(path: &Path, progress: &'a dyn Progress) -> Result<Self> {
        let act = || format!("write {}", path.display());
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(false);
        let mut file = file.open(path).await.during(act)?;
        let len = file.seek(SeekFrom::End(0)).await.during(act)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            len,
            progress,
        })
    }

    fn act(&self) -> String {
        format!("write {}", self.path.display())
    }

    /// Forgets what is there.
    pub(super) async fn empty(&mut self) -> Result<()> {
        self.file.set_len(0).await.during(|| self.act())?;
        self.file.rewind().await.during(|| self.act())?;
        self.len = 0;
        Ok(())
    }

    async fn done(mut self) -> Result<()> {
        let done = self.file.flush().await;
        done.during(|| self.act())
    }

    pub(super) async fn write(&mut self, bytes: &Bytes) -> Result<()> {
        let done = self.file.write_all(bytes).await;
        done.during(|| self.act())?;
        self.len += bytes.len() as u64;
        self.progress.advance(Phase::Download, bytes.len() as u64);
        Ok(())
    }
}

impl Content {
    /// Reads content into a local file. What the file holds already is taken for the start
    /// of it and does not move again.
    ///
    /// One request for each `part` bytes that are lacking. The file is written from front to
    /// back, so that what has come of a cut transfer serves the next one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Missing`] if it is not in the bucket, [`ErrorKind::Corrupt`] if something
    /// of another size is, [`ErrorKind::Archived`] if it cannot be read yet,
    /// [`ErrorKind::Local`] if the file cannot be written, and those of the store.
    pub async fn fetch(
        &self,
        name: &[u8],
        key: &AnnexKey,
        file: &Path,
        progress: &dyn Progress,
    ) -> Result<()> {
        let from = self.key(name)?;
        match self.read(&from, key, file, progress).await {
            Err(error) if error.kind() == ErrorKind::Archived => {
                self.bring_back(&from, Some(name)).await?;
                self.read(&from, key, file, progress).await
            }
            done => done,
        }
    }

    /// As [`Content::fetch`], from a file that has a name of its own.
    ///
    /// # Errors
    ///
    /// As [`Content::fetch`].
    pub async fn fetch_from(
        &self,
        from: &Key,
        key: &AnnexKey,
        file: &Path,
        progress: &dyn Progress,
    ) -> Result<()> {
        match self.read(from, key, file, progress).await {
            Err(error) if error.kind() == ErrorKind::Archived => {
                self.bring_back(from, None).await?;
                self.read(from, key, file, progress).await
            }
            done => done,
        }
    }

    async fn read(
        &self,
        from: &Key,
        key: &AnnexKey,
        file: &Path,
        progress: &dyn Progress,
    ) -> Result<()> {
        let mut sink = Sink::open(file, progress).await?;
        progress.advance(Phase::Download, sink.len);
        let size = match key.stored_size() {
            // With nothing left to ask for, this says whether it is there at all.
            Some(size) if self.compress || sink.len == size => {
                if self.packed(from, size, &mut sink).await? {
                    return sink.done().await;
                }
                size
            }
            Some(size) => size,
            None => self.begin(from, &mut sink).await?,
        };
        if sink.len > size {
            sink.empty().await?;
        }
        let wanted = Wanted {
            key: from.clone(),
            size,
        };
        let start = sink.len;
        let pieces = download_from(&*self.store, &wanted, start, self.limits);
        let mut pieces = std::pin::pin!(pieces);
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => sink.write(&piece).await?,
                // It has another size: is it compressed?
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    if key.stored_size().is_some() && self.packed(from, size, &mut sink).await? {
                        break;
                    }
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        sink.done().await
    }

    /// Gets content that lies there in compressed form; `false` if it does not.
    async fn packed(&self, from: &Key, size: u64, sink: &mut Sink<'_>) -> Result<bool> {
        match self.form(from, size).await? {
            None => Err(missing(from)),
            Some(Form::Plain(_)) => Ok(false),
            // All of it is here: what it is, git-annex checks.
            Some(Form::Packed(_)) if sink.len == size => Ok(true),
            Some(Form::Packed(packed)) => {
                self.fetch_packed(from, packed, size, sink).await?;
                Ok(true)
            }
        }
    }

    async fn size(&self, key: &Key) -> Result<u64> {
        let found = self.store.head(key).await?;
        found.map(|info| info.size).ok_or_else(|| missing(key))
    }

    /// Asks for the first part that is lacking, and so learns the size. What comes of it is
    /// written, be it cut.
    async fn begin(&self, key: &Key, sink: &mut Sink<'_>) -> Result<u64> {
        let want = Want::range(sink.len..sink.len.saturating_add(self.limits.part));
        let Body { info, mut bytes } = match self.store.get(key, want).await {
            Ok(Got::Found(body)) => body,
            Ok(Got::Missing | Got::NotModified) => return Err(missing(key)),
            // Nothing lies behind what is here, if that is not too much already.
            Err(error) if error.kind() == ErrorKind::Invalid => return self.size(key).await,
            Err(error) => return Err(error.context(format_args!("cannot download {key}"))),
        };
        while let Some(chunk) = bytes.next().await {
            match chunk {
                Ok(chunk) => sink.write(&chunk).await?,
                // Whoever asks for the rest asks for this too.
                Err(error) if error.kind() == ErrorKind::Unavailable => break,
                Err(error) => return Err(error.context(format_args!("cannot download {key}"))),
            }
        }
        Ok(info.size)
    }
}

fn missing(key: &Key) -> Error {
    let what = format!("cannot download {key}: it is not in the bucket");
    Error::new(ErrorKind::Missing, what)
}
