//! The loop that ends in the commit point.

use super::files::Cache;
use super::lease;
use super::older_log::OlderLog;
use super::rebase::{Applied, Change, apply};
use super::snapshot::Snapshot;
use super::uploads;
use crate::error::{Error, ErrorKind, Result};
use crate::format::refs::RefTable;
use crate::format::{Manifest, keys};
use crate::ids::Ids;
use crate::refs::Outcome;
use crate::store::{Precondition, Put, Store, Version};
use bytes::Bytes;
use std::time::Duration;

/// How often a commit that others overtook is tried again before it gives up. Whenever one
/// is overtaken another got in, so this many others got in meanwhile.
const MAX_ATTEMPTS: u32 = 400;

/// How often a manifest is read back after a write of which no answer came.
const MAX_READBACKS: u32 = 6;

/// How often a write is tried again that the store refused for now. Google refuses what comes
/// within a second of the last write to the same file.
const MAX_REFUSALS: u32 = 12;

/// Longest wait between two attempts.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Commits changes to one repository.
#[derive(Debug)]
pub struct Committer<'a> {
    /// The bucket.
    pub store: &'a dyn Store,
    /// Local copies of immutable files.
    pub cache: &'a Cache,
    /// Where write ids and jitter come from.
    pub ids: &'a dyn Ids,
    /// Whether the user consents to the lease, where the bucket cannot compare and swap.
    pub lease: bool,
}

/// How a commit ended.
#[derive(Debug)]
pub enum Committed {
    /// What became of each edit, in their order. Boxed with the repository as it is now,
    /// where something was written.
    Done(Vec<Outcome>, Option<Box<Snapshot>>),
    /// The pack must be made again, against this state.
    Remake(Option<Box<Snapshot>>),
}

/// What reading back said about a write of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is there.
    Landed,
    /// It is not, and another one is in its place.
    Lost,
    /// The file is as it was before; the write may still be on its way.
    NotYet,
}

/// A manifest that was sent, and that may or may not have landed.
struct Sent {
    body: Bytes,
    write_id: String,
    outcomes: Vec<Outcome>,
    manifest: Manifest,
    refs: RefTable,
    /// Whether it goes under the lease.
    leased: bool,
}

impl Committer<'_> {
    /// Lays `change` over the newest manifest and swaps that in, as often as it takes.
    ///
    /// Costs one PUT. Each time that another writer was faster: one GET and one PUT more.
    /// A reply that was lost: one GET. A refusal for now: one PUT, after a wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InDoubt`] if no answer came and the manifest cannot be read back:
    /// then the change may have been made or not. [`ErrorKind::Unavailable`] if others
    /// were faster every time. Those of the store, with nothing changed.
    pub async fn commit(
        &self,
        mut current: Option<Snapshot>,
        change: &Change,
    ) -> Result<Committed> {
        let mut wait = Duration::from_millis(20);
        for _ in 0..MAX_ATTEMPTS {
            let (mut manifest, refs, outcomes) = match apply(current.as_ref(), change)? {
                Applied::Nothing(outcomes) => {
                    return Ok(Committed::Done(outcomes, current.map(Box::new)));
                }
                Applied::Remake => return Ok(Committed::Remake(current.map(Box::new))),
                Applied::Next(manifest, refs, outcomes) => (*manifest, refs, outcomes),
            };
            if uploads::outlived(current.as_ref(), change)
                && !uploads::all_there(self.store, change).await?
            {
                return Ok(Committed::Remake(current.map(Box::new)));
            }
            let write_id = self.ids.hex()?;
            manifest.write_id.clone_from(&write_id);
            if let Some(entry) = manifest.log.entries.last_mut() {
                entry.write_id.clone_from(&write_id);
            }
            let sent = Sent {
                body: manifest.encode()?.into(),
                write_id,
                outcomes,
                leased: manifest.leased(),
                manifest,
                refs,
            };
            if sent.leased {
                lease::consented(self.lease)?;
            }
            if let Some(version) = self.swap(current.as_ref(), &sent).await? {
                let now = version.map(|version| Snapshot {
                    version,
                    manifest: sent.manifest,
                    refs: sent.refs,
                });
                return Ok(Committed::Done(sent.outcomes, now.map(Box::new)));
            }
            // Another writer was faster. The uploads stay; only the manifest goes again.
            self.pause(&mut wait).await?;
            current = Snapshot::read(self.store, self.cache, current.as_ref()).await?;
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "cannot commit: other writers were faster every time",
        )
        .with_hint("nothing was changed; push again"))
    }

    /// Puts a manifest in the place of the current one. `Some` if it landed, with its
    /// version if that is known; `None` if another one is in its place.
    async fn swap(
        &self,
        current: Option<&Snapshot>,
        sent: &Sent,
    ) -> Result<Option<Option<Version>>> {
        let key = keys::manifest()?;
        let mut doubt: Option<Error> = None;
        let mut wait = Duration::from_millis(50);
        let (mut refusals, mut readbacks) = (0, 0);
        while readbacks < MAX_READBACKS {
            let when = current.map_or(Precondition::Absent, |current| {
                Precondition::Unchanged(&current.version)
            });
            // commit point: before this PUT lands every reader sees the old repository, after
            // it every reader sees the new one; all that it names was uploaded before.
            let put = if sent.leased {
                lease::put(self.store, self.ids, &key, sent.body.clone(), when).await
            } else {
                self.store.put(&key, sent.body.clone(), when).await
            };
            let failure = match put {
                Ok(Put::Written(version)) => return Ok(Some(Some(version))),
                // A plain loss. After a doubt it may be our own first write that is in the way.
                Ok(Put::Lost) if doubt.is_none() => return Ok(None),
                Ok(Put::Lost) => None,
                // A definite no: nothing of ours is on its way, so there is nothing to read back.
                Err(error) if error.kind() == ErrorKind::Unavailable && doubt.is_none() => {
                    refusals += 1;
                    if refusals > MAX_REFUSALS {
                        return Err(error.with_hint("nothing was changed; push again"));
                    }
                    wait = wait.max(error.pause().unwrap_or_default()).min(MAX_WAIT);
                    self.pause(&mut wait).await?;
                    continue;
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::InDoubt | ErrorKind::Unavailable) =>
                {
                    Some(error)
                }
                Err(error) => return Err(self.refused(error, doubt)),
            };
            doubt = failure.or(doubt);
            readbacks += 1;
            match self.read_back(current, &sent.write_id, &mut wait).await {
                Ok(Verdict::Landed) => return Ok(Some(None)),
                Ok(Verdict::Lost) => return Ok(None),
                // The same bytes under the same condition: at most one of them can land, and
                // both carry the same write id.
                Ok(Verdict::NotYet) => self.pause(&mut wait).await?,
                Err(error) => {
                    let message = format!(
                        "cannot tell whether the push landed: no answer came to the write, and reading back failed: {error}"
                    );
                    return Err(Error::new(ErrorKind::InDoubt, message).with_source(error).with_hint(
                        "look with `git ls-remote` once the store answers again; pushing again is safe in both cases",
                    ));
                }
            }
        }
        let why = doubt.map_or_else(String::new, |error| format!(": {error}"));
        Err(Error::new(
            ErrorKind::InDoubt,
            format!("cannot tell whether the push landed: the store gave no clear answer{why}"),
        )
        .with_hint("look with `git ls-remote`; pushing again is safe in both cases"))
    }

    /// A definite refusal, unless an earlier attempt may still have landed.
    fn refused(&self, error: Error, doubt: Option<Error>) -> Error {
        match doubt {
            None => error,
            Some(_) => Error::new(
                ErrorKind::InDoubt,
                format!("cannot tell whether the push landed: {error}"),
            )
            .with_source(error)
            .with_hint("look with `git ls-remote`; pushing again is safe in both cases"),
        }
    }

    /// Reads the manifest and finds out whether a write of ours is in it or under it.
    async fn read_back(
        &self,
        before: Option<&Snapshot>,
        write_id: &str,
        wait: &mut Duration,
    ) -> Result<Verdict> {
        let mut tries = 0;
        let now = loop {
            match Snapshot::read(self.store, self.cache, before).await {
                Ok(now) => break now,
                Err(error) if error.kind() == ErrorKind::Unavailable && tries < MAX_READBACKS => {
                    tries += 1;
                    self.pause(wait).await?;
                }
                Err(error) => return Err(error),
            }
        };
        let Some(now) = now else {
            return Ok(if before.is_none() {
                Verdict::NotYet
            } else {
                Verdict::Lost
            });
        };
        if before.is_some_and(|before| before.manifest.write_id == now.manifest.write_id) {
            return Ok(Verdict::NotYet);
        }
        let ours = |entries: &[crate::format::manifest::LogEntry]| {
            entries.iter().any(|entry| entry.write_id == write_id)
        };
        if ours(&now.manifest.log.entries) {
            return Ok(Verdict::Landed);
        }
        // So many others came after that our entry may have left the manifest.
        let since = before.map_or(0, |before| before.manifest.generation);
        let mut oldest = now
            .manifest
            .log
            .entries
            .first()
            .map(|entry| entry.generation);
        let mut older = OlderLog::new(self.store, self.cache, &now);
        // The entry of ours would be that of the next generation, or of a later one.
        while oldest.is_some_and(|oldest| oldest > since + 1)
            && let Some(entries) = older.next().await?
        {
            if ours(&entries) {
                return Ok(Verdict::Landed);
            }
            oldest = entries.first().map(|entry| entry.generation).or(oldest);
        }
        if oldest.is_some_and(|oldest| oldest > since + 1) {
            return Err(Error::new(
                ErrorKind::InDoubt,
                "the log of that time was removed meanwhile",
            ));
        }
        Ok(Verdict::Lost)
    }

    async fn pause(&self, wait: &mut Duration) -> Result<()> {
        let bound = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tokio::time::sleep(Duration::from_millis(self.ids.below(bound + 1)?)).await;
        *wait = (*wait * 2).min(MAX_WAIT);
        Ok(())
    }
}
