//! No answer is not a no: what a client says of a commit whose reply was lost.

use crate::it::commit_world::{
    Answer, bucket, change, commit, commit_at, edit, kept, name, oid, outcomes,
};
use crate::it::ledger;
use async_trait::async_trait;
use bytes::Bytes;
use pail::format::manifest::SegmentRef;
use pail::format::{keys, log};
use pail::refs::{Outcome, Refusal};
use pail::store::adapter::memory::Memory;
use pail::store::{Precondition, Put, Store, Version};
use pail::transaction::{Cache, Committed, Snapshot};
use pail::{Error, ErrorKind, Key, ObjectId, Result};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use testkit::fault::{Fault, FaultStore, Rule};
use testkit::interleave::{Client, Explore, client};
use testkit::tap::Verb;
use testkit::twist::{Twist, Twisted};

fn put(fault: Fault) -> Rule {
    Rule::new(fault).verb(Verb::Put).key(keys::MANIFEST)
}

fn get(fault: Fault) -> Rule {
    Rule::new(fault).verb(Verb::Get).key(keys::MANIFEST)
}

const DOUBT: Fault = Fault::Before(ErrorKind::InDoubt);

/// Commits `main` from m to n through a store that goes wrong so; before the first fault,
/// the bucket is read. Returns the store, what was told, and the bucket.
async fn try_commit(rules: Vec<Rule>) -> (FaultStore, Result<Committed>, Memory) {
    let memory = bucket(&[edit("main", ' ', 'm')]).await;
    let at = Snapshot::read(&memory, &Cache::default(), None)
        .await
        .unwrap();
    let store = FaultStore::scripted(Arc::new(memory.clone()), rules);
    let done = commit_at(&store, 1, at, &change(1, &[edit("main", 'm', 'n')])).await;
    (store, done, memory)
}

async fn main_of(memory: &Memory) -> ObjectId {
    ledger::read(memory).await.unwrap().refs()[&name("main")]
}

fn updated(done: &Result<Committed>) -> bool {
    matches!(done, Ok(Committed::Done(outcomes, _)) if outcomes[..] == [Outcome::Updated])
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_made_is_acknowledged_though_its_reply_was_lost() {
    for times in 1..=6 {
        let (store, done, memory) = try_commit(vec![put(Fault::After).times(times)]).await;
        assert!(updated(&done), "{done:?}");
        assert_eq!(main_of(&memory).await, oid('n'));
        assert_eq!(store.calls().len(), 2, "one write, one look");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_not_made_is_made_again_with_the_same_write_id() {
    for times in 1..=5 {
        let (store, done, memory) = try_commit(vec![put(DOUBT).times(times)]).await;
        assert!(updated(&done), "{done:?}");
        let ledger = ledger::read(&memory).await.unwrap();
        assert_eq!(ledger.entries.len(), 2);
        assert_eq!(store.calls().len(), 2 * times + 1, "each is looked after");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_refused_for_now_is_made_again_and_never_looked_after() {
    let busy = || put(Fault::Before(ErrorKind::Unavailable));
    let (store, done, memory) = try_commit(vec![busy().times(7)]).await;
    assert!(updated(&done), "{done:?}");
    assert_eq!(main_of(&memory).await, oid('n'));
    assert_eq!(store.calls().len(), 8, "writes only");
    let (_, done, memory) = try_commit(vec![busy().always()]).await;
    let error = done.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error
            .hint()
            .unwrap_or_default()
            .contains("nothing was changed")
    );
    assert_eq!(main_of(&memory).await, oid('m'));
    // After a doubt a refusal proves nothing any more: the first one may have landed.
    let (_, done, memory) = try_commit(vec![put(Fault::After), busy()]).await;
    assert!(updated(&done), "{done:?}");
    assert_eq!(main_of(&memory).await, oid('n'));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_leaves_it_in_doubt_and_says_so() {
    for rules in [
        vec![put(DOUBT).always()],
        vec![
            put(Fault::After),
            get(Fault::Before(ErrorKind::Unavailable)).always(),
        ],
        vec![
            put(DOUBT),
            get(Fault::Before(ErrorKind::Unavailable)).always(),
        ],
        vec![
            put(Fault::After),
            get(Fault::Before(ErrorKind::Denied)).always(),
        ],
        vec![put(DOUBT), put(Fault::Before(ErrorKind::Denied))],
    ] {
        let (_, done, memory) = try_commit(rules.clone()).await;
        let error = done.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InDoubt, "{rules:?}: {error}");
        assert!(
            error.hint().unwrap_or_default().contains("git ls-remote"),
            "{error:?}"
        );
        let now = main_of(&memory).await;
        assert!([oid('m'), oid('n')].contains(&now));
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_back_that_fails_at_first_is_tried_again() {
    for fault in [
        Fault::Before(ErrorKind::Unavailable),
        Fault::Cut(10),
        Fault::CutQuietly(10),
    ] {
        for lost in [Fault::After, DOUBT] {
            let rules = vec![put(lost), get(fault).times(3)];
            let (store, done, _) = try_commit(rules).await;
            assert!(updated(&done), "{fault:?}, {lost:?}: {done:?}");
            // Where nothing changed there is no body that could be cut.
            let met = if lost == DOUBT { 2 } else { 4 };
            assert!(store.faults() >= met, "{} faults", store.faults());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_turned_away_for_good_is_no_doubt() {
    let (_, done, memory) = try_commit(vec![put(Fault::Before(ErrorKind::Denied))]).await;
    assert_eq!(done.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(main_of(&memory).await, oid('m'));
}

/// A store for which the first reply to a write of the manifest is lost. Before the client
/// is told so, others commit.
#[derive(Debug)]
struct Meanwhile {
    inner: Memory,
    /// Whether that write is made.
    made: bool,
    /// How many others commit then, each to a ref of its own.
    others: u64,
    /// Whether one more moves `main` from there to z.
    main: Option<char>,
    done: AtomicBool,
}

impl Meanwhile {
    async fn others(&self) -> Result<()> {
        for number in 0..self.others {
            let short = format!("other{number}");
            let mut other = change(100 + number, &[edit(&short, ' ', 'o')]);
            // Twice the older part of the log leaves the manifest.
            if [20, 45].contains(&number) {
                other.segment = Some(segment(&self.inner).await?);
            }
            commit(&self.inner, 100 + number, &other).await?;
        }
        if let Some(from) = self.main {
            commit(&self.inner, 99, &change(99, &[edit("main", from, 'z')])).await?;
        }
        Ok(())
    }
}

/// Uploads the whole tail of the log as a segment.
async fn segment(store: &Memory) -> Result<SegmentRef> {
    let at = Snapshot::read(store, &Cache::default(), None)
        .await?
        .unwrap();
    let entries = &at.manifest.log.entries;
    let packed = log::encode(entries)?;
    let (first, last) = (entries[0].generation, entries[entries.len() - 1].generation);
    let mut sha256 = String::new();
    for byte in Sha256::digest(&packed) {
        let _ = write!(sha256, "{byte:02x}");
    }
    let segment = SegmentRef {
        id: format!("{first:032x}"),
        first,
        last,
        sha256,
        size: packed.len() as u64,
    };
    let key = keys::segment(first, last, &segment.id)?;
    let _ = store.put(&key, packed.into(), Precondition::Absent).await?;
    Ok(segment)
}

#[async_trait]
impl Twist for Meanwhile {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        if key.as_str() != keys::MANIFEST || self.done.swap(true, Ordering::SeqCst) {
            return self.inner.put(key, body, when).await;
        }
        if self.made {
            let made = self.inner.put(key, body, when).await?;
            assert!(matches!(made, Put::Written(_)));
        }
        self.others().await?;
        Err(Error::new(ErrorKind::InDoubt, "the reply was lost"))
    }
}

#[tokio::test(start_paused = true)]
async fn what_became_of_a_commit_is_told_however_many_others_came_after() {
    let edits = [edit("main", 'm', 'n')];
    let fetch_first = Outcome::Refused(Refusal::FetchFirst);
    for others in [0, 1, 30, 50] {
        // Whether it was made, whether somebody moved main after it, what is told, and
        // where main is.
        for (made, main, told, end) in [
            (true, None, Outcome::Updated, 'n'),
            (true, Some('n'), Outcome::Updated, 'z'),
            (false, None, Outcome::Updated, 'n'),
            (false, Some('m'), fetch_first.clone(), 'z'),
        ] {
            let memory = bucket(&[edit("main", ' ', 'm')]).await;
            let at = Snapshot::read(&memory, &Cache::default(), None)
                .await
                .unwrap();
            let store = Twisted(Meanwhile {
                inner: memory.clone(),
                made,
                others,
                main,
                done: AtomicBool::new(false),
            });
            let done = commit_at(&store, 1, at, &change(1, &edits)).await;
            let answer = (edits.to_vec(), done);
            assert_eq!(
                outcomes(&answer),
                [told],
                "{others} others, {made}, {main:?}"
            );
            let ledger = ledger::read(&memory).await.unwrap();
            assert_eq!(ledger.refs()[&name("main")], oid(end));
            let segments = usize::from(others > 20) + usize::from(others > 45);
            assert_eq!(ledger.snapshot.manifest.log.segments.len(), segments);
            let ours = ledger
                .events()
                .iter()
                .filter(|event| event.2 == Some(oid('n')))
                .count();
            assert_eq!(ours, usize::from(made || main.is_none()), "never twice");
        }
    }
}

/// A write on its way: the client was told that there is no answer.
type Late = Arc<Mutex<Option<(Bytes, Option<Version>)>>>;

/// A client's store whose first write of the manifest gets stuck in the network, from
/// where somebody else delivers it.
#[derive(Debug)]
struct Stuck {
    inner: Arc<dyn Store>,
    late: Late,
    done: AtomicBool,
}

#[async_trait]
impl Twist for Stuck {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        if key.as_str() != keys::MANIFEST || self.done.swap(true, Ordering::SeqCst) {
            return self.inner.put(key, body, when).await;
        }
        let version = match when {
            Precondition::Unchanged(version) => Some(version.clone()),
            _ => None,
        };
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        *late = Some((body, version));
        Err(Error::new(ErrorKind::InDoubt, "no answer came"))
    }
}

/// The network: at some moment it delivers what got stuck. Nobody hears the answer.
async fn deliver(store: &dyn Store, late: &Late) {
    let key = keys::manifest().unwrap();
    for _ in 0..6 {
        // A step that lets the others go on.
        store.head(&Key::new("moment").unwrap()).await.unwrap();
        let stuck = late.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((body, version)) = stuck {
            let when = version
                .as_ref()
                .map_or(Precondition::Absent, Precondition::Unchanged);
            let _ = store.put(&key, body, when).await.unwrap();
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn heavy_a_write_that_arrives_late_is_made_once_or_never() {
    for (what, base, first, second) in [
        ("apart", "m", edit("a", ' ', 'a'), edit("b", ' ', 'b')),
        (
            "apart in an empty bucket",
            "",
            edit("a", ' ', 'a'),
            edit("b", ' ', 'b'),
        ),
        (
            "rivals",
            "m",
            edit("main", 'm', 'a'),
            edit("main", 'm', 'b'),
        ),
        (
            "rivals in an empty bucket",
            "",
            edit("main", ' ', 'a'),
            edit("main", ' ', 'b'),
        ),
        (
            "one goes on from the other",
            "m",
            edit("main", 'm', 'a'),
            edit("main", 'a', 'b'),
        ),
    ] {
        let base: Vec<_> = base
            .chars()
            .map(|letter| edit("main", ' ', letter))
            .collect();
        for rival in [false, true] {
            let told = RefCell::new(BTreeMap::new());
            let mut clients: Vec<Client<'_, Late, Option<Answer>>> = vec![
                client(|store: Arc<dyn Store>, late: Rc<Late>| {
                    let first = &first;
                    async move {
                        let stuck = Twisted(Stuck {
                            inner: store,
                            late: Arc::clone(&late),
                            done: AtomicBool::new(false),
                        });
                        let edits = vec![first.clone()];
                        Some((edits.clone(), commit(&stuck, 1, &change(1, &edits)).await))
                    }
                }),
                client(|store: Arc<dyn Store>, late: Rc<Late>| async move {
                    deliver(&*store, &late).await;
                    None
                }),
            ];
            if rival {
                clients.push(client(|store: Arc<dyn Store>, _| {
                    let second = &second;
                    async move {
                        let edits = vec![second.clone()];
                        Some((edits.clone(), commit(&*store, 2, &change(2, &edits)).await))
                    }
                }));
            }
            let setup = async || {
                let store = Arc::new(bucket(&base).await) as Arc<dyn Store>;
                (store, Late::default())
            };
            // The network shares more with the client than the bucket.
            let explored = Explore::up_to(if rival { 6000 } else { 3000 })
                .every_order()
                .run(setup, &clients, async |store, _, answers, _| {
                    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
                    let ledger = ledger::read(&*store).await.unwrap();
                    kept(&ledger, base.len(), &answers);
                    for answer in &answers {
                        let agreed = outcomes(answer) == [Outcome::UpToDate];
                        assert!(!agreed, "it was its own write that was there");
                        let outcome = format!("{:?}", outcomes(answer));
                        *told.borrow_mut().entry(outcome).or_insert(0) += 1;
                    }
                })
                .await;
            let told = told.into_inner();
            eprintln!(
                "schedules: {} ({}): a late write, {what}, {} clients: {told:?}",
                explored.runs,
                if explored.exhaustive {
                    "exhaustive"
                } else {
                    "half of them drawn"
                },
                clients.len() - 1,
            );
            assert!(explored.runs > 10);
            assert!(explored.exhaustive || rival);
        }
    }
}
