//! Two and three clients that commit at once, in every order of their store calls.
//!
//! No git: a commit is a small thing, so all its orders can be tried. Each test says how
//! many schedules ran; `exhaustive` means that they stand for every order there is.

use crate::it::commit_world::{
    Answer, bucket, change, commit, edit, kept, name, oid, outcomes, pack, rewrite, upload,
};
use crate::it::ledger::{self, Ledger};
use crate::it::world;
use futures_util::FutureExt;
use pail::format::keys;
use pail::format::manifest::{Condemned, Why};
use pail::refs::{Outcome, RefEdit, Refusal};
use pail::store::Store;
use pail::store::adapter::memory::Memory;
use pail::transaction::{Basis, Change, Committed};
use pail::{ErrorKind, ObjectFormat};
use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use testkit::fault::{Fault, FaultStore, IgnoresConditions, Rule};
use testkit::interleave::{Client, Explore, Explored, client};
use testkit::tap::Verb;

/// More than any of these worlds has, but for those with three clients and faults.
const LIMIT: usize = 20_000;

/// A bucket and what each client does there.
#[derive(Default)]
struct World {
    base: Vec<RefEdit>,
    changes: Vec<Change>,
    /// What goes wrong for the client of the same place.
    faults: Vec<Vec<Rule>>,
    ignores_conditions: bool,
}

impl World {
    /// Clients that each make these edits, after the base was committed one by one.
    fn new(base: &[RefEdit], clients: &[&[RefEdit]]) -> Self {
        Self {
            base: base.to_vec(),
            changes: (1..)
                .zip(clients)
                .map(|(number, edits)| change(number, edits))
                .collect(),
            ..Self::default()
        }
    }

    fn atomic(mut self) -> Self {
        self.changes
            .iter_mut()
            .for_each(|change| change.atomic = true);
        self
    }

    fn faulty(mut self, faults: Vec<Vec<Rule>>) -> Self {
        self.faults = faults;
        self
    }

    /// Every order. Law 5 is checked after each; the rest is up to `check`.
    async fn explore(&self, check: impl Fn(&Ledger, &[Answer])) -> Explored {
        let clients: Vec<Client<'_, (), Answer>> = (0..)
            .zip(&self.changes)
            .map(|(number, change)| {
                let rules = self.faults.get(number).cloned().unwrap_or_default();
                client(move |store, _| {
                    let store = FaultStore::scripted(store, rules.clone());
                    async move {
                        let done = commit(&store, number as u64, change).await;
                        (change.edits.to_vec(), done)
                    }
                })
            })
            .collect();
        let setup = async || {
            let memory: Arc<dyn Store> = Arc::new(bucket(&self.base).await);
            if self.ignores_conditions {
                (
                    Arc::new(IgnoresConditions::new(memory)) as Arc<dyn Store>,
                    (),
                )
            } else {
                (memory, ())
            }
        };
        Explore::up_to(LIMIT)
            .run(setup, &clients, async |store, _, answers, _| {
                let Some(ledger) = ledger::read(&*store).await else {
                    assert!(answers.iter().all(|(_, answer)| answer.is_err()));
                    return;
                };
                kept(&ledger, self.base.len(), &answers);
                check(&ledger, &answers);
            })
            .await
    }
}

/// Says how far a search came; it must have come somewhere.
fn ran(what: &str, explored: Explored) {
    eprintln!(
        "schedules: {} ({}, up to {} steps): {what}",
        explored.runs,
        if explored.exhaustive {
            "exhaustive"
        } else {
            "drawn"
        },
        explored.steps
    );
    assert!(explored.runs > 0);
}

/// As [`ran`], of a search that must have seen every order.
fn ran_all(what: &str, explored: Explored) {
    ran(what, explored);
    assert!(explored.exhaustive, "{what}: {explored:?}");
}

fn count(answers: &[Answer], wanted: &Outcome) -> usize {
    let all = answers.iter().flat_map(outcomes);
    all.filter(|outcome| *outcome == wanted).count()
}

#[tokio::test(start_paused = true)]
async fn commits_to_refs_of_their_own_all_get_in() {
    let edits: Vec<_> = ["a", "b", "c"]
        .map(|short| edit(short, ' ', short.chars().next().unwrap()))
        .into();
    for (base, clients) in [(0, 2), (0, 3), (1, 2), (1, 3)] {
        let base = &[edit("main", ' ', 'm')][..base];
        let clients: Vec<_> = edits[..clients].iter().map(std::slice::from_ref).collect();
        let explored = World::new(base, &clients)
            .explore(|ledger, answers| {
                assert_eq!(count(answers, &Outcome::Updated), clients.len());
                assert_eq!(ledger.refs().len(), base.len() + clients.len());
                assert_eq!(ledger.entries.len(), base.len() + clients.len());
            })
            .await;
        let what = format!(
            "{} refs of their own over {} commits",
            clients.len(),
            base.len()
        );
        ran_all(&what, explored);
    }
}

#[tokio::test(start_paused = true)]
async fn of_commits_to_one_ref_one_wins_and_the_others_are_told_to_fetch_first() {
    let rivals = ['a', 'b', 'c'];
    for (from, clients) in [(' ', 2), (' ', 3), ('m', 2), ('m', 3)] {
        let base: Vec<_> = (from != ' ')
            .then(|| edit("main", ' ', from))
            .into_iter()
            .collect();
        let edits: Vec<_> = rivals[..clients]
            .iter()
            .map(|to| [edit("main", from, *to)])
            .collect();
        let edits: Vec<&[RefEdit]> = edits.iter().map(|one| &one[..]).collect();
        let winners = RefCell::new(std::collections::BTreeSet::new());
        let explored = World::new(&base, &edits)
            .explore(|ledger, answers| {
                assert_eq!(count(answers, &Outcome::Updated), 1);
                let lost = Outcome::Refused(Refusal::FetchFirst);
                assert_eq!(count(answers, &lost), clients - 1);
                assert_eq!(ledger.entries.len(), base.len() + 1);
                winners.borrow_mut().insert(ledger.refs()[&name("main")]);
            })
            .await;
        assert_eq!(winners.borrow().len(), clients, "anyone may win");
        ran_all(
            &format!("{clients} rivals of one ref, from '{from}'"),
            explored,
        );
    }
}

#[tokio::test(start_paused = true)]
async fn two_who_make_the_same_thing_agree() {
    let same = [edit("main", ' ', 'a')];
    let explored = World::new(&[], &[&same, &same])
        .explore(|ledger, answers| {
            assert_eq!(count(answers, &Outcome::Updated), 1);
            assert_eq!(count(answers, &Outcome::UpToDate), 1);
            assert_eq!(ledger.entries.len(), 1);
        })
        .await;
    ran_all("two that make the same ref", explored);
    let tags = [
        [edit("refs/tags/v", ' ', 'a')],
        [edit("refs/tags/v", ' ', 'b')],
    ];
    let explored = World::new(&[edit("main", ' ', 'm')], &[&tags[0], &tags[1]])
        .explore(|_, answers| {
            let lost = Outcome::Refused(Refusal::AlreadyExists);
            assert_eq!(count(answers, &lost), 1);
        })
        .await;
    ran_all("two that make the same tag", explored);
}

#[tokio::test(start_paused = true)]
async fn atomic_commits_are_made_whole_or_not_at_all() {
    let base = [
        edit("a", ' ', '1'),
        edit("b", ' ', '2'),
        edit("c", ' ', '3'),
    ];
    let first = [edit("a", '1', 'p'), edit("b", '2', 'q')];
    let second = [edit("b", '2', 'r'), edit("c", '3', 's')];
    let explored = World::new(&base, &[&first, &second])
        .atomic()
        .explore(|ledger, answers| {
            assert_eq!(count(answers, &Outcome::Updated), 2, "{answers:?}");
            for answer in answers {
                let won = outcomes(answer).contains(&Outcome::Updated);
                let refused = Outcome::Refused(Refusal::AtomicPushFailed);
                assert_eq!(outcomes(answer).contains(&refused), !won);
            }
            assert_eq!(ledger.entries.len(), 4);
        })
        .await;
    ran_all("two atomic pairs that share a ref", explored);
    let explored = World::new(&base, &[&first, &second])
        .explore(|ledger, answers| {
            assert_eq!(count(answers, &Outcome::Updated), 3);
            assert_eq!(ledger.entries.len(), 5);
        })
        .await;
    ran_all("two pairs that share a ref", explored);
}

#[tokio::test(start_paused = true)]
async fn a_delete_and_an_update_of_one_ref_exclude_each_other() {
    let base = [edit("main", ' ', 'm'), edit("side", ' ', 's')];
    let (delete, update) = ([edit("side", 's', ' ')], [edit("side", 's', 't')]);
    let explored = World::new(&base, &[&delete, &update])
        .explore(|ledger, answers| {
            assert_eq!(count(answers, &Outcome::Updated), 1);
            assert_eq!(count(answers, &Outcome::Refused(Refusal::FetchFirst)), 1);
            assert_eq!(ledger.entries.len(), 3);
        })
        .await;
    ran_all("a delete and an update", explored);
    let under = [edit("side/b", ' ', 'u')];
    let seen = Cell::new((0, 0));
    let explored = World::new(&base, &[&delete, &under])
        .explore(|_, answers| {
            let (both, one) = seen.get();
            match outcomes(&answers[1]) {
                [Outcome::Updated] => seen.set((both + 1, one)),
                [Outcome::Refused(Refusal::Conflict { .. })] => seen.set((both, one + 1)),
                other => panic!("{other:?}"),
            }
        })
        .await;
    let (both, one) = seen.get();
    assert!(both > 0 && one > 0, "the order decides: {both}, {one}");
    ran_all("a delete of a and a creation of a/b", explored);
}

#[tokio::test(start_paused = true)]
async fn two_formats_do_not_meet_in_one_repository() {
    let hex = "5".repeat(64);
    let mut other = edit("side", ' ', 'x');
    other.new = Some(pail::refs::RefValue::plain(hex.parse().unwrap()));
    let mut world = World::new(&[], &[&[edit("main", ' ', 'm')], &[other]]);
    world.changes[1].create.1 = ObjectFormat::Sha256;
    let explored = world
        .explore(|ledger, answers| {
            assert_eq!(
                ledger.entries.len(),
                1,
                "one repository was made, of one format"
            );
            let made = |answer: &Answer| matches!(&answer.1, Ok(Committed::Done(..)));
            let refused = |answer: &Answer| matches!(&answer.1, Err(error) if error.kind() == ErrorKind::Invalid);
            assert_eq!(answers.iter().filter(|answer| made(answer)).count(), 1);
            assert_eq!(answers.iter().filter(|answer| refused(answer)).count(), 1);
        })
        .await;
    ran_all("two formats in an empty bucket", explored);
}

/// The ways in which one reply of a client gets lost or one call fails.
fn faults() -> Vec<(&'static str, Vec<Rule>)> {
    let put = |fault| Rule::new(fault).verb(Verb::Put).key(keys::MANIFEST);
    let get = |fault| Rule::new(fault).verb(Verb::Get).key(keys::MANIFEST);
    let doubt = Fault::Before(ErrorKind::InDoubt);
    let down = Fault::Before(ErrorKind::Unavailable);
    vec![
        ("the first reply is lost", vec![put(Fault::After)]),
        (
            "the first two replies are lost",
            vec![put(Fault::After).times(2)],
        ),
        ("the second reply is lost", vec![put(Fault::After).nth(2)]),
        ("the first write is in doubt and not made", vec![put(doubt)]),
        (
            "two writes are in doubt and not made",
            vec![put(doubt).times(2)],
        ),
        ("the first write is turned away", vec![put(down)]),
        (
            "in doubt and not made, then made and the reply lost",
            vec![put(doubt), put(Fault::After)],
        ),
        (
            "a lost reply, and the first read back fails",
            vec![put(Fault::After), get(down).nth(2)],
        ),
        (
            "a lost reply, and reading back fails for good",
            vec![put(Fault::After), get(down).nth(2).always()],
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn lost_replies_lose_no_commit_in_any_order() {
    let base = [edit("main", ' ', 'm')];
    let apart = [vec![edit("a", ' ', 'a')], vec![edit("b", ' ', 'b')]];
    let rivals = [vec![edit("main", 'm', 'a')], vec![edit("main", 'm', 'b')]];
    let mut total = 0;
    for (who, clients) in [("apart", &apart), ("rivals", &rivals)] {
        for base in [&base[..], &[]] {
            if base.is_empty() && who == "rivals" {
                continue;
            }
            for (what, rules) in faults() {
                let unreadable = what.ends_with("for good");
                for both in [false, true] {
                    let other = if both { rules.clone() } else { Vec::new() };
                    let explored = World::new(base, &[&clients[0], &clients[1]])
                        .faulty(vec![rules.clone(), other])
                        .explore(|_, answers| {
                            for (_, answer) in answers {
                                match answer {
                                    Ok(_) => {}
                                    Err(error) if unreadable => {
                                        let doubt = ErrorKind::InDoubt;
                                        let down = ErrorKind::Unavailable;
                                        assert!([doubt, down].contains(&error.kind()));
                                    }
                                    Err(error) => panic!("could have known: {error}"),
                                }
                            }
                            if !unreadable {
                                let wanted = if who == "apart" { 2 } else { 1 };
                                assert_eq!(count(answers, &Outcome::Updated), wanted);
                            }
                        })
                        .await;
                    assert!(explored.exhaustive, "{who}, {what}: {explored:?}");
                    total += explored.runs;
                }
            }
        }
    }
    eprintln!("schedules: {total} (exhaustive): two clients, lost replies");
    assert!(total > 0);
}

#[tokio::test(start_paused = true)]
async fn heavy_lost_replies_of_three_clients_lose_no_commit() {
    let base = [edit("main", ' ', 'm')];
    let edits = ['a', 'b', 'c'].map(|letter| [edit(&letter.to_string(), ' ', letter)]);
    for (what, rules) in faults() {
        if what.ends_with("for good") {
            continue;
        }
        let explored = World::new(&base, &[&edits[0], &edits[1], &edits[2]])
            .faulty(vec![rules.clone(), rules, Vec::new()])
            .explore(|ledger, answers| {
                assert_eq!(count(answers, &Outcome::Updated), 3);
                assert_eq!(ledger.entries.len(), 4);
            })
            .await;
        ran(&format!("three clients, two of them so: {what}"), explored);
    }
}

/// A world that lost a letter: refs `main` with pack m and `side` with pack s. One client
/// deletes `side`, and gc drops pack s; the other makes `topic`, which relies on s.
async fn drop_and_push(push: &Change, relies: bool) -> (Explored, usize, usize) {
    let setup = async || {
        let memory = Memory::new();
        for (seed, (short, letter)) in (1000..).zip([("main", 'm'), ("side", 's')]) {
            upload(&memory, letter).await.unwrap();
            let mut change = change(seed, &[edit(short, ' ', letter)]);
            change.pack = Some(pack(letter));
            commit(&memory, seed, &change).await.unwrap();
        }
        upload(&memory, 't').await.unwrap();
        (Arc::new(memory) as Arc<dyn Store>, ())
    };
    let clients: Vec<Client<'_, (), Answer>> = vec![
        client(|store: Arc<dyn Store>, _| async move {
            let delete = change(1, &[edit("side", 's', ' ')]);
            let done = commit(&*store, 1, &delete).await;
            // What gc does: nothing is dropped that a ref of the newest manifest needs.
            let drop = |manifest: &mut pail::format::Manifest| {
                let topic = manifest.updates.contains_key(&name("topic"));
                if topic {
                    return false;
                }
                manifest.epoch += 1;
                let gone = pack('s').name;
                manifest.packs.retain(|pack| pack.name != gone);
                // What remains covers what it did.
                manifest.packs[0].to = 2;
                let mut condemned = vec![keys::pack(&gone).unwrap()];
                if !relies {
                    // A leftover, as it seems: nothing names it and it is old.
                    condemned.push(keys::pack(&pack('t').name).unwrap());
                }
                manifest
                    .condemned
                    .extend(condemned.into_iter().map(|key| Condemned {
                        key: key.as_str().to_owned(),
                        generation: manifest.generation,
                        time: 0,
                        why: Why::Dropped,
                    }));
                true
            };
            rewrite(&*store, 7, "gc", drop).await.unwrap();
            (delete.edits.to_vec(), done)
        }),
        client(|store, _| async move { (push.edits.to_vec(), commit(&*store, 2, push).await) }),
    ];
    let seen = Cell::new((0, 0));
    let explored = Explore::up_to(LIMIT)
        .run(setup, &clients, async |store, _, answers, _| {
            let ledger = ledger::read(&*store).await.unwrap();
            kept(&ledger, 2, &answers);
            let packs = &ledger.snapshot.manifest.packs;
            let dropped = !packs.iter().any(|one| one.name == pack('s').name);
            let (done, again) = seen.get();
            match &answers[1].1 {
                Ok(Committed::Done(outcomes, _)) => {
                    assert_eq!(outcomes[..], [Outcome::Updated]);
                    assert!(!dropped, "topic stands and what it needs was dropped");
                    seen.set((done + 1, again));
                }
                Ok(Committed::Remake(at)) => {
                    assert!(
                        dropped,
                        "nothing was dropped, and the push is told to do it again"
                    );
                    assert!(at.is_some());
                    assert!(!ledger.refs().contains_key(&name("topic")));
                    seen.set((done, again + 1));
                }
                Err(error) => panic!("{error}"),
            }
        })
        .await;
    let (done, again) = seen.get();
    (explored, done, again)
}

/// The world before the push, as the pusher knew it when it packed.
async fn known(haves: &[char]) -> Basis {
    let memory = bucket(&[edit("main", ' ', 'm'), edit("side", ' ', 's')]).await;
    let at = ledger::read(&memory).await.unwrap().snapshot;
    Basis {
        at: Some((at.manifest.repository, at.manifest.epoch)),
        haves: haves.iter().map(|letter| oid(*letter)).collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_that_relies_on_what_gc_dropped_is_made_again() {
    let mut push = change(2, &[edit("topic", ' ', 't')]);
    push.pack = Some(pack('t'));
    push.basis = known(&['m', 's']).await;
    let (explored, done, again) = drop_and_push(&push, true).await;
    assert!(done > 0 && again > 0, "both happen: {done}, {again}");
    ran_all("gc of what a pack leaves out", explored);
}

#[tokio::test(start_paused = true)]
async fn a_push_without_a_pack_relies_on_the_bucket_too() {
    let mut push = change(2, &[edit("topic", ' ', 's')]);
    push.basis = known(&['s']).await;
    let (explored, done, again) = drop_and_push(&push, true).await;
    assert!(done > 0 && again > 0, "both happen: {done}, {again}");
    ran_all("gc of what a new branch names", explored);
}

#[tokio::test(start_paused = true)]
async fn a_push_whose_pack_was_condemned_is_made_again() {
    let mut push = change(2, &[edit("topic", ' ', 't')]);
    push.pack = Some(pack('t'));
    push.basis = known(&['m']).await;
    let (explored, done, again) = drop_and_push(&push, false).await;
    assert!(done > 0 && again > 0, "both happen: {done}, {again}");
    ran_all("gc that takes an upload for a leftover", explored);
}

#[tokio::test(start_paused = true)]
async fn of_those_who_make_a_repository_one_is_told_that_it_did() {
    let clients: Vec<Client<'_, (), bool>> = ["one", "two"]
        .into_iter()
        .enumerate()
        .map(|(seed, head)| {
            client(move |store, _| async move {
                let remote = world::remote(store, seed as u64, world::SMALL);
                let head = Some(name(head));
                remote
                    .init(ObjectFormat::Sha1, head, "A <a@b>".to_owned())
                    .await
                    .unwrap()
            })
        })
        .collect();
    let setup = async || (Arc::new(Memory::new()) as Arc<dyn Store>, ());
    let explored = Explore::up_to(LIMIT)
        .run(setup, &clients, async |store, _, made, _| {
            let ledger = ledger::read(&*store).await.unwrap();
            assert_eq!(ledger.entries.len(), 1);
            let heads = [name("one"), name("two")];
            let expected: Vec<_> = heads
                .iter()
                .map(|head| ledger.snapshot.manifest.head.as_ref() == Some(head))
                .collect();
            assert_eq!(made, expected);
        })
        .await;
    ran_all("two that make an empty repository", explored);
}

#[tokio::test(start_paused = true)]
async fn the_net_tears_on_a_store_that_ignores_conditions() {
    let mut world = World::new(
        &[edit("main", ' ', 'm')],
        &[&[edit("a", ' ', 'a')], &[edit("b", ' ', 'b')]],
    );
    world.ignores_conditions = true;
    let all = world.explore(|_, answers| assert_eq!(count(answers, &Outcome::Updated), 2));
    let torn = AssertUnwindSafe(all).catch_unwind().await;
    let why = torn.expect_err("a commit must be lost in some order");
    let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(why.contains("acknowledged and lost"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_looks_first_and_writes_then_loses_commits_too() {
    let memory = bucket(&[edit("main", ' ', 'm')]).await;
    let store = IgnoresConditions::looking_first(Arc::new(memory.clone()));
    let changes = [
        change(1, &[edit("a", ' ', 'a')]),
        change(2, &[edit("b", ' ', 'b')]),
    ];
    let (first, second) = tokio::join!(
        commit(&store, 1, &changes[0]),
        commit(&store, 2, &changes[1])
    );
    let answers = [
        (changes[0].edits.to_vec(), first),
        (changes[1].edits.to_vec(), second),
    ];
    assert_eq!(
        count(&answers, &Outcome::Updated),
        2,
        "both were acknowledged"
    );
    let ledger = ledger::read(&memory).await.unwrap();
    assert_eq!(ledger.refs().len(), 2, "main, and one of the two");
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused_at_the_first_push() {
    let dir = tempfile::tempdir().unwrap();
    let repo = testkit::repo::Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let memory = Memory::new();
    let store = Arc::new(IgnoresConditions::new(Arc::new(memory.clone())));
    assert!(store.capabilities().probe);
    let remote = world::remote(store, 1, world::SMALL);
    let spec = ["main:refs/heads/main"];
    let error = world::push(&remote, &repo, &spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let who = "A <a@b>".to_owned();
    let error = remote
        .init(ObjectFormat::Sha1, None, who)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(memory.files().is_empty(), "not even the scratch file stays");
}
