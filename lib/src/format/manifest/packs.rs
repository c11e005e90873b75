//! The packs of a repository, and which generations each covers.

use serde_json::{Map, Value};

/// One pack.
#[derive(Debug, Clone, PartialEq)]
pub struct PackEntry {
    /// The checksum that ends the pack, hex: its keys are `objects/pack/pack-<name>.pack`
    /// and `.idx`.
    pub name: String,
    /// Bytes of the pack.
    pub size: u64,
    /// Bytes of the index; `None` where none was stored (`docs/format/v1.md`, "Small packs").
    pub index: Option<u64>,
    /// How many objects it holds.
    pub objects: u64,
    /// It covers the generations after this one …
    pub from: u64,
    /// … up to and with this one.
    pub to: u64,
    /// Which of their objects it holds.
    pub holds: Holds,
    /// What made it.
    pub source: PackSource,
    /// Fields that this program does not know.
    pub unknown: Map<String, Value>,
}

/// A list of further packs, in a file of its own. All of their objects are in the packs of the
/// manifest, too: it serves readers that are far behind, and whoever cannot read it lacks
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideRef {
    /// Its key is `pail/aside/<id>`.
    pub id: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// How many packs it names.
    pub count: u64,
    /// The newest generation that one of them covers: who has everything up to it has no use
    /// for the list.
    pub to: u64,
}

/// Which objects of its generations a pack holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holds {
    /// All of them.
    All,
    /// Commits, trees and tags.
    CommitsAndTrees,
    /// Blobs.
    Blobs,
}

impl Holds {
    const NAMES: [(Self, &'static str); 3] = [
        (Self::All, "all"),
        (Self::CommitsAndTrees, "commits+trees"),
        (Self::Blobs, "blobs"),
    ];

    /// The word that stands in the manifest.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("all", |(_, name)| name)
    }

    /// Reads that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, name)| *name == word)
            .map(|(kind, _)| *kind)
    }
}

/// What made a pack. Packs of one source and one interval belong together; those of
/// different sources are alternatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PackSource {
    /// A push.
    Push,
    /// Maintenance that joined a run of packs.
    Merge,
    /// Maintenance that packed everything anew.
    Base,
}

impl PackSource {
    const NAMES: [(Self, &'static str); 3] = [
        (Self::Push, "push"),
        (Self::Merge, "merge"),
        (Self::Base, "base"),
    ];

    /// The word that stands in the manifest.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("push", |(_, name)| name)
    }

    /// Reads that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, name)| *name == word)
            .map(|(kind, _)| *kind)
    }
}
