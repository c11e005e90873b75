//! The file of the condemned: bytes ⇄ [`CondemnedList`], and what may be changed in it.

use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::key::Key;
use crate::large_files::lfs::Oid;
use crate::large_files::swapped::Document;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The version of the file that is written and read.
const VERSION: u64 = 1;

/// Most objects on the list: who uploads reads all of it. What is beyond that is condemned
/// by a later run.
pub const MAX_CONDEMNED: usize = 20_000;

/// Objects that were condemned together, and are spared together: they came into the bucket
/// on one day, so who needs one of them again most likely needs the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Since when it stands on the list, in seconds since 1970, by the bucket's clock.
    pub since: i64,
    /// The objects.
    pub oids: BTreeSet<Oid>,
}

/// Objects that one run of gc is deleting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Going {
    /// Fresh chance: which run, and which of its batches.
    pub id: String,
    /// Since when, in seconds since 1970, by the bucket's clock.
    pub since: i64,
    /// The objects, as they stood on the list.
    pub groups: Vec<Group>,
}

impl Going {
    /// Whether the run that wrote this counts as dead.
    pub fn is_dead(&self, now: i64) -> bool {
        now.saturating_sub(self.since) >= super::DEAD
    }

    /// The objects.
    pub fn oids(&self) -> impl Iterator<Item = &Oid> {
        self.groups.iter().flat_map(|group| &group.oids)
    }
}

/// Objects that nothing names, as they stand in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CondemnedList {
    version: u64,
    write_id: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    leased: bool,
    /// Those that will go.
    pub groups: Vec<Group>,
    /// Those that are being deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub going: Option<Going>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl CondemnedList {
    /// Since when an object is condemned, if it is, and nobody is deleting it.
    pub fn since(&self, oid: &Oid) -> Option<i64> {
        let group = self.groups.iter().find(|group| group.oids.contains(oid));
        group.map(|group| group.since)
    }

    /// Whether somebody is deleting an object.
    pub fn is_going(&self, oid: &Oid) -> bool {
        let going = self.going.as_ref();
        going.is_some_and(|going| going.oids().any(|other| other == oid))
    }

    /// Objects that are condemned, those being deleted left out.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.oids.len()).sum()
    }

    /// Whether nothing is condemned or being deleted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.going.is_none()
    }

    /// Strikes objects off; whether there were any.
    pub(super) fn strike(&mut self, oids: &BTreeSet<Oid>) -> bool {
        let before = self.len();
        for group in &mut self.groups {
            group.oids.retain(|oid| !oids.contains(oid));
        }
        self.groups.retain(|group| !group.oids.is_empty());
        self.len() != before
    }

    /// Adds what is not on the list yet, as far as there is room; whether something was.
    pub(super) fn add(&mut self, mut group: Group) -> bool {
        group.oids.retain(|oid| self.since(oid).is_none());
        let room = MAX_CONDEMNED.saturating_sub(self.len());
        group.oids = group.oids.into_iter().take(room).collect();
        if group.oids.is_empty() {
            return false;
        }
        self.groups.push(group);
        true
    }

    /// Strikes an object off, and all that was condemned together with it.
    pub(super) fn spare(&mut self, oid: &Oid) -> bool {
        let before = self.groups.len();
        self.groups.retain(|group| !group.oids.contains(oid));
        self.groups.len() != before
    }

    /// Takes these objects out of their groups, as far as they are there.
    pub(super) fn take(&mut self, oids: &BTreeSet<Oid>) -> Vec<Group> {
        let mut taken = Vec::new();
        for group in &mut self.groups {
            let (out, stay) = std::mem::take(&mut group.oids)
                .into_iter()
                .partition(|oid| oids.contains(oid));
            group.oids = stay;
            taken.push(Group {
                since: group.since,
                oids: out,
            });
        }
        self.groups.retain(|group| !group.oids.is_empty());
        taken.retain(|group: &Group| !group.oids.is_empty());
        taken
    }

    /// What was being deleted is only condemned, as before.
    pub(super) fn put_back(&mut self) {
        let groups = self.going.take().map(|going| going.groups);
        self.groups.extend(groups.unwrap_or_default());
    }
}

impl Document for CondemnedList {
    const WHAT: &'static str = "the list of condemned LFS objects";
    const MAX_BYTES: u64 = 8 << 20;

    fn key() -> Result<Key> {
        keys::condemned()
    }

    fn leased(&self) -> bool {
        self.leased
    }

    fn new(leased: bool) -> Self {
        Self {
            version: VERSION,
            write_id: String::new(),
            leased,
            groups: Vec::new(),
            going: None,
            unknown: Map::new(),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Head {
            version: u64,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(|error| broken(&error))?;
        if head.version != VERSION {
            let (what, version) = (Self::WHAT, head.version);
            let message = format!("cannot read {what}: it is of version {version}, not {VERSION}");
            let error = Error::new(ErrorKind::Unsupported, message);
            return Err(error.with_hint("use a newer git-pail"));
        }
        let list: Self = serde_json::from_slice(bytes).map_err(|error| broken(&error))?;
        let going = list.going.iter().flat_map(Going::oids).count();
        if list.len() > MAX_CONDEMNED || going > MAX_CONDEMNED {
            return Err(broken(&"it is too long"));
        }
        Ok(list)
    }

    fn encode(&mut self, write_id: String) -> Result<Vec<u8>> {
        self.write_id = write_id;
        let mut bytes = serde_json::to_vec(self).map_err(|error| {
            let message = format!("cannot write {}: {error}", Self::WHAT);
            Error::new(ErrorKind::Local, message).with_source(error)
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

fn broken(why: &dyn std::fmt::Display) -> Error {
    let message = format!("cannot read {}: {why}", CondemnedList::WHAT);
    Error::new(ErrorKind::Corrupt, message).with_hint(
        "delete pail/lfs-condemned.json while no `git pail lfs gc` runs; the next one begins anew",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: char) -> Oid {
        digit.to_string().repeat(64).parse().unwrap()
    }

    fn group(since: i64, digits: &str) -> Group {
        Group {
            since,
            oids: digits.chars().map(oid).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_what_is_unknown_stays() {
        let (a, b) = (oid('a'), oid('b'));
        let text = format!(
            r#"{{"version":1,"write_id":"1","groups":[{{"since":3,"oids":["{a}"]}}],"going":{{"id":"2","since":4,"groups":[{{"since":2,"oids":["{b}"]}}]}},"more":[4]}}"#
        );
        let mut list = CondemnedList::decode(text.as_bytes()).unwrap();
        assert_eq!((list.since(&a), list.since(&b)), (Some(3), None));
        assert!(list.is_going(&b) && !list.is_going(&a));
        let bytes = list.encode("1".to_owned()).unwrap();
        assert_eq!(bytes, format!("{text}\n").into_bytes());
        for (text, kind) in [
            ("", ErrorKind::Corrupt),
            ("{}", ErrorKind::Corrupt),
            (r#"{"version":2}"#, ErrorKind::Unsupported),
            (
                r#"{"version":1,"write_id":"","groups":[{"since":1,"oids":["../a"]}]}"#,
                ErrorKind::Corrupt,
            ),
        ] {
            let error = CondemnedList::decode(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), kind, "{text}");
        }
    }

    #[test]
    fn what_was_condemned_together_is_spared_together() {
        let mut list = CondemnedList::new(false);
        assert!(list.add(group(1, "abc")) && list.add(group(2, "cd")));
        assert_eq!(list.groups, [group(1, "abc"), group(2, "d")]);
        assert!(!list.add(group(3, "ad")));
        assert!(list.spare(&oid('b')) && !list.spare(&oid('b')));
        assert_eq!(list.groups, [group(2, "d")]);
    }

    #[test]
    fn what_is_taken_out_comes_back_with_its_time() {
        let mut list = CondemnedList::new(false);
        assert!(list.add(group(1, "ab")) && list.add(group(2, "c")));
        let groups = list.take(&group(0, "bcd").oids);
        assert_eq!(groups, [group(1, "b"), group(2, "c")]);
        assert_eq!(list.groups, [group(1, "a")]);
        list.going = Some(Going {
            id: "1".to_owned(),
            since: 5,
            groups,
        });
        list.put_back();
        assert_eq!(list.since(&oid('c')), Some(2));
        assert_eq!((list.len(), list.going.is_none()), (3, true));
        assert!(list.strike(&group(0, "abc").oids) && list.is_empty());
    }

    #[test]
    fn the_list_has_an_end() {
        let mut list = CondemnedList::new(false);
        let oids = (0..=MAX_CONDEMNED).map(|number| format!("{number:064x}").parse().unwrap());
        let oids: BTreeSet<Oid> = oids.collect();
        assert!(list.add(Group { since: 1, oids }));
        assert_eq!(list.len(), MAX_CONDEMNED);
        assert!(!list.add(group(2, "f")));
        let bytes = list.encode("1".repeat(32)).unwrap();
        assert!(bytes.len() as u64 <= CondemnedList::MAX_BYTES);
        assert_eq!(CondemnedList::decode(&bytes).unwrap().len(), MAX_CONDEMNED);
    }
}
