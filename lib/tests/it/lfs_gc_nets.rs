//! Gc of LFS objects and pushes that rely on them, in every order of their store calls: what a
//! push that went through names is in the bucket.

use pail::clock::Clock;
use pail::ids::Ids;
use pail::large_files::Swapper;
use pail::large_files::condemned::{Condemned, DEAD, Group, HOLD, Watch};
use pail::large_files::lfs::{self, Folder, Object, Oid};
use pail::progress::Quiet;
use pail::store::adapter::memory::Memory;
use pail::store::{Got, Limits, Precondition, Store, Want};
use pail::{ErrorKind, Key, Result};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use testkit::clock::HandClock;
use testkit::fault::{Fault, FaultStore, Rule};
use testkit::ids::SeededIds;
use testkit::interleave::{Client, Explore, client};
use testkit::tap::Verb;

/// The SHA-256 of "abc", from FIPS 180-2, appendix B.1.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// When all of this happens.
const NOW: i64 = 1_767_225_600;

fn abc() -> Object {
    Object {
        oid: ABC.parse().unwrap(),
        size: 3,
    }
}

/// Stands for the refs of the repository: it is there once the object is named.
fn refs() -> Key {
    Key::new("refs").unwrap()
}

fn list<'a>(store: &'a dyn Store, ids: &'a SeededIds) -> Condemned<'a> {
    Condemned {
        swapper: Swapper {
            store,
            ids,
            lease: false,
        },
        leased: false,
    }
}

/// A bucket with the object, which was condemned at this time.
async fn bucket(since: Option<i64>) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let key = abc().oid.key().unwrap();
    let put = store.put(&key, "abc".into(), Precondition::Absent).await;
    let _ = put.unwrap();
    if let Some(since) = since {
        condemn(&*store, 90, since).await.unwrap();
    }
    store
}

async fn condemn(store: &dyn Store, seed: u64, since: i64) -> Result<()> {
    let group = Group {
        since,
        oids: [abc().oid].into(),
    };
    let ids = SeededIds::new(seed);
    let nothing = BTreeSet::new();
    list(store, &ids).condemn(&[group], &nothing, since).await
}

async fn has(store: &dyn Store, key: &Key) -> Result<bool> {
    Ok(matches!(store.get(key, Want::all()).await?, Got::Found(_)))
}

/// The second run of gc: deletes the object if it is due and nothing names it.
async fn collect(store: &dyn Store, seed: u64, now: i64) -> Result<BTreeSet<Oid>> {
    let (ids, clock) = (SeededIds::new(seed), HandClock::at(now));
    let oids = BTreeSet::from([abc().oid]);
    let needed = async || {
        let named = has(store, &refs()).await?;
        Ok(if named { oids.clone() } else { BTreeSet::new() })
    };
    let clock: &dyn Clock = &clock;
    let list = list(store, &ids);
    // As a run does that finds the marks of a dead one.
    list.condemn(&[], &BTreeSet::new(), now).await?;
    list.delete(&oids, (now, clock), false, needed).await
}

/// A push of a commit that names the object.
async fn push(store: Arc<dyn Store>, seed: u64, dir: &Path) -> Result<()> {
    let ids: Arc<dyn Ids> = Arc::new(SeededIds::new(seed));
    let clock: Arc<dyn Clock> = Arc::new(HandClock::at(NOW));
    let folder = Folder::new(dir.join("pail"), Arc::clone(&ids), Arc::clone(&clock));
    let watch = Watch::new(Arc::clone(&store), ids, clock, false);
    let object = abc();
    watch.spare(&object.oid).await?;
    let (limits, file) = (Limits::default(), dir.join("abc"));
    let _ = lfs::put(&*store, &object, &file, limits, &Quiet, &folder).await?;
    let done = store.put(&refs(), "abc".into(), Precondition::Always).await;
    done.map(|_| ())
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Pushed(std::result::Result<(), ErrorKind>),
    Collected(std::result::Result<usize, ErrorKind>),
}

fn pushing(seed: u64, dir: &Path, rules: Vec<Rule>) -> Client<'_, (), Said> {
    client(move |store, _| {
        let store = Arc::new(FaultStore::scripted(store, rules.clone()));
        async move { Said::Pushed(push(store, seed, dir).await.map_err(|error| error.kind())) }
    })
}

fn collecting<'a>(seed: u64, rules: Vec<Rule>) -> Client<'a, (), Said> {
    client(move |store, _| {
        let store = FaultStore::scripted(store, rules.clone());
        async move {
            let gone = collect(&store, seed, NOW).await;
            Said::Collected(gone.map(|gone| gone.len()).map_err(|error| error.kind()))
        }
    })
}

/// What must hold whatever happened: what is named is there.
async fn check(store: &dyn Store, said: &[Said]) {
    let named = has(store, &refs()).await.unwrap();
    let there = has(store, &abc().oid.key().unwrap()).await.unwrap();
    assert!(there || !named, "lost: {said:?}");
    for one in said {
        if let Said::Pushed(done) = one {
            assert!(
                matches!(done, Ok(()) | Err(ErrorKind::Unavailable)),
                "{said:?}"
            );
            assert!(done.is_err() || named, "{said:?}");
        }
    }
}

/// After all that: a later run finds nothing marked, and takes only what nobody names.
async fn check_later(store: &Arc<dyn Store>, dir: &Path) {
    let named = has(&**store, &refs()).await.unwrap();
    let _ = collect(&**store, 80, NOW + DEAD).await.unwrap();
    let gone = collect(&**store, 81, NOW + DEAD + HOLD).await.unwrap();
    let ids = SeededIds::new(82);
    let now = list(&**store, &ids).read().await.unwrap();
    assert!(now.is_none_or(|list| list.going.is_none()));
    if named {
        assert!(gone.is_empty());
        check(&**store, &[]).await;
    }
    push(Arc::clone(store), 83, dir).await.unwrap();
    check(&**store, &[]).await;
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("abc"), "abc").unwrap();
    dir
}

fn lost_put(nth: usize) -> Rule {
    Rule::new(Fault::After).verb(Verb::Put).nth(nth)
}

#[tokio::test(start_paused = true)]
async fn a_push_and_gc_of_what_it_needs() {
    let dir = folder();
    let at = dir.path();
    for (pushes, collects) in [
        (vec![], vec![]),
        (vec![lost_put(1)], vec![]),
        (vec![], vec![lost_put(1)]),
        (vec![], vec![lost_put(2)]),
    ] {
        let clients = [pushing(1, at, pushes.clone()), collecting(2, collects)];
        let setup = async || (bucket(Some(NOW - HOLD)).await, ());
        let explored = Explore::up_to(5_000)
            .run(setup, &clients, async |store, (), said, _| {
                check(&*store, &said).await;
                if pushes.is_empty() {
                    check_later(&store, at).await;
                }
            })
            .await;
        assert!(explored.exhaustive && explored.runs > 5, "{explored:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_and_gc_that_dies_at_any_of_its_requests() {
    let dir = folder();
    let at = dir.path();
    for nth in 1..=7 {
        let dead = Rule::new(Fault::Before(ErrorKind::Denied))
            .nth(nth)
            .always();
        let clients = [pushing(1, at, Vec::new()), collecting(2, vec![dead])];
        let setup = async || (bucket(Some(NOW - HOLD)).await, ());
        let explored = Explore::up_to(5_000)
            .run(setup, &clients, async |store, (), said, _| {
                check(&*store, &said).await;
                check_later(&store, at).await;
            })
            .await;
        assert!(explored.exhaustive, "{explored:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_and_two_runs_of_gc() {
    let dir = folder();
    let at = dir.path();
    let clients = [
        pushing(1, at, Vec::new()),
        collecting(2, Vec::new()),
        collecting(3, Vec::new()),
    ];
    let setup = async || (bucket(Some(NOW - HOLD)).await, ());
    let explored = Explore::up_to(1_000)
        .run(setup, &clients, async |store, (), said, _| {
            check(&*store, &said).await;
            check_later(&store, at).await;
        })
        .await;
    assert!(explored.runs > 100, "{explored:?}");
}

#[tokio::test(start_paused = true)]
async fn a_push_that_looked_before_the_object_was_condemned_has_a_day() {
    let dir = folder();
    let at = dir.path();
    let clients = [
        pushing(1, at, Vec::new()),
        client(|store, _| async move {
            Said::Collected(
                condemn(&*store, 2, NOW)
                    .await
                    .map(|()| 0)
                    .map_err(|e| e.kind()),
            )
        }),
    ];
    let setup = async || (bucket(None).await, ());
    let explored = Explore::up_to(5_000)
        .run(setup, &clients, async |store, (), said, _| {
            check(&*store, &said).await;
            assert_eq!(said[0], Said::Pushed(Ok(())));
            let early = collect(&*store, 3, NOW + HOLD - 1).await.unwrap();
            assert!(early.is_empty());
            let due = collect(&*store, 4, NOW + HOLD).await.unwrap();
            assert!(due.is_empty(), "it is named by then");
        })
        .await;
    assert!(explored.exhaustive && explored.runs > 1, "{explored:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_being_deleted_by_a_run_that_died_is_told() {
    let dir = folder();
    let store = bucket(Some(NOW - HOLD)).await;
    let ids = SeededIds::new(2);
    let oids = BTreeSet::from([abc().oid]);
    let marked = list(&*store, &ids).mark("1", &oids, NOW, false).await;
    assert_eq!(marked.unwrap(), oids);
    let error = push(Arc::clone(&store), 1, dir.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("is deleting"), "{error}");
    assert!(!has(&*store, &refs()).await.unwrap());
    // Nobody else deletes meanwhile; after an hour the next one goes on.
    let busy = collect(&*store, 3, NOW + DEAD - 1).await.unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Stale);
    assert_eq!(collect(&*store, 4, NOW + DEAD).await.unwrap(), oids);
    push(Arc::clone(&store), 5, dir.path()).await.unwrap();
    check(&*store, &[]).await;
}

#[tokio::test]
async fn a_run_that_was_held_up_deletes_nothing_more() {
    let store = bucket(Some(NOW - HOLD)).await;
    let (ids, clock) = (SeededIds::new(2), HandClock::at(NOW));
    let oids = BTreeSet::from([abc().oid]);
    // The machine slept while the histories were read.
    let needed = async || {
        clock.advance(DEAD / 2);
        Ok(BTreeSet::new())
    };
    let list = list(&*store, &ids);
    let error = list.delete(&oids, (NOW, &clock), false, needed).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(has(&*store, &abc().oid.key().unwrap()).await.unwrap());
}

#[tokio::test]
async fn a_list_that_was_read_counts_for_an_hour() {
    let store = bucket(None).await;
    let clock = HandClock::at(NOW);
    let ids = Arc::new(SeededIds::new(1));
    let watch = Watch::new(Arc::clone(&store), ids, Arc::new(clock.clone()), false);
    let listed = async || {
        let ids = SeededIds::new(3);
        let now = list(&*store, &ids).read().await.unwrap().unwrap();
        now.since(&abc().oid).is_some()
    };
    watch.spare(&abc().oid).await.unwrap();
    condemn(&*store, 2, NOW).await.unwrap();
    clock.advance(3_599);
    watch.spare(&abc().oid).await.unwrap();
    assert!(listed().await);
    clock.advance(1);
    watch.spare(&abc().oid).await.unwrap();
    assert!(!listed().await);
}
