//! Fetches that die with a large pack on its way, and the fetch after.

use crate::it::world::{self, SMALL, local, push_ok};
use pail::local::Check;
use pail::progress::Quiet;
use pail::store::adapter::memory::Memory;
use pail::store::layer::{Count, Counts};
use pail::transaction::Cache;
use pail::transfer::{Context, FetchRequest, Verify, leftovers};
use pail::{ErrorKind, Remote, Result};
use std::path::PathBuf;
use std::sync::Arc;
use testkit::clock::HandClock;
use testkit::fault::{Fault, FaultStore, Rule};
use testkit::git::Git;
use testkit::ids::SeededIds;
use testkit::repo::Repo;
use testkit::seed::Chance;
use testkit::tap::Verb;

/// Bytes of the large file, in parts of 4 KiB.
const LARGE: usize = 120_000;

/// A bucket with one large pack, clients that share a cache, and a network that fails.
struct World {
    dir: tempfile::TempDir,
    source: Repo,
    memory: Memory,
    store: FaultStore,
    counts: Counts,
    remote: Remote,
    clones: usize,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(dir.path().join("cache")));
        Self::with(dir, cache).await
    }

    async fn with(dir: tempfile::TempDir, cache: Cache) -> Self {
        let source = Repo::init(dir.path().join("work"));
        source.commit("large", Chance::new(4).bytes(LARGE));
        let memory = Memory::new();
        let plain = world::remote(Arc::new(memory.clone()), 1, SMALL);
        push_ok(&plain, &source, &["main:refs/heads/main"]).await;
        let store = FaultStore::scripted(Arc::new(memory.clone()), []);
        let counted = Count::new(store.clone());
        let counts = counted.counts();
        let remote = Remote::new(Context {
            store: Arc::new(counted),
            cache,
            ids: Arc::new(SeededIds::new(2)),
            clock: Arc::new(HandClock::default()),
            limits: SMALL,
            lease: false,
            progress: Arc::new(Quiet),
        });
        Self {
            dir,
            source,
            memory,
            store,
            counts,
            remote,
            clones: 0,
        }
    }

    /// Clones into a folder of its own; what came of packs and manifests, in bytes.
    async fn clone_as(&mut self, verify: Verify, check: Check) -> (Result<Repo>, u64) {
        self.clones += 1;
        let at = self.dir.path().join(format!("clone-{}", self.clones));
        let repo = Repo::init_with(&Git::new(), at, &["--bare"]);
        let snapshot = self.remote.existing().await.unwrap();
        let request = FetchRequest {
            wants: snapshot.refs.iter().map(|(_, value)| value.oid).collect(),
            cloning: true,
            refetch: false,
            check,
            verify,
            unpack_limit: 1,
            partial: false,
            progress: false,
        };
        self.counts.reset();
        let done = self
            .remote
            .fetch(&local(&repo).await, snapshot, &request)
            .await;
        (done.map(|_| repo), self.counts.received())
    }

    async fn clone(&mut self) -> (Result<Repo>, u64) {
        self.clone_as(Verify::Objects, Check::Ids).await
    }

    /// A clone that the network ends at the nth range of a pack; its folder is deleted, as
    /// git does.
    async fn dies_at(&mut self, nth: usize) {
        self.dies_as(nth, Verify::Objects).await;
    }

    async fn dies_as(&mut self, nth: usize, verify: Verify) {
        let rule = Rule::new(Fault::Before(ErrorKind::Denied)).verb(Verb::Get);
        self.store.rule(rule.key(".pack").nth(nth).always());
        let (done, _) = self.clone_as(verify, Check::Ids).await;
        assert_eq!(done.unwrap_err().kind(), ErrorKind::Denied);
        self.store.heal();
        let dead = format!("clone-{}", self.clones);
        std::fs::remove_dir_all(self.dir.path().join(dead)).unwrap();
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache/downloads")
    }

    /// The two files of the one download that is kept.
    fn kept(&self) -> [PathBuf; 2] {
        let left = leftovers::downloads(&self.remote.context().cache);
        assert_eq!(left.len(), 1);
        let pack = left[0].file().to_owned();
        let ranges = pack.with_extension("ranges");
        [pack, ranges]
    }

    /// Everything is there, and nothing is kept any more.
    fn through(&self, repo: &Repo) {
        repo.ok(&["update-ref", "refs/heads/main", &self.source.head()]);
        repo.fsck();
        assert!(!self.cache().exists());
    }
}

#[tokio::test]
async fn a_clone_that_died_asks_only_for_what_was_missing() {
    for there in [3_u64, 15, 27] {
        let mut world = World::new().await;
        world.dies_at(there as usize + 1).await;
        let (repo, again) = world.clone().await;
        let left = LARGE as u64 - there * SMALL.part;
        // One more was under way, and may have come; a few bytes are git's.
        assert!(again >= left - SMALL.part, "{again}");
        assert!(again <= left + 500, "{again}, and {left} were missing");
        world.through(&repo.unwrap());
    }
}

#[tokio::test]
async fn checksums_only_go_on_where_they_were_too() {
    let mut world = World::new().await;
    world.dies_as(16, Verify::Checksums).await;
    // What one way has kept serves the other.
    let (repo, again) = world.clone().await;
    assert!(again <= LARGE as u64 - 15 * SMALL.part + 500, "{again}");
    world.through(&repo.unwrap());
    world.dies_at(16).await;
    let (repo, again) = world.clone_as(Verify::Checksums, Check::Ids).await;
    assert!(again <= LARGE as u64 - 15 * SMALL.part + 500, "{again}");
    world.through(&repo.unwrap());
}

#[tokio::test]
async fn of_several_packs_each_is_kept() {
    let mut world = World::new().await;
    world.source.commit("second", Chance::new(5).bytes(LARGE));
    let plain = world::remote(Arc::new(world.memory.clone()), 9, SMALL);
    push_ok(&plain, &world.source, &["main:refs/heads/main"]).await;
    // All of the first, and ten ranges of the second.
    world.dies_at(40).await;
    let kept = leftovers::downloads(&world.remote.context().cache);
    assert_eq!(kept.len(), 2);
    drop(kept);
    for check in [Check::Ids, Check::Fsck("missingEmail=ignore".to_owned())] {
        let (repo, again) = world.clone_as(Verify::Objects, check).await;
        assert!(again <= LARGE as u64 - 8 * SMALL.part, "{again}");
        world.through(&repo.unwrap());
        world.dies_at(40).await;
    }
}

#[tokio::test]
async fn wrong_bytes_that_were_kept_are_thrown_away() {
    for verify in [Verify::Objects, Verify::Checksums] {
        let mut world = World::new().await;
        world.dies_at(16).await;
        let [pack, _] = world.kept();
        let mut bytes = std::fs::read(&pack).unwrap();
        bytes[20_000] ^= 1;
        std::fs::write(&pack, &bytes).unwrap();
        let (repo, again) = world.clone_as(verify, Check::Ids).await;
        // All of it, after what was thought to be the rest.
        assert!(again > LARGE as u64, "{again}");
        world.through(&repo.unwrap());
    }
}

#[tokio::test]
async fn a_pack_that_is_wrong_in_the_bucket_is_not_kept() {
    let mut world = World::new().await;
    world.store.rule(
        Rule::new(Fault::Flip(9_000))
            .verb(Verb::Get)
            .key(".pack")
            .nth(5),
    );
    let (done, _) = world.clone().await;
    assert_eq!(done.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(!world.cache().exists());
    let (repo, _) = world.clone().await;
    world.through(&repo.unwrap());
}

#[tokio::test]
async fn words_about_ranges_that_make_no_sense_count_as_nothing() {
    let mut world = World::new().await;
    world.dies_at(16).await;
    let [_, ranges] = world.kept();
    std::fs::write(&ranges, "?").unwrap();
    let (repo, again) = world.clone().await;
    assert!(again > LARGE as u64, "{again}");
    world.through(&repo.unwrap());
}

#[tokio::test]
async fn a_pack_of_which_more_is_said_to_be_there_than_is_comes_whole() {
    let mut world = World::new().await;
    world.dies_at(16).await;
    let [pack, _] = world.kept();
    std::fs::write(&pack, "").unwrap();
    let (repo, again) = world.clone().await;
    assert!(again > LARGE as u64, "{again}");
    world.through(&repo.unwrap());
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_done_without() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    std::fs::write(&cache, "a file").unwrap();
    let mut world = World::with(dir, Cache::new(Some(cache))).await;
    let (repo, _) = world.clone().await;
    world.through(&repo.unwrap());
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(Some(dir.path().join("cache")));
    let mut world = World::with(dir, cache.keeping_downloads(false)).await;
    world.dies_at(16).await;
    assert!(!world.cache().exists());
    let (repo, again) = world.clone().await;
    assert!(again > LARGE as u64, "{again}");
    world.through(&repo.unwrap());
}

#[tokio::test]
async fn two_clones_at_once_do_not_meet() {
    let mut world = World::new().await;
    world.dies_at(16).await;
    let [pack, ranges] = world.kept();
    let busy = std::fs::File::open(&ranges).unwrap();
    busy.lock().unwrap();
    let before = std::fs::read(&pack).unwrap();
    assert!(leftovers::downloads(&world.remote.context().cache).is_empty());
    let (repo, again) = world.clone().await;
    assert!(again > LARGE as u64, "{again}");
    repo.unwrap().fsck();
    assert_eq!(std::fs::read(&pack).unwrap(), before);
}

#[tokio::test]
async fn what_is_left_is_told_and_removed() {
    let mut world = World::new().await;
    world.dies_at(16).await;
    let cache = world.remote.context().cache.clone();
    let left = leftovers::downloads(&cache);
    assert_eq!(left.len(), 1);
    assert!((15 * SMALL.part..LARGE as u64).contains(&left[0].bytes()));
    assert!(left[0].modified() > 1_600_000_000);
    assert!(left[0].file().starts_with(world.cache()));
    for one in left {
        one.remove().unwrap();
    }
    assert!(!world.cache().exists());
}
