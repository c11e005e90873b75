//! Waits and asks again, where asking twice cannot do harm.
//!
//! Only [`ErrorKind::Unavailable`] is repeated. A conditional write never is: the answer to
//! the second would say that the first one came from somebody else. Who is asked too much and
//! says so ([`Error::pause`]) is asked for longer, and by fewer requests at a time.

#[cfg(test)]
mod tests;

use super::gate::{Gate, Pass};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::Ids;
use crate::key::Key;
use crate::store::{
    Body, Capabilities, Copied, FileInfo, Got, Listed, Precondition, Put, Recall, Recalled,
    Resumed, Rules, Store, Unfinished, Upload, Want, Whereabouts,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Attempts at one request, the first one counted.
const TRIES: u32 = 6;

/// The same where the service asks to be asked less: its own measures take seconds.
const TRIES_IF_BUSY: u32 = 10;

/// The longest first wait; each later one may be twice as long.
const BASE: Duration = Duration::from_millis(100);

/// The longest wait.
const CAP: Duration = Duration::from_secs(5);

/// The longest time that a service may ask us to wait, on top of that.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A store that waits out the weaknesses of another. Clones share it.
#[derive(Debug)]
pub struct Retry<S> {
    store: Arc<S>,
    ids: Arc<dyn Ids>,
    gate: Gate,
}

impl<S> Clone for Retry<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            ids: Arc::clone(&self.ids),
            gate: self.gate.clone(),
        }
    }
}

/// The attempts at one request.
#[derive(Debug)]
struct Attempts<'a> {
    ids: &'a dyn Ids,
    made: u32,
}

impl Attempts<'_> {
    /// Waits before the next attempt, or gives the error back.
    async fn after(&mut self, error: Error) -> Result<()> {
        self.made += 1;
        let (tries, pause) = match error.pause() {
            Some(pause) => (TRIES_IF_BUSY, pause),
            None => (TRIES, Duration::ZERO),
        };
        if error.kind() != ErrorKind::Unavailable || self.made >= tries {
            return Err(error);
        }
        if pause > LONGEST_PAUSE {
            let seconds = pause.as_secs();
            return Err(error.with_hint(format!("the service asks to wait {seconds} s")));
        }
        // Anything from nothing to all of it: clients that failed together part ways.
        let full = BASE.saturating_mul(1 << (self.made - 1)).min(CAP);
        let full = u64::try_from(full.as_micros()).unwrap_or(u64::MAX);
        let jitter = Duration::from_micros(self.ids.below(full.saturating_add(1))?);
        tokio::time::sleep(pause + jitter).await;
        Ok(())
    }
}

/// Evaluates a request until it succeeds, or fails in a way that waiting does not mend.
macro_rules! patiently {
    ($self:expr, $request:expr) => {{
        let mut attempts = $self.attempts();
        loop {
            match $self.once(async { $request.await }).await {
                Ok(done) => break Ok(done),
                Err(error) => attempts.after(error).await?,
            }
        }
    }};
}

impl<S> Retry<S> {
    /// Repeats what fails in `store`; `ids` is the chance that parts clients.
    pub fn new(store: S, ids: Arc<dyn Ids>) -> Self {
        Self {
            store: Arc::new(store),
            ids,
            gate: Gate::new(),
        }
    }

    /// One request, when there is room for one more.
    async fn once<T>(&self, request: impl Future<Output = Result<T>>) -> Result<T> {
        let mut pass = self.gate.enter().await;
        let done = request.await;
        pass.judge(&done);
        done
    }

    fn attempts(&self) -> Attempts<'_> {
        Attempts {
            ids: &*self.ids,
            made: 0,
        }
    }
}

impl<S: Store> Retry<S> {
    /// The error about a file at which a listing stood and which has gone.
    fn changed(&self) -> Error {
        let what = format!(
            "cannot list {}: it changed meanwhile",
            self.store.describe()
        );
        Error::new(ErrorKind::Unavailable, what)
    }
}

/// Reads the first bytes, so that an answer which breaks before them can be asked for again.
async fn first(got: Got) -> Result<Got> {
    let Got::Found(Body { info, mut bytes }) = got else {
        return Ok(got);
    };
    let bytes = match bytes.next().await.transpose()? {
        Some(head) => stream::iter([Ok(head)]).chain(bytes).boxed(),
        None => stream::empty().boxed(),
    };
    Ok(Got::Found(Body { info, bytes }))
}

/// An answer that is under way until its body has been read, or dropped.
fn accompanied(got: Got, mut pass: Pass) -> Got {
    let Got::Found(Body { info, bytes }) = got else {
        return got;
    };
    let bytes = bytes.inspect(move |chunk| {
        if let Err(error) = chunk {
            pass.failed(error);
        }
    });
    let bytes = bytes.boxed();
    Got::Found(Body { info, bytes })
}

#[async_trait]
impl<S: Store + 'static> Store for Retry<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn describe(&self) -> String {
        self.store.describe()
    }

    fn credentials_used(&self) -> Option<String> {
        self.store.credentials_used()
    }

    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        patiently!(self, self.store.head(key))
    }

    /// Repeats until the first byte has come; after it, the caller knows better what it
    /// still lacks.
    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        let mut attempts = self.attempts();
        loop {
            let mut pass = self.gate.enter().await;
            let got = async { first(self.store.get(key, want.clone()).await?).await }.await;
            pass.judge(&got);
            match got {
                Ok(got) => return Ok(accompanied(got, pass)),
                Err(error) => {
                    drop(pass);
                    attempts.after(error).await?;
                }
            }
        }
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        match when {
            Precondition::Always => patiently!(self, self.store.put(key, body.clone(), when)),
            Precondition::Absent | Precondition::Unchanged(_) => {
                self.once(self.store.put(key, body, when)).await
            }
        }
    }

    /// A repeated beginning may leave an upload without parts behind, which costs nothing.
    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
        let upload = patiently!(self, self.store.begin(key))?;
        Ok(Box::new(Patient {
            upload,
            retry: self.clone(),
            key: key.clone(),
            sizes: Mutex::default(),
        }))
    }

    async fn resume(&self, key: &Key, token: &str) -> Result<Option<Resumed>> {
        let found = patiently!(self, self.store.resume(key, token))?;
        Ok(found.map(|Resumed { upload, parts }| Resumed {
            upload: Box::new(Patient {
                upload,
                retry: self.clone(),
                key: key.clone(),
                sizes: Mutex::new(parts.clone()),
            }),
            parts,
        }))
    }

    /// Read to its end before the first is given, so that a failure starts it again whole:
    /// there are few.
    fn unfinished<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
        let all = async move {
            let all: Vec<_> = patiently!(self, self.store.unfinished(prefix).try_collect())?;
            Ok(stream::iter(all.into_iter().map(Ok)))
        };
        stream::once(all).try_flatten().boxed()
    }

    async fn abandon(&self, key: &str, token: &str) -> Result<()> {
        patiently!(self, self.store.abandon(key, token))
    }

    /// Lists again from the start after a failure, and passes over what came before it. That
    /// asks for pages twice, and in return relies on no order of the files: real services
    /// differ in theirs.
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        let start = Some((self.store.list(prefix, after), None, self.attempts()));
        let files = stream::unfold(start, move |state| async move {
            let (mut files, last, mut attempts) = state?;
            let mut passing = false;
            loop {
                match files.next().await {
                    Some(Ok(Listed { key, .. })) if passing => {
                        passing = Some(&key) != last.as_ref()
                    }
                    Some(Ok(file)) => {
                        let last = Some(file.key.clone());
                        return Some((Ok(file), Some((files, last, self.attempts()))));
                    }
                    Some(Err(error)) => {
                        if let Err(error) = attempts.after(error).await {
                            return Some((Err(error), None));
                        }
                        files = self.store.list(prefix, after);
                        passing = last.is_some();
                    }
                    None if passing => return Some((Err(self.changed()), None)),
                    None => return None,
                }
            }
        });
        files.fuse().boxed()
    }

    async fn rules(&self) -> Result<Rules> {
        patiently!(self, self.store.rules())
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        patiently!(self, self.store.delete(key))
    }

    async fn recall(&self, key: &Key, recall: Recall) -> Result<Recalled> {
        patiently!(self, self.store.recall(key, recall))
    }

    async fn create(&self) -> Result<()> {
        patiently!(self, self.store.create())
    }

    /// Asks again for those only that could not be deleted just then.
    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
        let mut attempts = self.attempts();
        let mut left = keys.to_vec();
        let mut refused = Vec::new();
        loop {
            let failed = match self.once(self.store.delete_many(&left)).await {
                Ok(failed) => failed,
                Err(error) => {
                    attempts.after(error).await?;
                    continue;
                }
            };
            let weak = |(_, error): &(Key, Error)| error.kind() == ErrorKind::Unavailable;
            let (mut weak, firm): (Vec<_>, Vec<_>) = failed.into_iter().partition(weak);
            refused.extend(firm);
            let Some((key, error)) = weak.pop() else {
                return Ok(refused);
            };
            if let Err(error) = attempts.after(error).await {
                refused.push((key, error));
                refused.extend(weak);
                return Ok(refused);
            }
            left = weak.into_iter().map(|(key, _)| key).collect();
            left.push(key);
        }
    }

    async fn whereabouts(&self, key: &Key) -> Result<Option<Whereabouts>> {
        self.store.whereabouts(key).await
    }

    async fn copy(&self, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
        patiently!(self, self.store.copy(from, size, key))
    }
}

/// An upload whose requests are repeated.
#[derive(Debug)]
struct Patient<S> {
    upload: Box<dyn Upload>,
    retry: Retry<S>,
    key: Key,
    /// Bytes of each part: what the whole file must have.
    sizes: Mutex<BTreeMap<u32, u64>>,
}

impl<S: Store> Patient<S> {
    /// Whether the file is there, whole.
    async fn landed(&self) -> Result<bool> {
        let size: u64 = {
            let sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
            sizes.values().sum()
        };
        let found = patiently!(self.retry, self.retry.store.head(&self.key))?;
        Ok(found.is_some_and(|info| info.size == size))
    }
}

#[async_trait]
impl<S: Store + 'static> Upload for Patient<S> {
    fn token(&self) -> Option<&str> {
        self.upload.token()
    }

    async fn part(&self, number: u32, body: Bytes) -> Result<()> {
        patiently!(self.retry, self.upload.part(number, body.clone()))?;
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.insert(number, body.len() as u64);
        Ok(())
    }

    /// A bucket that no longer knows the upload at the second attempt may have heard the
    /// first: then the file is looked at.
    async fn complete(&self) -> Result<()> {
        let mut attempts = self.retry.attempts();
        loop {
            match self.retry.once(self.upload.complete()).await {
                Ok(()) => return Ok(()),
                Err(error) if attempts.made > 0 && error.kind() == ErrorKind::Missing => {
                    return if self.landed().await? {
                        Ok(())
                    } else {
                        Err(error)
                    };
                }
                Err(error) => attempts.after(error).await?,
            }
        }
    }

    async fn abort(&self) -> Result<()> {
        patiently!(self.retry, self.upload.abort())
    }
}
