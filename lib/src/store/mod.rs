//! What is asked of a bucket.
//!
//! Comes in: keys and bytes. Goes out: the same bytes, and who won a race. Nothing here
//! knows what the bytes mean.

pub mod adapter;
mod archive;
mod capability;
mod copy;
mod credentials;
mod cut;
mod deletion;
mod download;
mod env;
mod keep;
pub mod layer;
mod open;
pub mod options;
mod parts;
mod put;
mod rules;
mod upload;
mod url;

pub use self::url::{
    AzureLocation, GoogleLocation, Location, LongTailLocation, S3Location, SCHEMES,
};
pub use archive::{Recall, Recalled, Speed};
pub use capability::{Capabilities, ConditionalPut};
pub use copy::{Copied, Whereabouts};
pub use deletion::delete_all;
pub use download::{MIN_PIECE, Piece, Wanted, download, download_from, download_keeping};
pub use env::{Env, SystemEnv};
pub use keep::{Keep, KeepNothing};
pub(crate) use keep::{lock_kept, read_kept};
pub use open::open;
pub use options::{Addressing, Options};
pub use put::{Precondition, Put, Version};
pub use rules::{Does, Lifecycle, Lock, Rules, Seen};
pub use upload::{Begun, FileSource, Journal, Limits, NoJournal, Source, upload, upload_noting};

use crate::error::{Error, Result};
use crate::key::Key;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// What is asked of a bucket, below one prefix. Every promise here is tested by
/// `testkit::conformance`.
///
/// A method that answers `Ok` after a write means: the bucket has it, durably, and every
/// later read of any client sees it. Reading what is not there is an answer, never an
/// error. Errors are of kind `Denied`, `Unavailable` (it may be tried again), `Missing`
/// (the bucket itself is not there), `Archived`, `Invalid` (the settings are wrong), `InDoubt` (a
/// conditional write of which no answer came), `Unsupported` or `Local`.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// What this bucket can promise; no request.
    fn capabilities(&self) -> Capabilities;

    /// The bucket and prefix as a person would write it, without secrets; no request.
    fn describe(&self) -> String;

    /// Where the credentials of the newest request came from, in words and without any
    /// secret: `the environment (key AKIAIOSF…)`. `None` where none are needed, and before a
    /// request needed some; no request.
    fn credentials_used(&self) -> Option<String>;

    /// Whether a file is there, and its size and version. One request.
    async fn head(&self, key: &Key) -> Result<Option<FileInfo>>;

    /// Reads a file or a range of it as a stream. One request. A range that reaches past
    /// the end is cut there; one that starts past it yields no bytes or an error of kind
    /// `Invalid`.
    async fn get(&self, key: &Key, want: Want) -> Result<Got>;

    /// Writes a small file whole: readers see all of it or none. One request, and never
    /// more: a conditional write is not repeated behind the caller's back.
    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put>;

    /// Begins to write a large file in parts, unconditionally. One request. Nothing is
    /// seen of it until [`Upload::complete`].
    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>>;

    /// Takes up an upload of this file that was begun here or by another process, by what
    /// [`Upload::token`] said; `None` if the bucket knows it no more: it was completed,
    /// aborted, or removed by a lifecycle rule. One request for each thousand parts.
    ///
    /// Two who take up the same upload at the same time spoil it for each other: the caller
    /// sees to it that there is one.
    async fn resume(&self, key: &Key, token: &str) -> Result<Option<Resumed>>;

    /// Lists the uploads that were begun and not ended, of keys that start with this prefix
    /// (compared as text), in any order. Those under way may be among them. One request for
    /// each thousand.
    fn unfinished<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>>;

    /// Throws away the parts of an upload that [`Store::unfinished`] found, or that a token
    /// names; one that is not there counts as thrown away. Whoever is still at work on it
    /// gets an error. One request.
    async fn abandon(&self, key: &str, token: &str) -> Result<()>;

    /// Lists the files whose key starts with this prefix (compared as text, so `a` also
    /// finds `ab`), each once. One request for each thousand files.
    ///
    /// Where [`Capabilities::ordered`] says so, they come in the order of their bytes, and
    /// `after` continues a listing behind that key; elsewhere `after` may skip some.
    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>)
    -> BoxStream<'a, Result<Listed>>;

    /// Deletes a file; one that is not there counts as deleted. One request.
    async fn delete(&self, key: &Key) -> Result<()>;

    /// Deletes files in any order; answers those that are not deleted, each with its reason.
    /// One request for as many as [`Capabilities::deletes`] says.
    ///
    /// An error says that nothing is known of any of them; to ask again does no harm.
    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>>;

    /// Where a file lies, or would lie, for another store to copy it from there; `None` where
    /// the service copies nothing by itself. No request.
    async fn whereabouts(&self, key: &Key) -> Result<Option<Whereabouts>>;

    /// Has the service itself copy a file of `size` bytes, from another place of it, in the
    /// place of what is here: its bytes do not pass through this machine. Readers see all of
    /// it or none. It has what the options say, as if it had been written here without a
    /// condition, and `size` bytes: that was looked at.
    ///
    /// Two requests. Beyond the size that a service copies at once, one more for each piece
    /// and two to begin and to end.
    async fn copy(&self, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied>;

    /// What the bucket does with files by itself, as far as these credentials may see it: what
    /// may not be seen is an answer, too. Three requests at most.
    async fn rules(&self) -> Result<Rules>;

    /// Asks for a file that lies in an archive ([`ErrorKind::Archived`]) to be brought back.
    /// One request. `Unsupported` where there are no archives.
    ///
    /// [`ErrorKind::Archived`]: crate::ErrorKind::Archived
    async fn recall(&self, _: &Key, _: Recall) -> Result<Recalled> {
        Err(archive::no_such_thing(
            self.describe(),
            "bring files back from an archive",
        ))
    }

    /// Makes the bucket; one that is there counts as made, whoever it belongs to. One
    /// request. `Unsupported` where buckets are made elsewhere.
    async fn create(&self) -> Result<()> {
        Err(archive::no_such_thing(self.describe(), "be made from here"))
    }
}

/// A file that is being written in parts.
///
/// Dropping it without [`Upload::complete`] leaves no file; the parts may remain in the
/// bucket, unseen and paid for, until it is taken up again ([`Store::resume`]) and completed,
/// or [`Upload::abort`], [`Store::abandon`] or a lifecycle rule removes them.
#[async_trait]
pub trait Upload: fmt::Debug + Send + Sync {
    /// What names this upload in the bucket, beside its key: printable text without secrets
    /// that [`Store::resume`] takes, in another process too. `None` where an upload cannot
    /// be taken up again. No request.
    fn token(&self) -> Option<&str>;

    /// Writes part `number` (from 0). Parts may come in any order and at the same time,
    /// and all but the last have one size, at least [`Capabilities::min_part`]. One request.
    async fn part(&self, number: u32, body: Bytes) -> Result<()>;

    /// Joins the parts; from here on the file is seen. One request.
    async fn complete(&self) -> Result<()>;

    /// Throws the parts away. One request.
    async fn abort(&self) -> Result<()>;
}

/// An upload that was taken up again.
#[derive(Debug)]
pub struct Resumed {
    /// The upload; it goes on as if it had been begun here.
    pub upload: Box<dyn Upload>,
    /// Bytes of each part that is there, whole, by its number (from 0). A part that is sent
    /// again replaces it.
    pub parts: BTreeMap<u32, u64>,
}

/// An upload that was begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The key that it is for, as text. Where the bucket does not know that (a folder), a
    /// name beside it.
    pub key: String,
    /// What names it, beside its key; for [`Store::abandon`].
    pub token: String,
    /// Seconds since 1970 at which it was begun, by the bucket's clock.
    pub started: i64,
    /// Bytes of the parts that are there, if that is known without asking for each.
    pub size: Option<u64>,
}

/// What is known of a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Bytes of the whole file.
    pub size: u64,
    /// The version that a later conditional write can name.
    pub version: Version,
}

/// A file that a listing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key, as text: a foreign one may break the rules of [`Key`].
    pub key: String,
    /// Bytes of the whole file.
    pub size: u64,
    /// Seconds since 1970 at which it was last written, by the bucket's clock.
    pub modified: i64,
    /// Another text after each write of other bytes, where listings tell. It need not be the
    /// version that [`Store::head`] names.
    pub state: Option<String>,
}

/// Which bytes to read, and when not to.
#[derive(Debug, Clone, Default)]
pub struct Want {
    /// Only these bytes; `None` reads all.
    pub range: Option<Range<u64>>,
    /// Nothing if the file still has this version.
    pub unless: Option<Version>,
}

impl Want {
    /// The whole file, whatever its version.
    pub fn all() -> Self {
        Self::default()
    }

    /// Bytes from `range.start` up to before `range.end`.
    pub fn range(range: Range<u64>) -> Self {
        Self {
            range: Some(range),
            unless: None,
        }
    }
}

/// The answer to a read.
#[derive(Debug)]
pub enum Got {
    /// The file, or the part of it that was asked for.
    Found(Body),
    /// It still has the version that was named.
    NotModified,
    /// There is no such file.
    Missing,
}

impl Got {
    /// No bytes of a file, if it is there: no request can ask for nothing.
    pub(in crate::store) fn nothing_of(info: Option<FileInfo>) -> Self {
        let bytes = stream::empty().boxed();
        info.map_or(Self::Missing, |info| Self::Found(Body { info, bytes }))
    }
}

/// A file that is being read.
pub struct Body {
    /// Size and version of the whole file.
    pub info: FileInfo,
    /// The bytes, in order. An error in it, or an early end, means that nothing read so
    /// far can be relied on to be the whole.
    pub bytes: BoxStream<'static, Result<Bytes>>,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}
