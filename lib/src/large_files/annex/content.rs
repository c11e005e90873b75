//! Content in its place: looked for, and removed.

use super::compress::Form;
use super::guard::MARKER;
use super::key::AnnexKey;
use super::name::to_key;
use super::removal::Removals;
use super::send::Notes;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{FileInfo, Got, Limits, Recall, Store, Want};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::OnceCell;

/// A name under which nobody writes anything.
const NEVER_THERE: &str = "pail-was-never-here";

/// Whether content is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    Present,
    /// It is not.
    Absent,
    /// Something else lies under its name: of this many bytes instead of that many.
    Other {
        /// Bytes of what is there.
        found: u64,
        /// Bytes that the key tells of.
        expected: u64,
    },
}

/// Content of annexed files below a prefix of a store.
#[derive(Debug)]
pub struct Content {
    pub(super) store: Arc<dyn Store>,
    pub(super) prefix: String,
    pub(super) limits: Limits,
    /// Whether what gets smaller is stored in compressed form.
    pub(super) compress: bool,
    /// Where it is written down how large uploads were begun, if it is.
    pub(super) notes: Option<Notes>,
    /// How what lies in an archive is asked back, if it is.
    pub(super) recall: Option<Recall>,
    /// Whether the other side has shown that it keeps what it is sent. Real web servers say
    /// "200 OK" to whatever comes.
    pub(super) proven: AtomicBool,
    /// Whether it says of what is absent that it is forbidden.
    silent: OnceCell<bool>,
    /// What is being removed.
    removals: Removals,
}

impl Content {
    /// Content in a store, under names that begin with `prefix`; no request.
    pub fn new(store: Arc<dyn Store>, prefix: String, limits: Limits) -> Self {
        let local = !store.capabilities().remote;
        Self {
            store,
            prefix,
            limits,
            compress: false,
            notes: None,
            recall: None,
            proven: AtomicBool::new(local),
            silent: OnceCell::new(),
            removals: Removals::default(),
        }
    }

    /// The same, storing in compressed form what gets smaller by it. What is compressed is
    /// read in any case.
    #[must_use]
    pub fn compressing(mut self, compress: bool) -> Self {
        self.compress = compress;
        self
    }

    /// The store that it lies in.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(super) fn key(&self, name: &[u8]) -> Result<Key> {
        to_key(&self.prefix, name)
    }

    /// Looks whether content is there. One request; one more in a process where the size is
    /// not known from the key and the service has not yet been told from a web server.
    ///
    /// # Errors
    ///
    /// Those of the store. Then nobody knows whether it is there.
    pub async fn look(&self, name: &[u8], key: &AnnexKey) -> Result<Presence> {
        self.look_at(&self.key(name)?, key).await
    }

    /// As [`Content::look`], for a file that has a name of its own.
    ///
    /// # Errors
    ///
    /// As [`Content::look`].
    pub async fn look_at(&self, file: &Key, key: &AnnexKey) -> Result<Presence> {
        let expected = key.stored_size();
        let found = match expected {
            Some(size) => self.form(file, size).await,
            None => self.store.head(file).await.map(plain),
        };
        let form = match found {
            Ok(Some(form)) => form,
            Ok(None) => return Ok(Presence::Absent),
            Err(error) if error.kind() == ErrorKind::Denied && self.is_silent().await? => {
                return Ok(Presence::Absent);
            }
            Err(error) => return Err(error),
        };
        match (form, expected) {
            (Form::Plain(found), Some(expected)) if found != expected => {
                Ok(Presence::Other { found, expected })
            }
            (_, Some(_)) => Ok(Presence::Present),
            (_, None) => {
                self.prove().await?;
                Ok(Presence::Present)
            }
        }
    }

    /// Whether this is a bucket whose policy lets us read and not list: "denied" is what it
    /// says of everything that is not there. Two requests, once: our own mark can be read,
    /// and what nobody ever wrote is denied.
    async fn is_silent(&self) -> Result<bool> {
        let ask = || async {
            let marker = self.key(MARKER.as_bytes())?;
            if !matches!(
                self.store.get(&marker, Want::all()).await,
                Ok(Got::Found(_))
            ) {
                return Ok(false);
            }
            let never = self.store.head(&self.key(NEVER_THERE.as_bytes())?).await;
            Ok(never.is_err_and(|error| error.kind() == ErrorKind::Denied))
        };
        self.silent.get_or_try_init(ask).await.copied()
    }

    /// Finds out whether the other side can say no.
    async fn prove(&self) -> Result<()> {
        if self.proven.load(Ordering::Relaxed) {
            return Ok(());
        }
        let never = self.key(NEVER_THERE.as_bytes())?;
        match self.store.head(&never).await {
            Ok(Some(_)) => {
                let place = self.store.describe();
                let why = format!("cannot use {place}: it claims to have files that nobody wrote");
                Err(Error::new(ErrorKind::Corrupt, why).with_hint(
                    "is this the address of a storage service? A web page may answer there",
                ))
            }
            // A policy that hides what is absent is no web page either.
            Ok(None) => {
                self.proven.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Denied => {
                self.proven.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Removes content; what is not there counts as removed. One request, or one for several
    /// that are removed at the same time.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn remove(&self, name: &[u8]) -> Result<()> {
        self.removals.remove(&*self.store, self.key(name)?).await
    }
}

fn plain(info: Option<FileInfo>) -> Option<Form> {
    info.map(|info| Form::Plain(info.size))
}
