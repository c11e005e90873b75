//! The manifest: the one file of a repository that is ever changed.

mod checksum;
mod codec;
mod invariants;
mod log;
mod packed;
mod packs;

pub(crate) use codec::{
    decode_entry, decode_pack, encode_entry, encode_pack, read_move, updates_len, write_move,
};
pub(crate) use invariants::packs as pack_fault;
pub use log::{LogEntry, LogTail, MovesFile, RefMove, SegmentRef};
pub use packed::text;
pub use packs::{AsideRef, Holds, PackEntry, PackSource};

use super::refs::Updates;
use crate::oid::ObjectFormat;
use crate::refs::RefName;
use serde_json::{Map, Value};

/// The version of the layout that this program reads and writes.
pub const VERSION: u64 = 1;

const WHAT: &str = "the manifest";

/// Largest manifest that is read, in bytes, unpacked, too. A healthy one has some KiB; one
/// that was never maintained grows by some hundred bytes a push.
pub const MAX_BYTES: u64 = 64 << 20;

/// Inline ref updates beyond so many encoded bytes go into a new base table.
pub const MAX_INLINE_REFS: usize = 36 << 10;

/// The moves of a log entry beyond so many encoded bytes go into a file of their own.
pub const MAX_INLINE_MOVES: usize = 48 << 10;

/// Log entries beyond so many encoded bytes go into a segment with the next push.
pub const MAX_LOG_TAIL: usize = 12 << 10;

/// Beyond so many, a merge takes them along, so that no push has to.
pub const LOG_TAIL: usize = 8 << 10;

/// The feature that the manifest requires of a repository in a bucket that cannot compare
/// and swap: a writer that does not take the lease would overwrite others.
pub const LEASE: &str = "lease";

/// What a repository is at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// A random id, given when the repository was made.
    pub repository: String,
    /// The hash of its object ids.
    pub object_format: ObjectFormat,
    /// Grows by one with every commit.
    pub generation: u64,
    /// Fresh chance for each attempt to commit, by which a writer knows its own.
    pub write_id: String,
    /// Grows when a commit drops objects.
    pub epoch: u64,
    /// The branch that HEAD names, once there is one.
    pub head: Option<RefName>,
    /// The base ref table, if there is one.
    pub base: Option<TableRef>,
    /// The refs, where there is no base table; else what changed since.
    pub updates: Updates,
    /// The packs.
    pub packs: Vec<PackEntry>,
    /// Where older alternatives to them are listed, if there are any.
    pub aside: Option<AsideRef>,
    /// The push log.
    pub log: LogTail,
    /// Keys that are to be deleted.
    pub condemned: Vec<Condemned>,
    /// The repository's own settings.
    pub settings: Map<String, Value>,
    /// Features without which a reader must stop.
    pub requires: Vec<String>,
    /// Features that a reader may ignore.
    pub optional: Vec<String>,
    /// Top-level fields that this program does not know, kept as they came.
    pub unknown: Map<String, Value>,
}

impl Manifest {
    /// The manifest of a repository before its first commit: generation 0, never stored.
    pub fn new(repository: String, object_format: ObjectFormat) -> Self {
        Self {
            repository,
            object_format,
            generation: 0,
            write_id: String::new(),
            epoch: 0,
            head: None,
            base: None,
            updates: Updates::new(),
            packs: Vec::new(),
            aside: None,
            log: LogTail::default(),
            condemned: Vec::new(),
            settings: Map::new(),
            requires: Vec::new(),
            optional: Vec::new(),
            unknown: Map::new(),
        }
    }

    /// Whether writers must take the lease.
    pub fn leased(&self) -> bool {
        self.requires.iter().any(|feature| feature == LEASE)
    }

    /// The generation up to which the packs hold everything: commits after it moved refs only.
    pub fn covered(&self) -> u64 {
        self.packs.iter().map(|pack| pack.to).max().unwrap_or(0)
    }
}

/// A base ref table, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRef {
    /// Its key is `pail/refs/<id>`.
    pub id: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// How many refs it holds.
    pub count: u64,
}

/// A key that gc has taken out of the manifest and will delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condemned {
    /// The key.
    pub key: String,
    /// The generation that condemned it.
    pub generation: u64,
    /// When, in seconds since 1970.
    pub time: i64,
    /// Why.
    pub why: Why,
}

/// Why a file is to be deleted. It says how long the file stays, and whether a writer that
/// sleeps could still name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// No manifest ever named it, as far as is known: the upload of a writer that died or
    /// sleeps. Its removal from the list raises the epoch.
    Leftover,
    /// Another pack of the manifest holds the same objects.
    Merged,
    /// Nothing within the retention time reaches its objects.
    Dropped,
}

impl Why {
    const NAMES: [(Self, &'static str); 3] = [
        (Self::Leftover, "leftover"),
        (Self::Merged, "merged"),
        (Self::Dropped, "dropped"),
    ];

    /// The word that stands in the manifest.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("leftover", |(_, name)| name)
    }

    /// Reads that word. A word that is not known is read as the kind that is handled with
    /// the greatest care.
    pub fn parse(word: &str) -> Self {
        Self::NAMES
            .iter()
            .find(|(_, name)| *name == word)
            .map_or(Self::Leftover, |(kind, _)| *kind)
    }
}
