//! Pure: how much there is of each kind of file.

use crate::format::keys;
use crate::format::manifest::{Manifest, PackEntry};
use crate::key::Key;
use crate::maintenance::place::Place;
use crate::store::{Listed, Unfinished};
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Sum;

/// What a file is for, in the order in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Packs that a clone takes.
    Packs,
    /// Packs whose objects lie in larger ones, too: for readers slightly behind.
    Beside,
    /// Indexes of packs.
    Indexes,
    /// Tables of refs.
    Tables,
    /// Older parts of the push log.
    Log,
    /// The manifest, the list of packs that lies aside, and leases.
    Manifest,
    /// Git LFS objects.
    Lfs,
    /// Files that the manifest has condemned: maintenance deletes them when it is time.
    Condemned,
    /// Files of ours that nothing names: writers died, or are at work.
    Leftovers,
    /// Uploads that were begun and not ended. Their bytes are counted as far as the bucket
    /// tells them.
    Unfinished,
    /// What stock git reads over plain HTTP.
    Published,
    /// Files of nobody that is known.
    Other,
}

impl Kind {
    /// Every kind with its word.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Packs, "packs"),
        (Self::Beside, "packs-beside"),
        (Self::Indexes, "indexes"),
        (Self::Tables, "ref-tables"),
        (Self::Log, "log"),
        (Self::Manifest, "manifest"),
        (Self::Lfs, "lfs"),
        (Self::Condemned, "condemned"),
        (Self::Leftovers, "leftovers"),
        (Self::Unfinished, "unfinished"),
        (Self::Published, "published"),
        (Self::Other, "other"),
    ];

    /// A word for programs.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("other", |(_, name)| name)
    }
}

/// How many files, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Tally {
    /// One more file.
    pub(super) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            files: sum.files + one.files,
            bytes: sum.bytes.saturating_add(one.bytes),
        })
    }
}

/// Counts files by kind; `named` are the keys that the manifest and its log name.
pub(super) fn count(
    manifest: &Manifest,
    clone: &[PackEntry],
    named: &BTreeSet<Key>,
    listed: &[Listed],
    unfinished: &[Unfinished],
) -> BTreeMap<Kind, Tally> {
    let condemned = manifest.condemned.iter().map(|gone| gone.key.as_str());
    let known = Known {
        clone: clone.iter().map(|pack| pack.name.as_str()).collect(),
        condemned: condemned.collect(),
        named: named.iter().map(Key::as_str).collect(),
    };
    let mut out: BTreeMap<Kind, Tally> = BTreeMap::new();
    for file in listed {
        out.entry(known.kind(&file.key)).or_default().add(file.size);
    }
    for upload in unfinished {
        let tally = out.entry(Kind::Unfinished).or_default();
        tally.add(upload.size.unwrap_or(0));
    }
    out
}

/// What is known of keys.
struct Known<'a> {
    /// Names of the packs of a clone.
    clone: BTreeSet<&'a str>,
    condemned: BTreeSet<&'a str>,
    named: BTreeSet<&'a str>,
}

impl Known<'_> {
    fn kind(&self, key: &str) -> Kind {
        let is_named = self.named.contains(key);
        match keys::pack_name(key) {
            _ if self.condemned.contains(key) => Kind::Condemned,
            _ if key == keys::MANIFEST || key.starts_with(keys::LEASES) => Kind::Manifest,
            Some(_) if !is_named => Kind::Leftovers,
            Some(_) if key.ends_with(".idx") => Kind::Indexes,
            Some(name) if self.clone.contains(name) => Kind::Packs,
            Some(_) => Kind::Beside,
            None if is_named && key.starts_with(keys::TABLES) => Kind::Tables,
            None if is_named && key.starts_with(keys::SEGMENTS) => Kind::Log,
            None if is_named && keys::is_aside(key) => Kind::Manifest,
            None => match Place::of(key) {
                Place::Own => Kind::Leftovers,
                Place::Expected if key.starts_with("lfs/") => Kind::Lfs,
                Place::Expected => Kind::Published,
                Place::Other => Kind::Other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_of_one_kind() {
        let (one, two, three) = ("1".repeat(40), "2".repeat(40), "3".repeat(40));
        let id = "0".repeat(32);
        let pack = |name: &str| format!("objects/pack/pack-{name}.pack");
        let index = format!("objects/pack/pack-{one}.idx");
        let table = format!("pail/refs/{id}");
        let segment = format!("pail/log/1-2-{id}");
        let (one_pack, two_pack, three_pack) = (pack(&one), pack(&two), pack(&three));
        let (aside, old) = (format!("pail/aside/{id}"), "pail/aside/00");
        let gone = format!("pail/log/3-4-{id}");
        let known = Known {
            clone: BTreeSet::from([one.as_str()]),
            condemned: BTreeSet::from([gone.as_str()]),
            named: BTreeSet::from([&*one_pack, &*two_pack, &*index, &*table, &*segment, &*aside]),
        };
        for (key, kind) in [
            ("pail/manifest.json", Kind::Manifest),
            (&*one_pack, Kind::Packs),
            (&*two_pack, Kind::Beside),
            (&*three_pack, Kind::Leftovers),
            (&*index, Kind::Indexes),
            (&*table, Kind::Tables),
            (&*segment, Kind::Log),
            (&*aside, Kind::Manifest),
            (old, Kind::Leftovers),
            (&*gone, Kind::Condemned),
            (&*format!("pail/refs/{}", "1".repeat(32)), Kind::Leftovers),
            (&*format!("pail/probe/{id}"), Kind::Leftovers),
            ("lfs/aa", Kind::Lfs),
            ("info/refs", Kind::Published),
            ("readme.txt", Kind::Other),
        ] {
            assert_eq!(known.kind(key), kind, "{key}");
        }
    }
}
