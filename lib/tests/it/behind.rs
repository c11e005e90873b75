//! Readers that are far behind: how many requests in a row they need.

use crate::it::world::{SMALL, WHO, clone, fetch, fetch_at, local, push_ok, remote, request};
use async_trait::async_trait;
use pail::format::keys;
use pail::maintenance::join_log;
use pail::refs::{Expected, Outcome, RefEdit, RefName, RefValue};
use pail::store::adapter::memory::Memory;
use pail::store::{Limits, Store};
use pail::{ObjectId, Remote, Result};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::repo::Repo;
use testkit::seed::Chance;
use testkit::tap::{Call, Tap, Tapped};
use tokio::time::{Instant, sleep};

/// Every request takes a second on a clock that stands still otherwise: so many seconds
/// pass as there are requests in a row.
#[derive(Debug, Default)]
struct Second {
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Tap for Second {
    async fn before(&self, call: &Call) -> Result<()> {
        self.asked.lock().unwrap().push(call.key.clone());
        sleep(Duration::from_secs(1)).await;
        Ok(())
    }

    async fn after(&self, _: &Call) -> Result<()> {
        Ok(())
    }
}

/// Moves main so many times from the first of two commits to the second, and back: pushes
/// that bring nothing.
async fn move_around(remote: &Remote, repo: &Repo, between: [ObjectId; 2], times: usize) {
    let local = local(repo).await;
    for turn in 0..times {
        let at = remote.snapshot().await.unwrap();
        let edit = RefEdit {
            name: RefName::new("refs/heads/main").unwrap(),
            new: Some(RefValue::plain(between[(turn + 1) % 2])),
            expected: Expected::Exactly(between[turn % 2]),
            leased: false,
            continues: true,
        };
        let moved = remote.push(&local, at, &request(vec![edit])).await;
        assert_eq!(moved.unwrap(), [Outcome::Updated]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_a_thousand_pushes_behind_asks_three_times_in_a_row() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let memory = Memory::new();
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let writer = remote(Arc::clone(&store), 1, SMALL);
    // Where all packs together are small, nobody looks into older parts of the log.
    repo.commit("large", Chance::new(1).bytes(2 << 20));
    push_ok(&writer, &repo, &["main:refs/heads/main"]).await;
    let reader = clone(&store, &dir.path().join("reader")).await;
    let slow = clone(&store, &dir.path().join("slow")).await;

    let ids = ["one", "two"].map(|name| {
        let id = repo.commit(name, name);
        repo.branch(name);
        id.parse::<ObjectId>().unwrap()
    });
    let first = ["one:refs/heads/main", "one:refs/heads/one"];
    push_ok(&writer, &repo, &first).await;
    push_ok(&writer, &repo, &["two:refs/heads/two"]).await;
    move_around(&writer, &repo, ids, 1000).await;

    let counted = Tapped::new(Arc::clone(&store), Arc::new(Second::default()));
    let remote = remote(Arc::new(counted.clone()), 2, Limits::default());
    let start = Instant::now();
    let (_, at) = fetch(&remote, &reader, false).await.unwrap();
    let in_a_row = start.elapsed().as_secs();
    let segments = &at.manifest.log.segments;
    let bytes: u64 = segments.iter().map(|segment| segment.size).sum();
    eprintln!("{} segments, {bytes} bytes", segments.len());
    assert!(segments.len() > 10);
    assert_eq!(in_a_row, 3, "the manifest, the log, the packs");
    let asked = counted.tap().asked.lock().unwrap().clone();
    let of = |folder: &str| asked.iter().filter(|key| key.starts_with(folder)).count();
    assert_eq!(of("pail/log/"), segments.len());
    assert_eq!(of("objects/pack/"), 2, "not the large one");
    for id in ids {
        reader.ok(&["cat-file", "-e", &id.to_string()]);
    }

    // Somebody has read the manifest; then the log is joined, and its old parts are deleted.
    let joined = join_log(writer.context(), WHO).await.unwrap();
    assert!(joined > 1);
    let now = writer.existing().await.unwrap().manifest.log.segments;
    assert_eq!(now.len(), segments.len() + 1 - joined);
    let gone = segments.iter().filter(|segment| !now.contains(segment));
    assert_eq!(gone.clone().count(), joined);
    for segment in gone {
        let key = keys::segment(segment.first, segment.last, &segment.id).unwrap();
        store.delete(&key).await.unwrap();
    }
    fetch_at(&remote, &slow, at, false).await.unwrap();
    for id in ids {
        slow.ok(&["cat-file", "-e", &id.to_string()]);
    }
}
