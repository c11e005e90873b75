//! The front door: a repository in a bucket.

mod care;
mod change;
mod lfs;
mod locks;

use crate::error::{Error, ErrorKind, Result};
use crate::foreign::{self, Foreign};
use crate::format::keys;
use crate::format::manifest::{LogEntry, RefMove};
use crate::local::Repository;
use crate::oid::ObjectFormat;
use crate::refs::{Outcome, RefName};
use crate::store::Store;
use crate::transaction::{Cache, HeadChange, OlderLog, Snapshot, Writes, read_moves, with_log};
use crate::transfer::{self, Context, FetchRequest, Fetched, PushRequest, Pushed};
use futures_util::StreamExt;

/// How many keys are looked at to tell somebody else's layout.
const DETECT_KEYS: usize = 1000;

/// A repository in a bucket, or the place of one.
#[derive(Debug, Clone)]
pub struct Remote {
    context: Context,
}

impl Remote {
    /// A repository under the prefix that the store was opened with. No request.
    pub fn new(context: Context) -> Self {
        Self { context }
    }

    /// What it works with.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Reads the repository as it is now; `None` if there is none.
    ///
    /// Costs one GET; one more for a base ref table that is not in the cache; where there is
    /// no repository, one listing, to see whose the prefix is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if somebody else's layout lies here, or a newer version
    /// of ours; [`ErrorKind::Invalid`] if there is none here and one below the prefix, as far
    /// as the first thousand files tell; [`ErrorKind::Corrupt`] if the manifest is broken; those of the store.
    pub async fn snapshot(&self) -> Result<Option<Snapshot>> {
        let found = Snapshot::read(&*self.context.store, &self.context.cache, None).await?;
        if found.is_none() {
            self.refuse_occupied().await?;
        }
        Ok(found)
    }

    /// Refuses a place where there is no repository of ours, and should be none: one that holds
    /// somebody else's layout, or below which repositories of ours lie. One listing.
    async fn refuse_occupied(&self) -> Result<()> {
        let keys = self.first_keys().await?;
        self.refuse_foreign(foreign::detect(keys.iter().map(String::as_str)))?;
        self.refuse_above(&keys)
    }

    /// Refuses somebody else's layout.
    fn refuse_foreign(&self, found: Option<Foreign>) -> Result<()> {
        let Some(foreign) = found else {
            return Ok(());
        };
        let place = self.context.store.describe();
        let message = format!("cannot use {place}: it holds {foreign}");
        Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("choose another prefix; nothing was changed here"))
    }

    /// Whose layout lies here, if there is no repository of ours. One listing; what may
    /// not be listed is taken for empty.
    async fn foreign(&self) -> Result<Option<Foreign>> {
        let keys = self.first_keys().await?;
        Ok(foreign::detect(keys.iter().map(String::as_str)))
    }

    /// Refuses a place below which repositories of ours lie, to read and to write: a part of
    /// the URL was left out, more likely than not.
    fn refuse_above(&self, keys: &[String]) -> Result<()> {
        let below = keys
            .iter()
            .filter_map(|key| key.strip_suffix(keys::MANIFEST));
        let below = below.filter_map(|below| below.strip_suffix('/')).next();
        let Some(below) = below else {
            return Ok(());
        };
        let place = self.context.store.describe();
        let below = below.escape_debug();
        let message =
            format!("there is no repository at {place}; one lies below it, at {place}/{below}");
        Err(Error::new(ErrorKind::Invalid, message).with_hint(
            "name that one in the URL, or for a new one a prefix that no repository lies below",
        ))
    }

    /// The first files under the prefix; none where they may not be listed.
    async fn first_keys(&self) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        let mut listing = self.context.store.list("", None).take(DETECT_KEYS);
        while let Some(listed) = listing.next().await {
            match listed {
                Ok(listed) => keys.push(listed.key),
                Err(error) if matches!(error.kind(), ErrorKind::Denied | ErrorKind::Missing) => {
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(keys)
    }

    /// Publishes edits of refs and the objects that they need; see [`PushRequest`].
    ///
    /// # Errors
    ///
    /// Those of reading, packing, uploading and committing. No ref was moved then, unless
    /// the kind is [`ErrorKind::InDoubt`].
    pub async fn push(
        &self,
        local: &Repository,
        at: Option<Snapshot>,
        request: &PushRequest,
    ) -> Result<Vec<Outcome>> {
        Ok(self.publish(local, at, request).await?.outcomes)
    }

    /// As [`Remote::push`]; tells also how the repository is then.
    ///
    /// Where the repository heeds locks, edits are refused that bring changes of paths which
    /// others have locked; that costs one GET more.
    ///
    /// # Errors
    ///
    /// As [`Remote::push`].
    pub async fn publish(
        &self,
        local: &Repository,
        at: Option<Snapshot>,
        request: &PushRequest,
    ) -> Result<Pushed> {
        let held = self.held(local, at.as_ref(), request).await?;
        if held.iter().all(Option::is_none) {
            return transfer::push(&self.context, local, at, request).await;
        }
        let request = locks::without(request, &held);
        let pushed = if request.edits.is_empty() {
            Pushed {
                outcomes: Vec::new(),
                now: None,
            }
        } else {
            transfer::push(&self.context, local, at, &request).await?
        };
        Ok(Pushed {
            outcomes: locks::merge(held, pushed.outcomes),
            ..pushed
        })
    }

    /// Brings objects into the local repository; see [`FetchRequest`].
    ///
    /// # Errors
    ///
    /// Those of downloading, and of git when it verifies what came.
    pub async fn fetch(
        &self,
        local: &Repository,
        at: Snapshot,
        request: &FetchRequest,
    ) -> Result<Fetched> {
        transfer::fetch(&self.context, local, at, request).await
    }

    /// Makes an empty repository; `false` if there is one already.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if the store cannot keep two writers apart, or somebody
    /// else's layout lies here; [`ErrorKind::Invalid`] if a repository lies below the prefix,
    /// as far as the first thousand files tell; those of the store.
    pub async fn init(
        &self,
        format: ObjectFormat,
        head: Option<RefName>,
        who: String,
    ) -> Result<bool> {
        let found = Snapshot::read(&*self.context.store, &self.context.cache, None).await?;
        if found.is_some() {
            return Ok(false);
        }
        self.refuse_occupied().await?;
        let leased = self.context.probe().await? == Writes::Lease;
        self.context.may_write(leased)?;
        let mut change = self.change("init", who)?;
        change.lease = leased;
        change.create.1 = format;
        change.options = head.iter().map(RefName::to_string).collect();
        change.head = head.map_or(HeadChange::Keep, HeadChange::Set);
        // Somebody else may have made one meanwhile; that one is left as it is.
        let (_, made) = self.commit(None, &change).await?;
        Ok(made.is_none_or(|made| made.manifest.repository == change.create.0))
    }

    /// The push log, newest entry first, `limit` entries at most.
    ///
    /// Costs one GET, and one more for each older part of the log that is read, in a few
    /// waves.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Missing`] if there is no repository; those of the store.
    pub async fn log(&self, limit: usize) -> Result<Vec<LogEntry>> {
        let at = self.existing().await?;
        let (store, cache) = (&*self.context.store, &self.context.cache);
        let read = async |at: &Snapshot| newest(store, cache, at, limit).await;
        Ok(with_log(store, cache, at, read).await?.1)
    }

    /// The moves of one entry of the log.
    ///
    /// # Errors
    ///
    /// Those of the store, where they lie in a file of their own.
    pub async fn moves(&self, entry: &LogEntry) -> Result<Vec<RefMove>> {
        read_moves(&*self.context.store, &self.context.cache, entry).await
    }

    /// The repository as it is now; there must be one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Missing`] if there is none; as [`Remote::snapshot`].
    pub async fn existing(&self) -> Result<Snapshot> {
        match self.snapshot().await? {
            Some(found) => Ok(found),
            None => Err(self.absent()),
        }
    }

    /// Why there is nothing to work on: somebody else's layout, or nothing at all.
    async fn nothing(&self) -> Error {
        match self.snapshot().await {
            Ok(_) => self.absent(),
            Err(error) => error,
        }
    }

    fn absent(&self) -> Error {
        let place = self.context.store.describe();
        Error::new(
            ErrorKind::Missing,
            format!("there is no repository at {place}"),
        )
        .with_hint("check the URL; the first push, or `git pail init`, makes a repository")
    }
}

/// The newest entries of the log, so many at most, newest first.
async fn newest(
    store: &dyn Store,
    cache: &Cache,
    at: &Snapshot,
    limit: usize,
) -> Result<Vec<LogEntry>> {
    let mut entries: Vec<_> = at.manifest.log.entries.iter().rev().cloned().collect();
    let mut older = OlderLog::new(store, cache, at);
    while entries.len() < limit {
        match older.next().await? {
            Some(next) => entries.extend(next.into_iter().rev()),
            None => break,
        }
    }
    entries.truncate(limit);
    Ok(entries)
}
