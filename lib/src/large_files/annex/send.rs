//! Content in.

use super::content::Content;
use super::key::AnnexKey;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::Key;
use crate::large_files::journal::Noted;
use crate::large_files::leftovers;
use crate::progress::{Phase, Progress};
use crate::store::{
    FileInfo, FileSource, Journal, Precondition, Put, Source, Version, upload_noting,
};
use md5::{Digest, Md5};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Where it is written down how large uploads were begun.
#[derive(Debug)]
pub(super) struct Notes {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Notes {
    fn open(&self, place: &str, key: &Key, file: &Path) -> Noted {
        if std::fs::create_dir_all(&self.folder).is_err() {
            return Noted::default();
        }
        leftovers::tidy(&self.folder, &*self.clock);
        Noted::open(&self.folder, place, key, file)
    }
}

impl Content {
    /// The same, with a folder of ours in which it is written down how large uploads were
    /// begun, so that a later process takes them up again.
    #[must_use]
    pub fn noting(mut self, folder: PathBuf, clock: Arc<dyn Clock>) -> Self {
        self.notes = Some(Notes { folder, clock });
        self
    }

    /// Stores a local file under a name, in the place of what is there.
    ///
    /// One PUT up to the size of a part; beyond, one request a part and three more. A
    /// service that has not yet shown that it keeps what it is sent costs one more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the file cannot be read, [`ErrorKind::Corrupt`] if the bucket
    /// does not hold afterwards what it said that it took, and those of the store.
    pub async fn send(
        &self,
        name: &[u8],
        of: &AnnexKey,
        file: &Path,
        progress: &dyn Progress,
    ) -> Result<()> {
        let key = self.key(name)?;
        let meta = tokio::fs::metadata(file).await;
        let size = meta.during(|| format!("read {}", file.display()))?.len();
        // Without a size in the key nobody could tell the one form from the other.
        let packs = self.compress && of.stored_size() == Some(size);
        if packs && self.send_packed(&key, file, size, progress).await? {
            return Ok(());
        }
        let source = FileSource {
            path: file.to_owned(),
            size,
        };
        if size > self.limits.part {
            self.send_parts(&key, of, &source, progress).await?;
            return self.verify(&key, size, None).await;
        }
        let body = source.read(0..size).await?;
        let sum = crate::oid::hex(&Md5::digest(&body));
        let put = self.store.put(&key, body, Precondition::Always).await?;
        progress.advance(Phase::Upload, size);
        match put {
            // The MD5 of what was sent: nobody else knows it.
            Put::Written(version) if is_sum(&version, &sum) => {
                self.proven.store(true, Ordering::Relaxed);
                Ok(())
            }
            Put::Written(_) if self.proven.load(Ordering::Relaxed) => Ok(()),
            Put::Written(version) => self.verify(&key, size, Some(&version)).await,
            Put::Lost => Err(Error::new(
                ErrorKind::Unavailable,
                format!("cannot store {key}: the store refused an unconditional write"),
            )),
        }
    }

    /// Sends a large file in parts, or what is missing of it.
    ///
    /// What git-annex encrypts is another file each time, though it has the same name: of
    /// that nothing is taken up. The key stands for the content, which another file under
    /// the name of a file in a tree does not have.
    async fn send_parts(
        &self,
        key: &Key,
        of: &AnnexKey,
        source: &FileSource,
        progress: &dyn Progress,
    ) -> Result<()> {
        let notes = self
            .notes
            .as_ref()
            .filter(|_| of.stored_size() == Some(source.size));
        let journal = notes.map_or_else(Noted::default, |notes| {
            let place = format!("{}, {}", self.store.describe(), of.sum());
            notes.open(&place, key, &source.path)
        });
        let (store, limits) = (&*self.store, self.limits);
        upload_noting(store, key, source, limits, progress, &journal).await?;
        journal.note(key, None);
        Ok(())
    }

    /// Reads back what a write has left. Where another writer came in between, what he left
    /// has the same size.
    pub(super) async fn verify(
        &self,
        key: &Key,
        size: u64,
        version: Option<&Version>,
    ) -> Result<()> {
        let found = self.store.head(key).await?;
        let right = |info: &FileInfo| info.size == size;
        if found.as_ref().is_some_and(right) {
            let same = |info: FileInfo| version.is_none_or(|version| info.version == *version);
            if found.is_some_and(same) {
                self.proven.store(true, Ordering::Relaxed);
            }
            return Ok(());
        }
        let now = match found {
            Some(info) => format!("it has {} bytes", info.size),
            None => "it is not there".to_owned(),
        };
        let place = self.store.describe();
        let why = format!(
            "cannot store {key} in {place}: {size} bytes were taken without complaint, but now {now}"
        );
        Err(Error::new(ErrorKind::Corrupt, why)
            .with_hint("is this the address of a storage service? A web page may answer there"))
    }
}

fn is_sum(version: &Version, sum: &str) -> bool {
    version.as_str().trim_matches('"').eq_ignore_ascii_case(sum)
}
