//! One small file that several writers change, by compare-and-swap.

use crate::error::{Error, ErrorKind, Result};
use crate::ids::Ids;
use crate::key::Key;
use crate::store::{Got, Precondition, Put, Store, Version, Want};
use crate::transaction::lease;
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::Duration;

/// How often a change that others overtook, or that was not answered, is tried again.
const MAX_ATTEMPTS: u32 = 100;

/// Longest wait between two attempts.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// What such a file holds.
pub(super) trait Document: Sized {
    /// What it is called in errors.
    const WHAT: &'static str;
    /// Most bytes of it.
    const MAX_BYTES: u64;
    /// Where it lies.
    fn key() -> Result<Key>;
    /// What stands for one that is not there.
    fn new(leased: bool) -> Self;
    /// Reads it.
    fn decode(bytes: &[u8]) -> Result<Self>;
    /// Its bytes; none are ever those of an earlier one, for the sake of this fresh chance.
    fn encode(&mut self, write_id: String) -> Result<Vec<u8>>;
    /// Whether it is written under a lease, because the bucket cannot compare and swap.
    fn leased(&self) -> bool;
}

/// What one attempt comes to.
pub(super) enum Step<T> {
    /// The file says so already.
    Done(T),
    /// It was changed; this holds once it is in the bucket.
    Write(T),
}

/// Who reads and changes such files of one place.
#[derive(Debug)]
pub struct Swapper<'a> {
    /// The bucket.
    pub store: &'a dyn Store,
    /// Where ids and jitter come from.
    pub ids: &'a dyn Ids,
    /// Whether the user consents to the lease, where the bucket cannot compare and swap.
    pub lease: bool,
}

impl Swapper<'_> {
    /// Reads the file and its version. One GET.
    pub(super) async fn read<D: Document>(&self) -> Result<Option<(D, Version)>> {
        let what = D::WHAT;
        let Got::Found(mut body) = self.store.get(&D::key()?, Want::all()).await? else {
            return Ok(None);
        };
        let size = body.info.size;
        if size > D::MAX_BYTES {
            let message = format!("cannot read {what}: the file has {size} bytes");
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = body.bytes.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() as u64 > size {
                break;
            }
        }
        if bytes.len() as u64 != size {
            let came = bytes.len();
            let message = format!("cannot read {what}: {came} of {size} bytes came");
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        Ok(Some((D::decode(&bytes)?, body.info.version)))
    }

    /// Lays a step over the newest file until it holds. The step must see by the file whether
    /// an earlier try of it has landed. `leased` is for a file that is not there yet.
    ///
    /// Costs one GET and one PUT; both again each time that another writer was faster.
    pub(super) async fn change<D: Document, T>(
        &self,
        leased: bool,
        mut step: impl FnMut(&mut D) -> Result<Step<T>>,
    ) -> Result<T> {
        let mut wait = Duration::from_millis(20);
        let mut doubt: Option<Error> = None;
        for _ in 0..MAX_ATTEMPTS {
            let (mut file, version) = match self.read::<D>().await {
                Ok(Some((file, version))) => (file, Some(version)),
                Ok(None) => (D::new(leased), None),
                Err(error) => return Err(settle::<D>(error, doubt)),
            };
            let done = match step(&mut file)? {
                Step::Done(done) => return Ok(done),
                Step::Write(done) => done,
            };
            // commit point: before this PUT lands everyone sees the old file, after it the
            // new one. One that is still on its way is conditional on what was read here, so
            // at most one of ours lands.
            match self.put(&mut file, version.as_ref()).await {
                Ok(Put::Written(_)) => return Ok(done),
                Ok(Put::Lost) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::InDoubt | ErrorKind::Unavailable) =>
                {
                    wait = wait.max(error.pause().unwrap_or_default()).min(MAX_WAIT);
                    doubt = Some(error);
                }
                Err(error) => return Err(settle::<D>(error, doubt)),
            }
            let bound = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            tokio::time::sleep(Duration::from_millis(self.ids.below(bound + 1)?)).await;
            wait = (wait * 2).min(MAX_WAIT);
        }
        let what = format!("cannot change {}: it did not go through", D::WHAT);
        Err(settle::<D>(Error::new(ErrorKind::Unavailable, what), doubt))
    }

    async fn put<D: Document>(&self, file: &mut D, version: Option<&Version>) -> Result<Put> {
        let when = version.map_or(Precondition::Absent, Precondition::Unchanged);
        let body = Bytes::from(file.encode(self.ids.hex()?)?);
        if file.leased() {
            lease::consented(self.lease)?;
            return lease::put(self.store, self.ids, &D::key()?, body, when).await;
        }
        self.store.put(&D::key()?, body, when).await
    }
}

/// An error after a write that may have landed says so.
fn settle<D: Document>(error: Error, doubt: Option<Error>) -> Error {
    match doubt {
        Some(doubt) if doubt.kind() == ErrorKind::InDoubt => {
            let message = format!("cannot tell whether {} changed: {error}", D::WHAT);
            Error::new(ErrorKind::InDoubt, message)
                .with_source(error)
                .with_hint("look again once the store answers")
        }
        _ => error,
    }
}
