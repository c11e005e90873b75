//! Commits under a lease, in buckets that cannot compare and swap.

use crate::it::commit_world::{Answer, change, commit, edit, kept, outcomes};
use crate::it::{ledger, world};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use pail::refs::{Outcome, RefEdit};
use pail::store::adapter::memory::Memory;
use pail::store::{Capabilities, ConditionalPut, Got, Listed, Precondition, Put, Store, Want};
use pail::transaction::{Change, Committed, Effort, Promise, Writes, examine, lease, probe};
use pail::{ErrorKind, Key, Result};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use testkit::crash::at_every_call;
use testkit::fault::{Fault, FaultStore, IgnoresConditions, Rule};
use testkit::ids::SeededIds;
use testkit::interleave::{Client, Explore, client};
use testkit::tap::{Call, Tap, Tapped, Verb};
use testkit::twist::{Twist, Twisted};
use tokio::time::Instant;

/// A change by a client that takes the lease.
fn leased(number: u64, edits: &[RefEdit]) -> Change {
    Change {
        lease: true,
        ..change(number, edits)
    }
}

/// A bucket that ignores conditions, with a repository in which one branch was made.
async fn bucket() -> Arc<dyn Store> {
    let store = Arc::new(IgnoresConditions::new(Arc::new(Memory::new())));
    let done = commit(&*store, 1000, &leased(1000, &[edit("main", ' ', 'm')])).await;
    assert!(matches!(done, Ok(Committed::Done(..))), "{done:?}");
    store
}

async fn claims(store: &dyn Store) -> Vec<String> {
    let files = store.list("pail/lease/", None).map_ok(|file| file.key);
    files.try_collect().await.unwrap()
}

/// Sees whether a manifest went out so late that others took its writer for dead.
#[derive(Debug, Default)]
struct Watch {
    since: Mutex<Option<Instant>>,
    overdue: Arc<AtomicBool>,
}

#[async_trait]
impl Tap for Watch {
    async fn before(&self, call: &Call) -> Result<()> {
        if call.verb == Verb::Put && call.key.starts_with("pail/lease/") {
            *self.since.lock().unwrap() = Some(Instant::now());
        }
        Ok(())
    }

    async fn after(&self, call: &Call) -> Result<()> {
        let since = *self.since.lock().unwrap();
        let late = since.is_some_and(|since| since.elapsed() >= lease::DEAD);
        if call.verb == Verb::Put && call.key == "pail/manifest.json" && late {
            self.overdue.store(true, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// Runs clients in many orders; Law 5 must hold in each in which no write was overdue.
/// Gives how many runs there were, and in how many a write was overdue.
async fn explore(changes: &[Change], limit: usize) -> (usize, usize) {
    let clients: Vec<Client<'_, Arc<AtomicBool>, Answer>> = (0..)
        .zip(changes)
        .map(|(number, change)| {
            client(move |store, overdue: std::rc::Rc<Arc<AtomicBool>>| {
                let watch = Arc::new(Watch {
                    since: Mutex::default(),
                    overdue: Arc::clone(&overdue),
                });
                let store = Tapped::new(store, watch);
                async move {
                    let done = commit(&store, number, change).await;
                    (change.edits.to_vec(), done)
                }
            })
        })
        .collect();
    let (runs, late) = (Cell::new(0), Cell::new(0));
    let setup = async || (bucket().await, Arc::new(AtomicBool::new(false)));
    Explore::up_to(limit)
        .run(setup, &clients, async |store, overdue, answers, _| {
            runs.set(runs.get() + 1);
            if overdue.load(Ordering::SeqCst) {
                late.set(late.get() + 1);
                return;
            }
            let ledger = ledger::read(&*store).await.unwrap();
            kept(&ledger, 1, &answers);
            assert!(answers.iter().all(|(_, answer)| answer.is_ok()));
            assert_eq!(claims(&*store).await, Vec::<String>::new());
        })
        .await;
    (runs.get(), late.get())
}

#[tokio::test(start_paused = true)]
async fn commits_under_the_lease_all_get_in() {
    let own: Vec<_> = [(1, "a", 'a'), (2, "b", 'b'), (3, "c", 'c')]
        .map(|(number, name, to)| leased(number, &[edit(name, ' ', to)]))
        .into();
    let rivals: Vec<_> = [(1, 'a'), (2, 'b')]
        .map(|(number, to)| leased(number, &[edit("main", 'm', to)]))
        .into();
    for (what, changes) in [
        ("two refs of their own", &own[..2]),
        ("three refs of their own", &own[..]),
        ("two rivals of one ref", &rivals[..]),
    ] {
        let (runs, late) = explore(changes, 200).await;
        eprintln!("schedules: {runs} (drawn), {late} with an overdue write: {what}");
        assert!(runs >= 100 && late < runs, "{what}: {late} of {runs}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_dies_anywhere_is_taken_for_dead_and_nothing_is_lost() {
    let first = leased(1, &[edit("a", ' ', 'a')]);
    let second = leased(2, &[edit("b", ' ', 'b')]);
    let setup = async || (bucket().await, ());
    let points = at_every_call(
        setup,
        async |store, ()| commit(&*store, 1, &first).await,
        async |store, (), run| {
            let start = Instant::now();
            let done = commit(&*store, 2, &second).await;
            assert!(start.elapsed() < lease::DEAD * 2, "{:?}", run.point);
            let mut answers = vec![(second.edits.to_vec(), done)];
            assert_eq!(outcomes(&answers[0]), [Outcome::Updated]);
            let acknowledged = matches!(&run.result, Some(Ok(Committed::Done(..))));
            let why = || Err(pail::Error::new(ErrorKind::Unavailable, "it died"));
            let done = Ok(Committed::Done(vec![Outcome::Updated], None));
            let told = if acknowledged { done } else { why() };
            answers.push((first.edits.to_vec(), told));
            let ledger = ledger::read(&*store).await.unwrap();
            kept(&ledger, 1, &answers);
            assert_eq!(claims(&*store).await, Vec::<String>::new());
        },
    )
    .await;
    assert!(points >= 7, "{points}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_to_the_manifest_is_found_out() {
    let store = bucket().await;
    let lost = Rule::new(Fault::After)
        .verb(Verb::Put)
        .key("pail/manifest.json");
    let faulty = FaultStore::scripted(Arc::clone(&store), vec![lost]);
    let change = leased(1, &[edit("a", ' ', 'a')]);
    let answer = (change.edits.to_vec(), commit(&faulty, 1, &change).await);
    assert_eq!(faulty.faults(), 1);
    assert_eq!(outcomes(&answer), [Outcome::Updated]);
    // In doubt it held the lease; others wait for it to die.
    assert_eq!(claims(&*store).await.len(), 1);
    let other = leased(2, &[edit("b", ' ', 'b')]);
    let start = Instant::now();
    let second = (other.edits.to_vec(), commit(&*store, 2, &other).await);
    assert!(start.elapsed() >= lease::DEAD);
    let ledger = ledger::read(&*store).await.unwrap();
    kept(&ledger, 1, &[answer, second]);
}

/// What the lease cannot promise, as it says itself.
#[tokio::test(start_paused = true)]
async fn a_write_that_is_held_up_past_the_lease_undoes_the_push_of_another() {
    let store = bucket().await;
    let manifest = Key::new("pail/manifest.json").unwrap();
    // A writer has claimed and looked, and its write is under way: these bytes.
    let claim = Key::new("pail/lease/00000000000000000000000000000000").unwrap();
    let text = Bytes::from_static(b"a writer is at work\n");
    let _ = store.put(&claim, text, Precondition::Always).await.unwrap();
    let twin = Memory::new();
    let before = read(&*store, &manifest).await;
    let _ = twin.put(&manifest, before, Precondition::Always).await;
    let done = commit(&twin, 1, &leased(1, &[edit("a", ' ', 'a')])).await;
    assert!(matches!(done, Ok(Committed::Done(..))));
    let under_way = read(&twin, &manifest).await;
    // Another waits for the lease to end and commits.
    let change = leased(2, &[edit("b", ' ', 'b')]);
    let start = Instant::now();
    let answer = (change.edits.to_vec(), commit(&*store, 2, &change).await);
    assert_eq!(outcomes(&answer), [Outcome::Updated]);
    assert!(start.elapsed() >= lease::DEAD);
    // And now the first write arrives.
    let _ = store
        .put(&manifest, under_way, Precondition::Always)
        .await
        .unwrap();
    let ledger = ledger::read(&*store).await.unwrap();
    let names: Vec<_> = ledger.refs().keys().map(ToString::to_string).collect();
    assert_eq!(names, ["refs/heads/a", "refs/heads/main"], "b is lost");
}

async fn read(store: &dyn Store, key: &Key) -> Bytes {
    let Got::Found(body) = store.get(key, Want::all()).await.unwrap() else {
        panic!("{key} is not there");
    };
    let parts: Vec<Bytes> = body.bytes.try_collect().await.unwrap();
    parts.concat().into()
}

#[tokio::test]
async fn without_consent_nothing_is_written_under_a_lease() {
    let dir = tempfile::tempdir().unwrap();
    let repo = testkit::repo::Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let memory = Memory::new();
    let store: Arc<dyn Store> = Arc::new(IgnoresConditions::new(Arc::new(memory.clone())));
    let spec = ["main:refs/heads/main"];
    let wary = world::remote(Arc::clone(&store), 1, world::SMALL);
    let error = world::push(&wary, &repo, &spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.hint().unwrap().contains("lease=true"), "{error}");
    assert!(memory.files().is_empty());
    let trusting = world::consenting(Arc::clone(&store), 2);
    let done = world::push(&trusting, &repo, &spec).await.unwrap();
    assert_eq!(done, [Outcome::Updated]);
    let manifest = String::from_utf8(memory.files()["pail/manifest.json"].to_vec()).unwrap();
    assert!(manifest.contains("\"lease\""), "{manifest}");
    // From here on everyone must say so, before anything is uploaded.
    let files = memory.files().len();
    repo.commit("a", "two\n");
    let error = world::push(&wary, &repo, &spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(memory.files().len(), files);
    let done = world::push(&trusting, &repo, &spec).await.unwrap();
    assert_eq!(done, [Outcome::Updated]);
    assert_eq!(claims(&*store).await, Vec::<String>::new());
}

#[tokio::test]
async fn consent_changes_nothing_where_the_store_keeps_its_promises() {
    let ids = SeededIds::new(1);
    let store = probed(None);
    assert_eq!(probe(&store, &ids, true).await.unwrap(), Writes::Swap);
    assert_eq!(probe(&store, &ids, false).await.unwrap(), Writes::Swap);
    let broken = examine(&store, &ids, Effort::THOROUGH).await.unwrap();
    assert_eq!(broken, []);
    assert!(store.0.inner.files().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_racer_without_an_answer_breaks_no_promise() {
    let ids = SeededIds::new(3);
    // Ceph answers so to some of those who write at once, and has written nothing.
    for nth in 1..=6 {
        let silent = Rule::new(Fault::Before(ErrorKind::InDoubt));
        let rules = [silent.verb(Verb::Put).nth(nth)];
        let store = FaultStore::scripted(Arc::new(Memory::new()), rules);
        let broken = examine(&store, &ids, Effort::ONCE).await.unwrap();
        assert_eq!(broken, [], "write {nth}");
    }
    let silent = Rule::new(Fault::Before(ErrorKind::InDoubt));
    let rules = [silent.verb(Verb::Put).always()];
    let store = FaultStore::scripted(Arc::new(Memory::new()), rules);
    let error = examine(&store, &ids, Effort::ONCE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InDoubt, "{error}");
}

#[tokio::test]
async fn each_broken_promise_is_found() {
    let ids = SeededIds::new(1);
    let found = async |store: &dyn Store, effort| {
        let broken = examine(store, &ids, effort).await.unwrap();
        broken.iter().map(|one| one.promise).collect::<Vec<_>>()
    };
    let both = [Promise::Create, Promise::Swap];
    let memory = || Arc::new(Memory::new());
    for effort in [Effort::ONCE, Effort::THOROUGH] {
        let ignoring = IgnoresConditions::new(memory());
        assert_eq!(found(&ignoring, effort).await, both);
        // One that is right when it is asked alone: only a race can tell.
        let racing = IgnoresConditions::looking_first(memory());
        assert_eq!(found(&racing, effort).await, both);
        for (promise, odd) in [
            (Promise::Read, Odd::ReadsOld),
            (Promise::List, Odd::ListsNothing),
        ] {
            let odd_store = probed(Some(odd));
            assert_eq!(found(&odd_store, effort).await, [promise]);
            let error = probe(&odd_store, &ids, true).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
        let none = probed(Some(Odd::HasNone));
        assert_eq!(found(&none, effort).await, both);
        assert_eq!(probe(&none, &ids, true).await.unwrap(), Writes::Lease);
    }
    let keeps = probed(Some(Odd::DeletesNothing));
    assert_eq!(found(&keeps, Effort::THOROUGH).await, [Promise::Delete]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_has_no_conditions_is_written_under_the_lease() {
    let store = probed(Some(Odd::HasNone));
    for (number, name, to) in [(1, "a", 'a'), (2, "b", 'b')] {
        let change = leased(number, &[edit(name, ' ', to)]);
        let answer = (change.edits.to_vec(), commit(&store, number, &change).await);
        assert_eq!(outcomes(&answer), [Outcome::Updated]);
    }
    let ledger = ledger::read(&store).await.unwrap();
    assert_eq!(ledger.refs().len(), 2);
}

/// What is odd about a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Odd {
    ReadsOld,
    ListsNothing,
    DeletesNothing,
    HasNone,
}

/// A store that asks to be probed.
#[derive(Debug)]
struct Probed {
    inner: Memory,
    odd: Option<Odd>,
}

fn probed(odd: Option<Odd>) -> Twisted<Probed> {
    let inner = Memory::new();
    Twisted(Probed { inner, odd })
}

#[async_trait]
impl Twist for Probed {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    fn capabilities(&self) -> Capabilities {
        let conditional_put = if self.odd == Some(Odd::HasNone) {
            ConditionalPut::None
        } else {
            ConditionalPut::Version
        };
        Capabilities {
            conditional_put,
            probe: true,
            ..self.inner.capabilities()
        }
    }

    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        if self.odd == Some(Odd::ReadsOld) {
            return Ok(Got::Missing);
        }
        self.inner.get(key, want).await
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        if self.odd == Some(Odd::HasNone) && when != Precondition::Always {
            return Err(pail::Error::new(ErrorKind::Unsupported, "no conditions"));
        }
        self.inner.put(key, body, when).await
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        if self.odd == Some(Odd::ListsNothing) {
            return futures_util::stream::empty().boxed();
        }
        self.inner.list(prefix, after)
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        if self.odd == Some(Odd::DeletesNothing) {
            return Ok(());
        }
        self.inner.delete(key).await
    }
}
