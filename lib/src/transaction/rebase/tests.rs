use super::*;
use crate::refs::{Expected, RefValue};
use crate::store::Version;

fn oid(n: u64) -> ObjectId {
    ObjectId::from_hex(format!("{n:040x}").as_bytes()).unwrap()
}

fn name(text: &str) -> RefName {
    RefName::new(text).unwrap()
}

fn edit(text: &str, expected: Option<u64>, new: Option<u64>) -> RefEdit {
    RefEdit {
        name: name(text),
        new: new.map(|n| RefValue::plain(oid(n))),
        expected: expected.map_or(Expected::Absent, |n| Expected::Exactly(oid(n))),
        leased: false,
        continues: true,
    }
}

fn push(edits: Vec<RefEdit>) -> Change {
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
        create: ("0".repeat(32), ObjectFormat::Sha1),
        who: "A U Thor <author@example.com>".to_owned(),
        what: "push".to_owned(),
        time: 1_700_000_000,
        options: Vec::new(),
        rework: None,
    }
}

fn next(current: Option<&Snapshot>, change: &Change) -> (Snapshot, Vec<Outcome>) {
    match apply(current, change).unwrap() {
        Applied::Next(mut manifest, refs, outcomes) => {
            manifest.write_id = "a".repeat(32);
            let bytes = manifest.encode().unwrap();
            assert_eq!(Manifest::decode(&bytes).unwrap(), *manifest);
            (
                Snapshot {
                    version: Version::new("1"),
                    manifest: *manifest,
                    refs,
                },
                outcomes,
            )
        }
        other => panic!("nothing to write: {other:?}"),
    }
}

fn start() -> Snapshot {
    next(
        None,
        &push(vec![
            edit("refs/heads/main", None, Some(1)),
            edit("refs/heads/a/b", None, Some(2)),
        ]),
    )
    .0
}

#[test]
fn the_first_push_makes_the_repository_and_its_head() {
    let at = start();
    assert_eq!(
        (at.manifest.generation, at.manifest.head.clone()),
        (1, Some(name("refs/heads/main")))
    );
    let mut change = push(vec![
        edit("refs/heads/x", None, Some(1)),
        edit("refs/heads/y", None, Some(1)),
    ]);
    change.head = HeadChange::Prefer(name("refs/heads/y"));
    assert_eq!(
        next(None, &change).0.manifest.head,
        Some(name("refs/heads/y"))
    );
    change.head = HeadChange::Prefer(name("refs/heads/absent"));
    assert_eq!(
        next(None, &change).0.manifest.head,
        Some(name("refs/heads/x"))
    );
}

#[test]
fn a_ref_that_moved_is_refused_in_gits_words_and_the_others_go_through() {
    let at = start();
    let mut leased = edit("refs/heads/main", Some(9), Some(4));
    leased.leased = true;
    let change = push(vec![
        edit("refs/heads/main", Some(9), Some(3)),
        edit("refs/heads/new", None, Some(3)),
        leased,
        edit("refs/heads/a", None, Some(3)),
    ]);
    let (after, outcomes) = next(Some(&at), &change);
    let words: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Refused(why) => why.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    let conflict = "'refs/heads/a/b' exists; cannot create 'refs/heads/a'";
    assert_eq!(words, ["fetch first", "Updated", "stale info", conflict]);
    assert_eq!(
        after.refs.get(&name("refs/heads/main")).unwrap().oid,
        oid(1)
    );
    assert_eq!(after.manifest.log.entries.last().unwrap().moves.len(), 1);
}

#[test]
fn an_atomic_change_moves_all_or_none() {
    let at = start();
    let mut change = push(vec![
        edit("refs/heads/main", Some(9), Some(3)),
        edit("refs/heads/new", None, Some(3)),
    ]);
    change.atomic = true;
    let Applied::Nothing(outcomes) = apply(Some(&at), &change).unwrap() else {
        panic!("something was written")
    };
    assert_eq!(outcomes[0], Outcome::Refused(Refusal::FetchFirst));
    assert_eq!(outcomes[1], Outcome::Refused(Refusal::AtomicPushFailed));
}

#[test]
fn a_folder_gives_way_to_a_ref_in_one_push() {
    let at = start();
    let change = push(vec![
        edit("refs/heads/a", None, Some(3)),
        edit("refs/heads/a/b", Some(2), None),
    ]);
    let (after, outcomes) = next(Some(&at), &change);
    assert_eq!(outcomes, [Outcome::Updated, Outcome::Updated]);
    assert!(after.refs.get(&name("refs/heads/a")).is_some());
}

#[test]
fn a_pack_is_made_again_when_what_it_relies_on_may_be_gone() {
    let mut at = start();
    let mut change = push(vec![edit("refs/heads/new", None, Some(3))]);
    change.pack = Some(NewPack {
        name: "b".repeat(40),
        size: 100,
        index: None,
        objects: 3,
    });
    change.basis = Basis {
        at: Some((at.manifest.repository.clone(), 0)),
        haves: vec![oid(1), oid(7)],
    };
    let (after, _) = next(Some(&at), &change);
    assert_eq!(
        (after.manifest.packs[0].from, after.manifest.packs[0].to),
        (0, 2)
    );
    at.manifest.epoch = 1;
    assert!(matches!(
        apply(Some(&at), &change).unwrap(),
        Applied::Remake
    ));
    change.basis.haves = vec![oid(1), oid(2)];
    assert!(
        matches!(apply(Some(&at), &change).unwrap(), Applied::Next(..)),
        "the refs still name both"
    );
    let key = format!("objects/pack/pack-{}.pack", "b".repeat(40));
    at.manifest
        .condemned
        .push(crate::format::manifest::Condemned {
            key,
            generation: 1,
            time: 0,
            why: crate::format::manifest::Why::Leftover,
        });
    assert!(matches!(
        apply(Some(&at), &change).unwrap(),
        Applied::Remake
    ));
}

#[test]
fn intervals_of_packs_join_up_over_commits_that_only_move_refs() {
    let mut at = start();
    at = next(Some(&at), &push(vec![edit("refs/heads/x", None, Some(1))])).0;
    let mut change = push(vec![edit("refs/heads/y", None, Some(5))]);
    change.pack = Some(NewPack {
        name: "b".repeat(40),
        size: 100,
        index: None,
        objects: 3,
    });
    change.basis.at = Some((at.manifest.repository.clone(), 0));
    at = next(Some(&at), &change).0;
    at = next(Some(&at), &push(vec![edit("refs/heads/x", Some(1), None)])).0;
    change.pack = Some(NewPack {
        name: "c".repeat(40),
        size: 100,
        index: None,
        objects: 3,
    });
    change.edits = [edit("refs/heads/z", None, Some(6))].into();
    at = next(Some(&at), &change).0;
    let covers: Vec<_> = at
        .manifest
        .packs
        .iter()
        .map(|pack| (pack.from, pack.to))
        .collect();
    assert_eq!(covers, [(0, 3), (3, 5)]);
}

#[test]
fn many_refs_overflow_into_a_table_and_many_entries_into_a_segment() {
    let edits = (0..2000)
        .map(|n| edit(&format!("refs/tags/v{n}"), None, Some(n + 1)))
        .collect();
    let (at, _) = next(None, &push(edits));
    let plain = push(Vec::new());
    let full = overflow(&at.manifest, &plain).unwrap();
    assert!(full.table && full.moves && full.segment == 0);
    let mut at = start();
    while overflow(&at.manifest, &plain).unwrap().segment == 0 {
        let now = at
            .refs
            .get(&name("refs/heads/main"))
            .map(|value| value.oid)
            .unwrap();
        let mut one = edit("refs/heads/main", None, Some(at.manifest.generation + 100));
        one.expected = Expected::Exactly(now);
        at = next(Some(&at), &push(vec![one])).0;
        assert!(at.manifest.generation < 1000, "the log never overflows");
    }
    // A merge does not wait for that, and leaves more behind.
    let new = NewPack {
        name: "e".repeat(40),
        size: 10,
        index: None,
        objects: 1,
    };
    let mut merge = plain.clone();
    merge.rework = Some(Rework {
        new: vec![pack_entry(&new, &at.manifest)],
        ..Rework::default()
    });
    let early = overflow(&at.manifest, &merge).unwrap().segment;
    assert!(0 < early && early < overflow(&at.manifest, &plain).unwrap().segment);
    let count = overflow(&at.manifest, &plain).unwrap().segment;
    let entries = &at.manifest.log.entries;
    let segment = SegmentRef {
        id: "c".repeat(32),
        first: entries[0].generation,
        last: entries[count - 1].generation,
        sha256: "d".repeat(64),
        size: 10,
    };
    let mut change = push(vec![edit("refs/heads/n", None, Some(1))]);
    change.segment = Some(segment.clone());
    let (after, _) = next(Some(&at), &change);
    assert_eq!(after.manifest.log.segments, std::slice::from_ref(&segment));
    assert_eq!(after.manifest.log.entries.len(), entries.len() - count + 1);
    // A second writer with a segment of the same entries leaves them alone.
    let mut late = push(vec![edit("refs/heads/m", None, Some(1))]);
    late.segment = Some(segment);
    assert_eq!(next(Some(&after), &late).0.manifest.log.segments.len(), 1);
}

#[test]
fn a_table_takes_the_inline_refs_and_later_moves_lie_over_it() {
    let edits: Vec<_> = (0..2000)
        .map(|n| edit(&format!("refs/tags/v{n:04}"), None, Some(n + 1)))
        .collect();
    let mut change = push(edits);
    let (preview, _) = next(None, &change);
    let (base, packed) = BaseTable::encode(preview.refs.iter()).unwrap();
    let table = TableRef {
        id: "e".repeat(32),
        sha256: "f".repeat(64),
        size: packed.len() as u64,
        count: base.count(),
    };
    change.table = Some((table.clone(), base));
    let (at, _) = next(None, &change);
    assert_eq!(
        (at.manifest.base.as_ref(), at.manifest.updates.len()),
        (Some(&table), 0)
    );
    assert_eq!(at.refs.count(), 2000);
    let (after, _) = next(
        Some(&at),
        &push(vec![edit("refs/tags/v0003", Some(4), None)]),
    );
    assert_eq!(
        (after.refs.count(), after.manifest.updates.len()),
        (1999, 1)
    );
}

#[test]
fn a_branch_at_an_old_commit_is_pushed_again_when_gc_may_have_dropped_that() {
    let mut at = start();
    let mut change = push(vec![edit("refs/heads/new", None, Some(2))]);
    change.basis = Basis {
        at: Some((at.manifest.repository.clone(), at.manifest.epoch)),
        haves: vec![oid(2)],
    };
    next(Some(&at), &change);
    at.manifest.epoch += 1;
    next(Some(&at), &change); // a/b still names it
    at = next(
        Some(&at),
        &push(vec![edit("refs/heads/a/b", Some(2), None)]),
    )
    .0;
    at.manifest.epoch += 1;
    assert!(matches!(apply(Some(&at), &change), Ok(Applied::Remake)));
}

#[test]
fn what_an_annotated_tag_points_at_is_in_the_bucket() {
    let mut tag = edit("refs/tags/v1", None, Some(7));
    tag.new = Some(RefValue {
        oid: oid(7),
        peeled: Some(oid(8)),
    });
    let mut at = next(Some(&start()), &push(vec![tag])).0;
    let mut change = push(vec![edit("refs/heads/new", None, Some(8))]);
    change.basis = Basis {
        at: Some((at.manifest.repository.clone(), at.manifest.epoch)),
        haves: vec![oid(8)],
    };
    at.manifest.epoch += 1;
    next(Some(&at), &change);
}

#[test]
fn a_repository_that_somebody_else_made_meanwhile_is_left_as_it_is() {
    let at = start();
    let mut other = edit("refs/heads/new", None, None);
    let oid = ObjectId::from_hex("5".repeat(64).as_bytes()).unwrap();
    other.new = Some(RefValue::plain(oid));
    let change = push(vec![other]);
    let error = apply(Some(&at), &change).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let mut init = push(Vec::new());
    init.what = "init".to_owned();
    init.head = HeadChange::Set(name("refs/heads/theirs"));
    let done = apply(Some(&at), &init);
    assert!(matches!(done, Ok(Applied::Nothing(_))), "their HEAD stays");
}

/// What a change comes to, where it may come to nothing.
fn outcomes(current: &Snapshot, change: &Change) -> Vec<Outcome> {
    match apply(Some(current), change).unwrap() {
        Applied::Nothing(outcomes) | Applied::Next(_, _, outcomes) => outcomes,
        Applied::Remake => panic!("nothing was dropped"),
    }
}

/// As [`start`], with `main` protected.
fn protected() -> Snapshot {
    let mut change = push(Vec::new());
    "protect".clone_into(&mut change.what);
    change.settings = vec![SettingEdit::Protect("refs/heads/main".to_owned())];
    next(Some(&start()), &change).0
}

#[test]
fn a_protected_ref_advances_and_does_nothing_else() {
    let at = protected();
    assert_eq!(at.manifest.requires, ["protected-refs"]);
    let advance = edit("refs/heads/main", Some(1), Some(9));
    let rewind = RefEdit {
        continues: false,
        ..advance.clone()
    };
    let delete = edit("refs/heads/main", Some(1), None);
    let refused = |deletion| vec![Outcome::Refused(Refusal::Protected { deletion })];
    for (edit, outcome) in [
        (&advance, vec![Outcome::Updated]),
        (&rewind, refused(false)),
        (&delete, refused(true)),
    ] {
        assert_eq!(outcomes(&at, &push(vec![edit.clone()])), outcome);
    }
    // What is not protected is as free as ever, and so is one that does not move.
    let free = RefEdit {
        continues: false,
        ..edit("refs/heads/a/b", Some(2), Some(9))
    };
    let same = RefEdit {
        continues: false,
        ..edit("refs/heads/main", Some(1), Some(1))
    };
    assert_eq!(
        outcomes(&at, &push(vec![free, same, rewind.clone()])),
        [vec![Outcome::Updated, Outcome::UpToDate], refused(false)].concat()
    );
    // A stale edit is told as such first: to fetch is what helps.
    let stale = RefEdit {
        continues: false,
        ..edit("refs/heads/main", Some(7), Some(9))
    };
    assert_eq!(
        outcomes(&at, &push(vec![stale])),
        [Outcome::Refused(Refusal::FetchFirst)]
    );
    let mut atomic = push(vec![edit("refs/heads/new", None, Some(9)), delete.clone()]);
    atomic.atomic = true;
    assert_eq!(
        outcomes(&at, &atomic),
        [
            vec![Outcome::Refused(Refusal::AtomicPushFailed)],
            refused(true)
        ]
        .concat()
    );
}

#[test]
fn protection_is_overridden_by_a_push_option_that_the_log_keeps() {
    let mut change = push(vec![edit("refs/heads/main", Some(1), None)]);
    change.options = vec!["override-protection".to_owned()];
    let (at, outcomes) = next(Some(&protected()), &change);
    assert_eq!(outcomes, [Outcome::Updated]);
    let entry = at.manifest.log.entries.last().unwrap();
    assert_eq!(entry.options, ["override-protection"]);
}

#[test]
fn a_push_that_overlaps_a_protection_is_judged_by_the_newest_manifest() {
    let rewind = RefEdit {
        continues: false,
        ..edit("refs/heads/main", Some(1), Some(9))
    };
    let change = push(vec![rewind]);
    assert_eq!(outcomes(&start(), &change), [Outcome::Updated]);
    assert_eq!(
        outcomes(&protected(), &change),
        [Outcome::Refused(Refusal::Protected { deletion: false })]
    );
}

#[test]
fn a_protected_ref_can_be_made() {
    let mut at = protected();
    at.manifest
        .change_setting(&SettingEdit::Protect("refs/heads/release/*".to_owned()))
        .unwrap();
    let made = RefEdit {
        continues: false,
        ..edit("refs/heads/release/1", None, Some(9))
    };
    assert_eq!(outcomes(&at, &push(vec![made])), [Outcome::Updated]);
}
