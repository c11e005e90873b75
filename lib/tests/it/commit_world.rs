//! Words for commits without git: changes, clients that make them, and what they were told.

use super::ledger::{Event, Ledger};
use bytes::Bytes;
use pail::format::keys;
use pail::refs::{Expected, Outcome, RefEdit, RefName, RefValue};
use pail::store::adapter::memory::Memory;
use pail::store::{Precondition, Put, Store};
use pail::transaction::{
    Basis, Cache, Change, Committed, Committer, HeadChange, NewPack, Snapshot,
};
use pail::{Error, ObjectFormat, ObjectId, Result};
use std::collections::BTreeSet;
use testkit::ids::SeededIds;

/// The id of an object that stands for a letter.
pub(crate) fn oid(letter: char) -> ObjectId {
    let hex = format!("{:02x}", letter as u32).repeat(20);
    ObjectId::from_hex(hex.as_bytes()).unwrap()
}

/// A ref, by its short name for branches and its full name for all else.
pub(crate) fn name(short: &str) -> RefName {
    if short.starts_with("refs/") {
        RefName::new(short).unwrap()
    } else {
        RefName::new(format!("refs/heads/{short}")).unwrap()
    }
}

/// Moves a ref from one letter to another; a blank is no value.
pub(crate) fn edit(short: &str, from: char, to: char) -> RefEdit {
    let value = |letter: char| (letter != ' ').then(|| oid(letter));
    RefEdit {
        name: name(short),
        new: value(to).map(RefValue::plain),
        expected: value(from).map_or(Expected::Absent, Expected::Exactly),
        leased: false,
        continues: true,
    }
}

/// A change that moves refs and brings nothing.
pub(crate) fn change(client: u64, edits: &[RefEdit]) -> Change {
    Change {
        edits: edits.into(),
        atomic: false,
        pack: None,
        basis: Basis::default(),
        head: HeadChange::Keep,
        lease: false,
        settings: Vec::new(),
        table: None,
        segment: None,
        moves_file: None,
        create: (format!("{client:032x}"), ObjectFormat::Sha1),
        who: format!("Client {client} <{client}@example.org>"),
        what: "push".to_owned(),
        time: 1_767_225_600,
        options: Vec::new(),
        rework: None,
    }
}

/// A pack whose content is its own name.
pub(crate) fn pack(letter: char) -> NewPack {
    NewPack {
        name: oid(letter).to_string(),
        size: 1,
        index: None,
        objects: 1,
    }
}

/// Puts the file of such a pack into a bucket.
pub(crate) async fn upload(store: &dyn Store, letter: char) -> Result<()> {
    let key = keys::pack(&pack(letter).name)?;
    let _ = store
        .put(&key, Bytes::from(letter.to_string()), Precondition::Always)
        .await?;
    Ok(())
}

/// Reads the bucket and commits, as a client of its own.
pub(crate) async fn commit(store: &dyn Store, seed: u64, change: &Change) -> Result<Committed> {
    let cache = Cache::default();
    let at = Snapshot::read(store, &cache, None).await?;
    commit_at(store, seed, at, change).await
}

/// Commits against what was read before.
pub(crate) async fn commit_at(
    store: &dyn Store,
    seed: u64,
    at: Option<Snapshot>,
    change: &Change,
) -> Result<Committed> {
    let (ids, cache) = (SeededIds::new(seed), Cache::default());
    let committer = Committer {
        store,
        cache: &cache,
        ids: &ids,
        lease: true,
    };
    committer.commit(at, change).await
}

/// A bucket in which each of these was committed, one after the other.
pub(crate) async fn bucket(edits: &[RefEdit]) -> Memory {
    let memory = Memory::new();
    for (number, edit) in (1000..).zip(edits) {
        let done = commit(&memory, number, &change(number, std::slice::from_ref(edit))).await;
        let Committed::Done(outcomes, _) = done.unwrap() else {
            panic!("nobody else is there");
        };
        assert_eq!(outcomes, [Outcome::Updated], "{edit:?}");
    }
    memory
}

/// What a client did and what it was told.
pub(crate) type Answer = (Vec<RefEdit>, Result<Committed, Error>);

/// What it was told of each edit.
pub(crate) fn outcomes(answer: &Answer) -> &[Outcome] {
    match &answer.1 {
        Ok(Committed::Done(outcomes, _)) => outcomes,
        other => panic!("no outcomes: {other:?}"),
    }
}

/// Law 5: what was acknowledged is in the log, what was refused is not, and what nobody
/// can tell was at least tried. `before` are the moves that were there before the clients.
pub(crate) fn kept(ledger: &Ledger, before: usize, answers: &[Answer]) {
    let all = ledger.events();
    let here = &all[before..];
    let unique: BTreeSet<&Event> = here.iter().collect();
    assert_eq!(unique.len(), here.len(), "an edit happened twice: {here:?}");
    let mut tried = BTreeSet::new();
    for (edits, answer) in answers {
        for (at, edit) in edits.iter().enumerate() {
            let moved = |event: &&Event| {
                event.0 == edit.name.to_string() && event.2 == edit.new.map(|new| new.oid)
            };
            let found = here.iter().find(moved);
            tried.extend(here.iter().filter(moved));
            let told = match answer {
                Ok(Committed::Done(outcomes, _)) => Some(&outcomes[at]),
                Ok(Committed::Remake(_)) => Some(&Outcome::UpToDate),
                Err(_) => None,
            };
            match told {
                Some(Outcome::Updated) => {
                    assert!(found.is_some(), "acknowledged and lost: {edit:?}");
                }
                Some(Outcome::Refused(why)) => {
                    let others = answers.iter().filter(|(edits, _)| edits.contains(edit));
                    assert!(
                        found.is_none() || others.count() > 1,
                        "refused ({why}) and made: {edit:?}"
                    );
                }
                // Already so, to be made again, or nobody can tell.
                Some(Outcome::UpToDate) | None => {}
            }
        }
    }
    for event in here {
        assert!(tried.contains(event), "nobody asked for {event:?}");
    }
}

/// Swaps the manifest for a changed one, as maintenance would: `edit` sees the newest one
/// each time and says whether it still wants to.
pub(crate) async fn rewrite(
    store: &dyn Store,
    seed: u64,
    what: &str,
    edit: impl Fn(&mut pail::format::Manifest) -> bool,
) -> Result<bool> {
    use pail::format::manifest::LogEntry;
    use pail::ids::Ids;
    let ids = SeededIds::new(seed);
    loop {
        let at = Snapshot::read(store, &Cache::default(), None)
            .await?
            .unwrap();
        let mut next = at.manifest.clone();
        next.generation += 1;
        next.write_id = ids.hex()?;
        if !edit(&mut next) {
            return Ok(false);
        }
        next.log.entries.push(LogEntry {
            generation: next.generation,
            time: 1_767_225_600,
            who: "Maintenance <gc@example.org>".to_owned(),
            what: what.to_owned(),
            write_id: next.write_id.clone(),
            moves: Vec::new(),
            moves_file: None,
            options: Vec::new(),
            unknown: serde_json::Map::new(),
        });
        let body = next.encode()?.into();
        let when = Precondition::Unchanged(&at.version);
        if let Put::Written(_) = store.put(&keys::manifest()?, body, when).await? {
            return Ok(true);
        }
    }
}
