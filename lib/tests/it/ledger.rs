//! A bucket, read whole by somebody who trusts nobody: every file that the manifest names,
//! and the push log, replayed from the first entry.

use pail::ObjectId;
use pail::format::keys;
use pail::format::manifest::{Holds, LogEntry, PackEntry};
use pail::key::Key;
use pail::refs::RefName;
use pail::store::Store;
use pail::transaction::{Cache, Snapshot, read_aside, read_log, read_moves};
use std::collections::{BTreeMap, BTreeSet};

/// One ref that was moved by one commit: what it was, what it is.
pub(crate) type Event = (String, Option<ObjectId>, Option<ObjectId>);

/// What a bucket says.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Its repository as it is now.
    pub(crate) snapshot: Snapshot,
    /// The push log from the first entry on, the moves of each filled in.
    pub(crate) entries: Vec<LogEntry>,
}

impl Ledger {
    /// Every move of every ref, in the order of the commits.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.entries
            .iter()
            .flat_map(|entry| &entry.moves)
            .map(|one| (one.name.to_string(), one.old, one.new))
            .collect()
    }

    /// The refs as they are now.
    pub(crate) fn refs(&self) -> BTreeMap<RefName, ObjectId> {
        self.snapshot
            .refs
            .iter()
            .map(|(name, value)| (name, value.oid))
            .collect()
    }
}

/// Reads all of it and checks what must hold at every moment: generations without gaps,
/// each write id once, a log whose moves follow from each other and end in the refs, packs
/// that join up, and every file there with the size that the manifest says.
pub(crate) async fn read(store: &dyn Store) -> Option<Ledger> {
    let cache = Cache::default();
    let snapshot = Snapshot::read(store, &cache, None).await.unwrap()?;
    let manifest = &snapshot.manifest;
    let mut parts = vec![manifest.log.entries.clone()];
    let mut back = 0;
    while let Some(older) = read_log(store, &cache, &snapshot, back).await.unwrap() {
        parts.push(older);
        back += 1;
    }
    let mut entries: Vec<LogEntry> = parts.into_iter().rev().flatten().collect();
    for entry in &mut entries {
        entry.moves = read_moves(store, &cache, entry).await.unwrap();
    }
    let generations: Vec<u64> = entries.iter().map(|entry| entry.generation).collect();
    let expected: Vec<u64> = (1..=manifest.generation).collect();
    assert_eq!(generations, expected, "the log has a gap");
    let ids: BTreeSet<&str> = entries.iter().map(|entry| &*entry.write_id).collect();
    assert_eq!(ids.len(), entries.len(), "a write id was used twice");
    let newest = entries.last().expect("a repository has a first commit");
    assert_eq!(newest.write_id, manifest.write_id);
    replay(&snapshot, &entries);
    files(store, &snapshot).await;
    Some(Ledger { snapshot, entries })
}

/// Each move starts where the one before it ended, and the last ones end in the refs.
fn replay(snapshot: &Snapshot, entries: &[LogEntry]) {
    let mut refs = BTreeMap::new();
    for entry in entries {
        for one in &entry.moves {
            let (at, name) = (entry.generation, &one.name);
            let now = refs.get(name).copied();
            assert_eq!(now, one.old, "generation {at} moved {name} from elsewhere");
            match one.new {
                Some(new) => refs.insert(name.clone(), new),
                None => refs.remove(name),
            };
        }
    }
    let now: BTreeMap<_, _> = snapshot
        .refs
        .iter()
        .map(|(name, value)| (name, value.oid))
        .collect();
    assert_eq!(refs, now, "the refs are not what the log makes of them");
}

/// Packs and indexes are there, those that lie aside too, none is condemned, and their intervals
/// join up without what lies aside.
async fn files(store: &dyn Store, snapshot: &Snapshot) {
    let manifest = &snapshot.manifest;
    let mut wanted: Vec<(Key, u64)> = Vec::new();
    let aside = aside(store, snapshot).await;
    for pack in manifest.packs.iter().chain(&aside) {
        wanted.push((keys::pack(&pack.name).unwrap(), pack.size));
        if let Some(size) = pack.index {
            wanted.push((keys::index(&pack.name).unwrap(), size));
        }
    }
    for (key, size) in wanted {
        let info = store.head(&key).await.unwrap();
        let found = info.map(|info| info.size);
        assert_eq!(found, Some(size), "{key}");
        let condemned = manifest
            .condemned
            .iter()
            .any(|gone| gone.key == key.as_str());
        assert!(!condemned, "{key} is named and condemned");
    }
    let covered = manifest.covered();
    assert!(
        pail::transfer::cover(&manifest.packs, 0, covered).is_some(),
        "the packs do not cover (0, {covered}]"
    );
}

/// The packs that lie aside: as many as the manifest says, each inside one that it names itself.
async fn aside(store: &dyn Store, snapshot: &Snapshot) -> Vec<PackEntry> {
    let manifest = &snapshot.manifest;
    let listed = read_aside(store, &Cache::default(), snapshot)
        .await
        .unwrap();
    let told = manifest.aside.as_ref();
    assert_eq!(told.map_or(0, |list| list.count), listed.len() as u64);
    let newest = listed.iter().map(|pack| pack.to).max();
    assert_eq!(told.map(|list| list.to), newest);
    for pack in &listed {
        let name = &pack.name;
        let twice = manifest.packs.iter().any(|other| other.name == *name);
        assert!(!twice, "{name} is named twice");
        let around = |other: &&PackEntry| other.from <= pack.from && pack.to <= other.to;
        let around: Vec<_> = manifest.packs.iter().filter(around).collect();
        let whole = around.iter().any(|other| other.holds == Holds::All);
        let halves: BTreeSet<Holds> = around.iter().map(|other| other.holds).collect();
        assert!(whole || halves.len() == 2, "nothing stands in for {name}");
    }
    listed
}
