//! No answer is not a no: what a client says of a commit whose reply was lost.

use crate::it::commit_world::{
    Answer, bucket, change, commit, commit_at, edit, kept, name, oid, outcomes,
};
use crate::it::ledger;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use pail::format::{Manifest, keys, log, manifest::SegmentRef};
use pail::refs::{Outcome, Refusal};
use pail::store::adapter::memory::Memory;
use pail::store::{
    Capabilities, FileInfo, Got, Listed, Precondition, Put, Store, Upload, Version, Want,
};
use pail::transaction::{Cache, Committed, Snapshot};
use pail::{Error, ErrorKind, Key, ObjectId, Result};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use testkit::fault::{Fault, FaultStore, Rule};
use testkit::interleave::{Client, Explore, client};
use testkit::tap::Verb;

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
    let at = Snapshot::read(&memory, &Cache::default(), None).await.unwrap();
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
async fn a_store_that_never_answers_leaves_it_in_doubt_and_says_so() {
    for rules in [
        vec![put(DOUBT).always()],
        vec![put(Fault::After), get(Fault::Before(ErrorKind::Unavailable)).always()],
        vec![put(DOUBT), get(Fault::Before(ErrorKind::Unavailable)).always()],
        vec![put(Fault::After), get(Fault::Before(ErrorKind::Denied)).always()],
        vec![put(DOUBT), put(Fault::Before(ErrorKind::Denied))],
    ] {
        let (_, done, memory) = try_commit(rules.clone()).await;
        let error = done.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InDoubt, "{rules:?}: {error}");
        assert!(error.hint().unwrap_or_default().contains("git ls-remote"), "{error:?}");
        let now = main_of(&memory).await;
        assert!([oid('m'), oid('n')].contains(&now));
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_back_that_fails_at_first_is_tried_again() {
    for fault in [Fault::Before(ErrorKind::Unavailable), Fault::Cut(10), Fault::CutQuietly(10)] {
        for lost in [Fault::After, DOUBT] {
            let rules = vec![put(lost), get(fault).times(3)];
            let (store, done, _) = try_commit(rules).await;
            assert!(updated(&done), "{fault:?}, {lost:?}: {done:?}");
            // Only what is new has a body that can be cut.
            assert!(store.faults() >= if lost == DOUBT { 2 } else { 4 } || lost == DOUBT);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_turned_away_for_good_is_no_doubt() {
    let (_, done, memory) = try_commit(vec![put(Fault::Before(ErrorKind::Denied))]).await;
    assert_eq!(done.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(main_of(&memory).await, oid('m'));
}

/// A store that makes the first write of the manifest, or does not, lets others in, and
/// then loses the reply.
#[derive(Debug)]
struct Meanwhile {
    inner: Memory,
    made: bool,
    others: Mutex<Option<Vec<(Bytes, Vec<(Key, Bytes)>)>>>,
}

macro_rules! passes_on {
    () => {
        fn capabilities(&self) -> Capabilities {
            self.inner.capabilities()
        }

        fn describe(&self) -> String {
            self.inner.describe()
        }

        async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
            self.inner.head(key).await
        }

        async fn get(&self, key: &Key, want: Want) -> Result<Got> {
            self.inner.get(key, want).await
        }

        async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
            self.inner.begin(key).await
        }

        fn list<'a>(
            &'a self,
            prefix: &'a str,
            after: Option<&'a str>,
        ) -> BoxStream<'a, Result<Listed>> {
            self.inner.list(prefix, after)
        }

        async fn delete(&self, key: &Key) -> Result<()> {
            self.inner.delete(key).await
        }
    };
}
