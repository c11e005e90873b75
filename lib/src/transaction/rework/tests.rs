use super::*;
use crate::format::manifest::PackSource;
use crate::format::refs::RefTable;
use crate::oid::ObjectFormat;
use crate::store::Version;
use crate::transaction::{Basis, NewPack, apply as lay};
use serde_json::Map;

fn pack(letter: char, from: u64, to: u64, source: PackSource) -> PackEntry {
    PackEntry {
        name: letter.to_string().repeat(40),
        size: 10,
        index: None,
        objects: 3,
        from,
        to,
        holds: Holds::All,
        source,
        unknown: Map::new(),
    }
}

fn name(letter: char) -> String {
    letter.to_string().repeat(40)
}

/// Three pushes, at generation 3.
fn at() -> Snapshot {
    let mut manifest = Manifest::new("0".repeat(32), ObjectFormat::Sha1);
    manifest.generation = 3;
    manifest.write_id = "b".repeat(32);
    manifest.packs = vec![
        pack('1', 0, 1, PackSource::Push),
        pack('2', 1, 2, PackSource::Push),
        pack('3', 2, 3, PackSource::Push),
    ];
    Snapshot {
        version: Version::new("1"),
        manifest,
        refs: RefTable::default(),
    }
}

fn change(at: &Snapshot, rework: Rework) -> Change {
    let basis = (at.manifest.repository.clone(), at.manifest.epoch);
    Change {
        rework: Some(Rework {
            at: basis.clone(),
            ..rework
        }),
        basis: Basis {
            at: Some(basis),
            haves: Vec::new(),
        },
        ..Change::new(
            "merge",
            "A <a@b>".to_owned(),
            1000,
            ("0".repeat(32), ObjectFormat::Sha1),
        )
    }
}

/// The first two packs become one.
fn merge() -> Rework {
    Rework {
        new: vec![pack('e', 0, 2, PackSource::Merge)],
        parts: vec![name('1'), name('2')],
        ..Rework::default()
    }
}

fn next(current: &Snapshot, change: &Change) -> Option<Manifest> {
    match lay(Some(current), change).unwrap() {
        Applied::Next(mut manifest, _, _) => {
            manifest.write_id = "a".repeat(32);
            let bytes = manifest.encode().unwrap();
            assert_eq!(Manifest::decode(&bytes).unwrap(), *manifest);
            Some(*manifest)
        }
        Applied::Remake => None,
        Applied::Nothing(_) => panic!("there is something to write"),
    }
}

#[test]
fn a_merge_is_laid_over_later_pushes_and_keeps_its_parts_as_alternatives() {
    let mut current = at();
    let merge = change(&current, merge());
    current.manifest.generation += 1;
    current
        .manifest
        .packs
        .push(pack('4', 3, 4, PackSource::Push));
    let next = next(&current, &merge).unwrap();
    assert_eq!((next.generation, next.epoch), (5, 0));
    assert_eq!(next.packs.len(), 5);
    assert_eq!(next.covered(), 4);
    assert!(next.condemned.is_empty());
    assert_eq!(next.log.entries.last().unwrap().what, "merge");
}

#[test]
fn a_merge_is_given_up_when_what_it_took_for_granted_is_gone() {
    let merge = change(&at(), merge());
    let mut part = at();
    part.manifest.packs.remove(1);
    let mut epoch = at();
    epoch.manifest.epoch = 1;
    let mut other = at();
    other.manifest.repository = "1".repeat(32);
    let mut done = at();
    done.manifest.packs.push(pack('d', 0, 2, PackSource::Merge));
    let mut wider = at();
    wider
        .manifest
        .packs
        .push(pack('d', 0, 3, PackSource::Merge));
    let mut doomed = at();
    doomed.manifest.condemned.push(Condemned {
        key: keys::pack(&name('e')).unwrap().to_string(),
        generation: 3,
        time: 0,
        why: Why::Leftover,
    });
    for current in [part, epoch, other, done, wider, doomed] {
        assert!(next(&current, &merge).is_none());
    }
    assert!(matches!(lay(None, &merge).unwrap(), Applied::Remake));
}

#[test]
fn a_pack_leaves_only_where_another_holds_its_objects() {
    let mut rework = merge();
    rework.drop = vec![name('1'), name('3')];
    let next = next(&at(), &change(&at(), rework)).unwrap();
    let names: Vec<_> = next.packs.iter().map(|pack| pack.name.clone()).collect();
    assert_eq!(names, [name('2'), name('e'), name('3')]);
    let gone: Vec<_> = next
        .condemned
        .iter()
        .map(|gone| (&*gone.key, gone.why))
        .collect();
    let key = keys::pack(&name('1')).unwrap();
    assert_eq!(gone, [(key.as_str(), Why::Merged)]);
    assert_eq!(
        (next.condemned[0].generation, next.condemned[0].time),
        (4, 1000)
    );
    assert_eq!(next.epoch, 0, "no object has left");
}

#[test]
fn half_a_base_stands_in_for_nothing_but_its_own_kind() {
    let mut half = pack('c', 0, 2, PackSource::Base);
    half.holds = Holds::CommitsAndTrees;
    let mut blobs = pack('b', 0, 2, PackSource::Base);
    blobs.holds = Holds::Blobs;
    let rework = |new: &[&PackEntry]| Rework {
        new: new.iter().copied().cloned().collect(),
        parts: vec![name('1'), name('2')],
        drop: vec![name('1'), name('2')],
        ..Rework::default()
    };
    let one = next(&at(), &change(&at(), rework(&[&half]))).unwrap();
    assert_eq!((one.packs.len(), one.condemned.len()), (4, 0));
    let both = next(&at(), &change(&at(), rework(&[&half, &blobs]))).unwrap();
    assert_eq!((both.packs.len(), both.condemned.len()), (3, 2));
}

#[test]
fn what_drops_objects_raises_the_epoch_and_replaces_one_manifest_only() {
    let mut current = at();
    let rework = Rework {
        only: Some(current.manifest.write_id.clone()),
        new: vec![pack('f', 0, 3, PackSource::Base)],
        drop: vec![name('1'), name('2'), name('3')],
        drops_objects: true,
        ..Rework::default()
    };
    let gc = change(&current, rework);
    let after = next(&current, &gc).unwrap();
    assert_eq!(
        (after.epoch, after.packs.len(), after.condemned.len()),
        (1, 1, 3)
    );
    assert!(after.condemned.iter().all(|gone| gone.why == Why::Dropped));
    current.manifest.write_id = "c".repeat(32);
    assert!(next(&current, &gc).is_none(), "somebody has pushed");
}

#[test]
fn to_strike_a_leftover_off_the_list_raises_the_epoch() {
    for (why, epoch) in [(Why::Leftover, 1), (Why::Merged, 0), (Why::Dropped, 0)] {
        let mut current = at();
        for letter in ['7', '8'] {
            current.manifest.condemned.push(Condemned {
                key: keys::pack(&name(letter)).unwrap().to_string(),
                generation: 3,
                time: 0,
                why,
            });
        }
        let deleted = vec![keys::pack(&name('7')).unwrap().to_string()];
        let rework = Rework {
            deleted,
            ..Rework::default()
        };
        let after = next(&current, &change(&current, rework)).unwrap();
        assert_eq!((after.epoch, after.condemned.len()), (epoch, 1), "{why:?}");
    }
}

#[test]
fn a_sleeping_writer_looks_for_its_uploads_once_the_epoch_has_grown() {
    let mut current = at();
    let mut push = change(&current, Rework::default());
    push.rework = None;
    push.pack = Some(NewPack {
        name: name('5'),
        size: 1,
        index: None,
        objects: 1,
    });
    let outlived = |current: &Snapshot| super::super::uploads::outlived(Some(current), &push);
    assert!(!outlived(&current));
    current.manifest.epoch += 1;
    assert!(outlived(&current));
}

#[test]
fn segments_are_replaced_where_they_stand() {
    let segment = |id: &str, first, last| SegmentRef {
        id: id.repeat(32),
        first,
        last,
        sha256: "0".repeat(64),
        size: 1,
    };
    let mut current = at();
    current.manifest.generation = 9;
    current.manifest.log.segments =
        vec![segment("1", 1, 2), segment("2", 3, 4), segment("3", 5, 6)];
    let rework = |forgets, new| Rework {
        log: Some(LogRework {
            old: vec!["1".repeat(32), "2".repeat(32)],
            new,
            forgets,
        }),
        ..Rework::default()
    };
    let joined = change(&current, rework(false, vec![segment("a", 1, 4)]));
    let after = next(&current, &joined).unwrap();
    assert_eq!(after.log.segments, [segment("a", 1, 4), segment("3", 5, 6)]);
    assert_eq!((after.condemned.len(), after.epoch), (2, 0));
    let forgotten = change(&current, rework(true, Vec::new()));
    let after = next(&current, &forgotten).unwrap();
    assert_eq!(after.log.segments, [segment("3", 5, 6)]);
    assert_eq!((after.condemned.len(), after.epoch), (2, 1));
    current.manifest.log.segments.remove(0);
    assert!(
        next(&current, &joined).is_none(),
        "somebody else was faster"
    );
}

fn list(id: char, count: u64, to: u64) -> AsideRef {
    AsideRef {
        id: id.to_string().repeat(32),
        sha256: "0".repeat(64),
        size: 1,
        count,
        to,
    }
}

/// A merged pack of three pushes, with the newest of them beside it and the middle one aside.
fn with_a_list() -> Snapshot {
    let mut current = at();
    current.manifest.packs = vec![
        pack('3', 2, 3, PackSource::Push),
        pack('e', 0, 3, PackSource::Merge),
    ];
    current.manifest.aside = Some(list('a', 1, 2));
    current
}

/// The newest moves, too, and the one that was there goes.
fn other_list() -> Rework {
    Rework {
        aside: Some(AsideRework {
            old: Some("a".repeat(32)),
            new: Some(list('b', 1, 3)),
            lists: vec![name('3')],
            moved: vec![name('3')],
            drop: vec![pack('2', 1, 2, PackSource::Push)],
        }),
        ..Rework::default()
    }
}

#[test]
fn alternatives_move_aside_and_the_old_list_is_condemned() {
    let current = with_a_list();
    let after = next(&current, &change(&current, other_list())).unwrap();
    let names: Vec<&str> = after.packs.iter().map(|pack| &*pack.name).collect();
    assert_eq!(names, [name('e')]);
    assert_eq!((after.aside, after.epoch), (Some(list('b', 1, 3)), 0));
    let gone: Vec<_> = after
        .condemned
        .iter()
        .map(|gone| (&*gone.key, gone.why))
        .collect();
    let pack = keys::pack(&name('2')).unwrap();
    let old = keys::aside(&"a".repeat(32)).unwrap();
    let expected = [(pack.as_str(), Why::Merged), (old.as_str(), Why::Merged)];
    assert_eq!(gone, expected);
}

#[test]
fn a_list_is_given_up_that_does_not_fit_any_more() {
    let made = with_a_list();
    let change = change(&made, other_list());
    let condemned = |letter: char| Condemned {
        key: keys::pack(&name(letter)).unwrap().to_string(),
        generation: 3,
        time: 0,
        why: Why::Leftover,
    };
    let mut newer = with_a_list();
    newer.manifest.aside = Some(list('c', 1, 2));
    let mut none = with_a_list();
    none.manifest.aside = None;
    let mut moved = with_a_list();
    moved.manifest.packs.remove(0);
    let mut doomed = with_a_list();
    doomed.manifest.condemned.push(condemned('3'));
    let mut needed = with_a_list();
    needed.manifest.packs[1] = pack('e', 0, 2, PackSource::Merge);
    for (current, why) in [
        (newer, "somebody else made another list"),
        (none, "the list is gone"),
        (moved, "what shall move is not there"),
        (doomed, "what shall be listed will be deleted"),
        (needed, "nothing stands in for what shall move"),
    ] {
        assert!(next(&current, &change).is_none(), "{why}");
    }
}

#[test]
fn where_objects_leave_the_list_is_made_anew_in_the_same_commit() {
    let current = with_a_list();
    let mut rework = other_list();
    rework.drops_objects = true;
    rework.drop = vec![name('e')];
    rework.new = vec![pack('f', 0, 3, PackSource::Base)];
    let after = next(&current, &change(&current, rework.clone())).unwrap();
    assert_eq!((after.epoch, after.packs.len()), (1, 1));
    let dropped = after
        .condemned
        .iter()
        .filter(|gone| gone.why == Why::Dropped);
    assert_eq!(dropped.count(), 2, "the merged pack, and the one aside");
    // A list that stayed would name packs with objects that left.
    rework.aside = None;
    assert!(next(&current, &change(&current, rework)).is_none());
}
