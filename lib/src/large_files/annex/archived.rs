//! Content that lies in an archive: asked back, if the remote is to do that.

use super::content::Content;
use super::key::chunks;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{Recall, Recalled, Speed};
use futures_util::stream::{self, StreamExt, TryStreamExt};

impl Content {
    /// The same, asking for what lies in an archive to be brought back when it is wanted.
    #[must_use]
    pub fn recalling(mut self, recall: Option<Recall>) -> Self {
        self.recall = recall;
        self
    }

    /// Asks for a file back; all is well if it can be read already. One request; where a file
    /// is one of several chunks, one for each of them that follows: whoever wants one wants
    /// all, and each takes hours.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Archived`] while it cannot be read; those of the store.
    pub(super) async fn bring_back(&self, file: &Key, name: Option<&[u8]>) -> Result<()> {
        let place = self.store.describe();
        let Some(recall) = self.recall else {
            let what = format!("{file} in {place} lies in an archive");
            return Err(Error::new(ErrorKind::Archived, what).with_hint(
                "restore it there, or have that asked for by `git annex enableremote … restore=yes`",
            ));
        };
        let what = match self.store.recall(file, recall).await? {
            Recalled::Here => return Ok(()),
            Recalled::Asked => "it was asked for now",
            Recalled::Coming => "it was asked for before and is not there yet",
        };
        let rest = name.map(chunks).unwrap_or_default();
        let rest: Vec<Key> = rest
            .iter()
            .map(|name| self.key(name))
            .collect::<Result<_>>()?;
        let more = match rest.len() {
            0 => String::new(),
            count => format!(", with the {count} chunks that follow"),
        };
        let asked = stream::iter(rest).map(|chunk| async move {
            match self.store.recall(&chunk, recall).await {
                // A chunk that lies in no archive needs nothing.
                Err(error) if error.kind() == ErrorKind::Invalid => Ok(()),
                done => done.map(|_| ()),
            }
        });
        let parallel = self.limits.parallel.max(1);
        asked.buffer_unordered(parallel).try_collect::<()>().await?;
        let what = format!("{file} in {place} lies in an archive: {what}{more}");
        Err(Error::new(ErrorKind::Archived, what).with_hint(when(recall.speed)))
    }
}

/// "Archive retrieval options" of S3, and "Blob rehydration" of Azure.
fn when(speed: Speed) -> &'static str {
    match speed {
        Speed::Fast => "try again in some minutes; at Azure in an hour",
        Speed::Usual => "try again in 3 to 15 hours",
        Speed::Slow => "try again in 5 to 48 hours",
    }
}
