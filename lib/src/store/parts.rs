//! A large file in: parallel parts, of an upload that begins here or that a dead run began.

use super::cut::Cut;
use super::upload::{Begun, Journal, Limits, Source};
use super::{Store, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::progress::{Phase, Progress};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeMap;

/// An upload under way.
struct Going {
    upload: Box<dyn Upload>,
    cut: Cut,
    /// Bytes of the parts that are there already.
    there: BTreeMap<u32, u64>,
    /// Whether a later run will find it.
    noted: bool,
}

/// What became of an upload that an earlier run began.
enum Earlier {
    Going(Going),
    /// The file is there, whole.
    Complete,
    /// Nothing of it is left, and the file never was there.
    Gone,
}

/// What moves, and whom it is told.
pub(super) struct Move<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) key: &'a Key,
    pub(super) source: &'a dyn Source,
    pub(super) limits: Limits,
    pub(super) progress: &'a dyn Progress,
    pub(super) journal: &'a dyn Journal,
}

/// Whether the cause of an error may pass, so that it pays to keep what has moved.
fn passes(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Denied)
}

impl Move<'_> {
    /// Uploads the file in parts, or what is missing of it.
    pub(super) async fn in_parts(&self) -> Result<()> {
        if let Some(begun) = self.journal.begun(self.key) {
            match self.earlier(begun).await? {
                Earlier::Complete => {
                    self.progress.advance(Phase::Upload, self.source.size());
                    return Ok(());
                }
                Earlier::Going(going) => match self.parts(&going).await {
                    Ok(()) => return self.end(going).await,
                    // It was thrown away meanwhile, or it does not take such parts any more.
                    Err(error)
                        if matches!(error.kind(), ErrorKind::Missing | ErrorKind::Invalid) =>
                    {
                        self.give_up(&going).await;
                    }
                    Err(error) => return Err(self.broken(&going, error).await),
                },
                Earlier::Gone => {}
            }
        }
        let going = self.begin().await?;
        match self.parts(&going).await {
            Ok(()) => self.end(going).await,
            Err(error) => Err(self.broken(&going, error).await),
        }
    }

    async fn begin(&self) -> Result<Going> {
        let cut = Cut::new(self.source.size(), &self.store.capabilities(), self.limits)?;
        let upload = self.store.begin(self.key).await?;
        let mut going = Going {
            upload,
            cut,
            there: BTreeMap::new(),
            noted: false,
        };
        going.noted = self.note(&going, false);
        Ok(going)
    }

    fn note(&self, going: &Going, ending: bool) -> bool {
        let begun = going.upload.token().map(|token| Begun {
            token: token.to_owned(),
            part: going.cut.part,
            ending,
        });
        begun.is_some() && self.journal.note(self.key, begun)
    }

    async fn earlier(&self, begun: Begun) -> Result<Earlier> {
        match self.store.resume(self.key, &begun.token).await {
            Ok(Some(resumed)) => {
                return Ok(Earlier::Going(Going {
                    upload: resumed.upload,
                    cut: Cut::again(self.source.size(), begun.part, self.limits)?,
                    there: resumed.parts,
                    noted: true,
                }));
            }
            Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
            // The right to see the parts may be missing, or the service does not show them.
            Err(_) if !begun.ending => {
                let _ = self.store.abandon(self.key.as_str(), &begun.token).await;
            }
            Ok(None) | Err(_) => {}
        }
        let found = self.store.head(self.key).await?;
        if found.is_some_and(|info| info.size == self.source.size()) {
            return Ok(Earlier::Complete);
        }
        if begun.ending {
            // It may have been complete and deleted since: such a name is never used again.
            return Err(Error::new(
                ErrorKind::Stale,
                "an earlier run may have completed it, and it is gone",
            ));
        }
        self.journal.note(self.key, None);
        Ok(Earlier::Gone)
    }

    /// Sends the parts that are not there.
    async fn parts(&self, going: &Going) -> Result<()> {
        // One part is read at a time: readers side by side gain nothing on one disk, and each of
        // their threads would keep the memory that it once had.
        let reading = tokio::sync::Mutex::new(());
        let parts = stream::iter(0..going.cut.count).map(|number| {
            let reading = &reading;
            async move {
                let range = going.cut.range(number);
                let size = range.end - range.start;
                if going.there.get(&number) != Some(&size) {
                    let turn = reading.lock().await;
                    let body = self.source.read(range).await?;
                    drop(turn);
                    going.upload.part(number, body).await?;
                }
                self.progress.advance(Phase::Upload, size);
                Ok::<_, Error>(())
            }
        });
        let parallel = going.cut.parallel;
        parts.buffer_unordered(parallel).try_collect::<()>().await
    }

    /// Joins the parts.
    async fn end(&self, mut going: Going) -> Result<()> {
        // Before the request: if nobody lives to write down that it was made, the next run
        // must think so.
        going.noted = going.noted && self.note(&going, true);
        match going.upload.complete().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.broken(&going, error).await),
        }
    }

    /// What is left of an upload that failed: the parts, if its cause may pass and a later
    /// run will find them.
    async fn broken(&self, going: &Going, error: Error) -> Error {
        if !(going.noted && passes(&error)) {
            self.give_up(going).await;
        }
        error
    }

    async fn give_up(&self, going: &Going) {
        // The first failure is the one to tell; what remains is found by `git pail doctor`.
        let _ = going.upload.abort().await;
        if going.noted {
            self.journal.note(self.key, None);
        }
    }
}
