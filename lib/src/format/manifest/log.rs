//! The push log: the newest entries inline, older ones in segments.

use crate::oid::ObjectId;
use crate::refs::RefName;
use serde_json::{Map, Value};

/// The newest part of the push log, and where the rest lies.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogTail {
    /// Older parts, oldest first.
    pub segments: Vec<SegmentRef>,
    /// The newest entries, oldest first.
    pub entries: Vec<LogEntry>,
}

/// An older part of the push log, in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRef {
    /// Its key is `pail/log/<first>-<last>-<id>`.
    pub id: String,
    /// Generation of its first entry.
    pub first: u64,
    /// Generation of its last entry.
    pub last: u64,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
}

#[cfg(test)]
impl SegmentRef {
    /// One segment of one entry for each of these sizes, oldest first.
    pub(crate) fn of_sizes(sizes: &[u64]) -> Vec<Self> {
        let one = |(at, size): (usize, &u64)| Self {
            id: format!("{at:032}"),
            first: at as u64 + 1,
            last: at as u64 + 1,
            sha256: "0".repeat(64),
            size: *size,
        };
        sizes.iter().enumerate().map(one).collect()
    }
}

/// One commit to the repository.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The generation that it made.
    pub generation: u64,
    /// When, in seconds since 1970, by the writer's clock.
    pub time: i64,
    /// Who, as git's committer identity: `Name <mail>`.
    pub who: String,
    /// What it was: `push`, `set-head`, `init`, `merge`, `gc` …
    pub what: String,
    /// The write id of the manifest that it made.
    pub write_id: String,
    /// The refs that moved, where they are few enough to stand inline.
    pub moves: Vec<RefMove>,
    /// The file that holds the moves where they are not.
    pub moves_file: Option<MovesFile>,
    /// Push options, as given.
    pub options: Vec<String>,
    /// Fields that this program does not know.
    pub unknown: Map<String, Value>,
}

/// How one ref moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefMove {
    /// The ref.
    pub name: RefName,
    /// What it was; `None` if it was made.
    pub old: Option<ObjectId>,
    /// What it is; `None` if it was deleted.
    pub new: Option<ObjectId>,
}

/// The moves of one large entry, in a file of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovesFile {
    /// Its key is `pail/log/moves-<id>`.
    pub id: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// How many refs moved.
    pub count: u64,
}
