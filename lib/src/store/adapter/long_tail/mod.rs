//! Services that few use as a remote, through the crate `opendal`.
//!
//! None of them compares and swaps, or none that could be tried here does: a repository
//! there needs the consent `lease=true` to be written. What each promises is the table in
//! `docs/guide/services.md`; what each is called is a table of `store::url`.
//!
//! Reading costs two requests where the other adapters need one: opendal tells what a file
//! is only when asked for it.

mod failure;
mod operator;
mod transport;
mod upload;

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::adapter::http::Client;
use crate::store::deletion::one_by_one;
use crate::store::url::LongTailLocation;
use crate::store::{
    Body, Capabilities, ConditionalPut, Copied, Env, FileInfo, Got, Listed, Options, Precondition,
    Put, Resumed, Rules, Store, Unfinished, Upload, Version, Want, Whereabouts,
};
use async_trait::async_trait;
use bytes::Bytes;
use failure::Act;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use opendal::{ErrorKind as Kind, Metadata, Operator};
use std::fmt;
use std::ops::Range;

/// How often a file that is replaced while it is read is looked at anew.
const MAX_LOOKS: usize = 20;

/// Bytes up to which a file is read whole before any of it is given out.
const SMALL: u64 = 8 << 20;

/// A folder at one of these services.
#[derive(Clone)]
pub struct LongTail {
    location: LongTailLocation,
    operator: Operator,
}

impl fmt::Debug for LongTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LongTail({})", self.location)
    }
}

impl LongTail {
    /// Takes the settings together; no request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if a setting is missing or wrong, with its name.
    pub(in crate::store) fn open(
        location: &LongTailLocation,
        options: &Options,
        env: &dyn Env,
    ) -> Result<Self> {
        let client = Client::new(env, options);
        Ok(Self {
            location: location.clone(),
            operator: operator::build(location, options, env, client)?,
        })
    }

    fn act<'a>(&'a self, verb: &'static str, what: &'a str) -> Act<'a> {
        Act {
            verb,
            what,
            location: &self.location,
        }
    }

    fn may(&self) -> opendal::Capability {
        self.operator.info().capability()
    }

    /// Bytes of the file as it was looked at; `None` if it has been replaced since.
    async fn bytes(
        &self,
        key: &Key,
        info: &FileInfo,
        range: Range<u64>,
    ) -> Result<Option<BoxStream<'static, Result<Bytes>>>> {
        let act = self.act("read", key.as_str());
        if range.is_empty() {
            return Ok(Some(stream::empty().boxed()));
        }
        let small = range.end - range.start <= SMALL;
        let mut reader = self.operator.reader_with(key.as_str());
        let guarded = self.may().read_with_if_match;
        if guarded {
            reader = reader.if_match(info.version.as_str());
        }
        let reader = reader.await.map_err(|error| act.failed(error))?;
        if small {
            let bytes = match reader.read(range.clone()).await {
                Ok(bytes) => bytes.to_bytes(),
                Err(error) if replaced(&error) => return Ok(None),
                Err(error) => return Err(act.failed(error)),
            };
            let same = guarded || self.stat(key).await?.as_ref() == Some(info);
            let whole = bytes.len() as u64 == range.end - range.start;
            let bytes = (same && whole).then(|| stream::iter([Ok(bytes)]).boxed());
            return Ok(bytes);
        }
        // Files of this size are written once: nobody replaces them under a reader.
        let bytes = match reader.into_bytes_stream(range).await {
            Ok(bytes) => bytes,
            Err(error) if replaced(&error) => return Ok(None),
            Err(error) => return Err(act.failed(error)),
        };
        let (name, location) = (key.as_str().to_owned(), self.location.clone());
        let bytes = bytes.map_err(move |error| {
            let act = Act {
                verb: "read",
                what: &name,
                location: &location,
            };
            act.cut(&error)
        });
        Ok(Some(bytes.boxed()))
    }

    async fn stat(&self, key: &Key) -> Result<Option<FileInfo>> {
        match self.operator.stat(key.as_str()).await {
            Ok(meta) if meta.is_file() => Ok(Some(info(&meta))),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == Kind::NotFound => Ok(None),
            Err(error) => Err(self.act("look at", key.as_str()).failed(error)),
        }
    }
}

/// Whether a read failed because the file is no longer the one that was looked at.
fn replaced(error: &opendal::Error) -> bool {
    matches!(
        error.kind(),
        Kind::ConditionNotMatch | Kind::NotFound | Kind::RangeNotSatisfied
    )
}

/// What tells two states of a file apart: the service's tag, or else when it was written.
fn info(meta: &Metadata) -> FileInfo {
    let size = meta.content_length();
    let version = meta.etag().map_or_else(
        || {
            let modified = meta.last_modified().map(|time| time.to_string());
            format!("{}-{size}", modified.unwrap_or_default())
        },
        str::to_owned,
    );
    FileInfo {
        size,
        version: Version::new(version),
    }
}

#[async_trait]
impl Store for LongTail {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditional_put: ConditionalPut::None,
            probe: true,
            min_part: 5 << 20,
            max_parts: 10_000,
            max_part: 1 << 30,
            ordered: false,
            uploads_apart: true,
            deletes: 1,
            copies: false,
            remote: true,
        }
    }

    fn describe(&self) -> String {
        self.location.to_string()
    }

    fn credentials_used(&self) -> Option<String> {
        self.location.service().credentials(&self.location)
    }

    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        self.stat(key).await
    }

    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        for _ in 0..MAX_LOOKS {
            let Some(info) = self.stat(key).await? else {
                return Ok(Got::Missing);
            };
            if want.unless.as_ref() == Some(&info.version) {
                return Ok(Got::NotModified);
            }
            let range = want.range.clone().unwrap_or(0..info.size);
            let range = range.start.min(info.size)..range.end.min(info.size);
            if let Some(bytes) = self.bytes(key, &info, range).await? {
                return Ok(Got::Found(Body { info, bytes }));
            }
        }
        let why = "it is replaced faster than it can be read";
        Err(self
            .act("read", key.as_str())
            .error(ErrorKind::Unavailable, why))
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        let act = self.act("write", key.as_str());
        if !self.may().write {
            return Err(act.read_only());
        }
        if when != Precondition::Always {
            return Err(act.unsupported("it does not write on a condition"));
        }
        let size = body.len() as u64;
        let meta = self.operator.write(key.as_str(), body).await;
        let mut meta = meta.map_err(|error| act.failed(error))?;
        if meta.etag().is_none() || meta.content_length() != size {
            let found = self.operator.stat(key.as_str()).await;
            meta = found.map_err(|error| act.failed(error))?;
        }
        Ok(Put::Written(info(&meta).version))
    }

    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
        if !self.may().write {
            return Err(self.act("write", key.as_str()).read_only());
        }
        upload::begin(self, key).await
    }

    /// Nothing is kept of an upload that another process could take up.
    async fn resume(&self, _: &Key, _: &str) -> Result<Option<Resumed>> {
        Ok(None)
    }

    fn unfinished<'a>(&'a self, _: &'a str) -> BoxStream<'a, Result<Unfinished>> {
        stream::empty().boxed()
    }

    async fn abandon(&self, key: &str, _: &str) -> Result<()> {
        Err(self
            .act("throw away the upload of", key)
            .unsupported("it does not tell of unfinished uploads"))
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        let later = move |listed: &Listed| after.is_none_or(|after| listed.key.as_str() > after);
        self.every(prefix)
            .try_filter(move |listed| std::future::ready(later(listed)))
            .boxed()
    }

    async fn rules(&self) -> Result<Rules> {
        Ok(Rules::hidden("this kind of service does not tell"))
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let act = self.act("delete", key.as_str());
        match self.operator.delete(key.as_str()).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == Kind::NotFound => Ok(()),
            Err(error) => Err(act.failed(error)),
        }
    }

    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
        Ok(one_by_one(self, keys).await)
    }

    async fn whereabouts(&self, _: &Key) -> Result<Option<Whereabouts>> {
        Ok(None)
    }

    async fn copy(&self, _: &Whereabouts, _: u64, _: &Key) -> Result<Copied> {
        Ok(Copied::NotHere)
    }
}

impl LongTail {
    /// Every file whose key starts so.
    fn every<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Listed>> {
        // Services list folders, not beginnings of names.
        let folder = prefix.rfind('/').map_or("", |slash| &prefix[..=slash]);
        let entries = async move {
            if !self.may().list {
                return Err(self.act("list", prefix).unsupported("it has no listings"));
            }
            let lister = self.operator.lister_with(folder).recursive(true).await;
            let lister = match lister {
                Ok(lister) => lister,
                Err(error) if error.kind() == Kind::NotFound => return Ok(stream::empty().boxed()),
                Err(error) => return Err(self.act("list", prefix).failed(error)),
            };
            Ok(lister.boxed())
        };
        stream::once(entries)
            .map_ok(move |entries| {
                entries.map_err(move |error| self.act("list", prefix).failed(error))
            })
            .try_flatten()
            .try_filter_map(move |entry| async move {
                let meta = entry.metadata();
                if !meta.is_file() || !entry.path().starts_with(prefix) {
                    return Ok(None);
                }
                let modified = meta.last_modified();
                Ok(Some(Listed {
                    key: entry.path().to_owned(),
                    size: meta.content_length(),
                    modified: modified.map_or(0, |time| time.into_inner().as_second()),
                    state: meta.etag().map(str::to_owned),
                }))
            })
            .boxed()
    }
}

impl Act<'_> {
    fn unsupported(&self, why: &str) -> Error {
        self.error(ErrorKind::Unsupported, why)
    }

    fn read_only(&self) -> Error {
        self.unsupported("it can only be read")
    }
}
