//! Objects that the repository has in which maintenance is started: they are not downloaded,
//! and nothing comes out otherwise than if they were, whatever is wrong with them.

use crate::it::gc::holds;
use crate::it::world::{self, MONTH, SMALL, WHO, copy, late, local, push_ok, remote, sound};
use pail::Remote;
use pail::format::keys;
use pail::format::settings::SettingEdit;
use pail::maintenance::{self, Bench, Collected, Report, When, Workshop, lfs};
use pail::store::Store;
use pail::store::adapter::memory::Memory;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use testkit::fault::FaultStore;
use testkit::git::Git;
use testkit::repo::Repo;
use testkit::seed::Chance;
use testkit::tap::Verb;

const MAIN: &str = "main:refs/heads/main";
const SIDE: &str = "side:refs/heads/side";

/// A bucket of `main`, in three packs with an index each and one without, and of `side`, which
/// was deleted; and the repository that pushed them.
async fn bucket() -> (TempDir, Repo, Memory) {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let memory = Memory::new();
    let remote = remote(Arc::new(memory.clone()), 1, SMALL);
    let mut chance = Chance::new(1);
    for number in 0..3 {
        repo.commit(&format!("large{number}"), chance.bytes(1_100_000));
        push_ok(&remote, &repo, &[MAIN]).await;
    }
    repo.switch("side").commit("side", chance.bytes(1_100_000));
    push_ok(&remote, &repo, &[SIDE]).await;
    push_ok(&remote, &repo, &[":refs/heads/side"]).await;
    repo.switch("main").commit("small", "one\n");
    push_ok(&remote, &repo, &[MAIN]).await;
    (dir, repo, memory)
}

/// What came down: packs and indexes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Down {
    packs: usize,
    indexes: usize,
}

impl Down {
    fn of(store: &FaultStore) -> Self {
        let mut keys: Vec<String> = store
            .calls()
            .into_iter()
            .filter(|call| call.verb == Verb::Get)
            .map(|call| call.key)
            .collect();
        // A large file comes in parts.
        keys.sort();
        keys.dedup();
        let count = |end: &str| keys.iter().filter(|key| key.ends_with(end)).count();
        Self {
            packs: count(".pack"),
            indexes: count(".idx"),
        }
    }
}

async fn workshop(folder: &Path, remote: &Remote, lender: Option<&Repo>) -> Workshop {
    let at = remote.existing().await.unwrap();
    // The lender's surroundings do not reach the workshop.
    let repo = Repo::init(folder.join("nothing"));
    let opened = Workshop::open(folder, &at.manifest.repository, world::git(&repo));
    let lender = match lender {
        Some(lender) => Some(local(lender).await),
        None => None,
    };
    opened.unwrap().unwrap().lent_by(lender)
}

/// Collects garbage from a copy of a bucket; what came down, and the bucket.
async fn collect(base: &Memory, lender: Option<&Repo>) -> (Collected, Down, Memory) {
    collect_at(base, lender, (MONTH, When::Garbage)).await
}

/// The same, so many seconds later.
async fn collect_at(
    base: &Memory,
    lender: Option<&Repo>,
    (seconds, when): (i64, When),
) -> (Collected, Down, Memory) {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), copy(base).await);
    let store = FaultStore::scripted(Arc::new(bucket.clone()), []);
    let remote = late(Arc::new(store.clone()), 2, seconds);
    let workshop = workshop(dir.path(), &remote, lender).await;
    let done = maintenance::gc(remote.context(), &workshop, WHO, when).await;
    (done.unwrap(), Down::of(&store), bucket)
}

async fn merge(base: &Memory, lender: Option<&Repo>) -> (Report, Down, Memory) {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), copy(base).await);
    let store = FaultStore::scripted(Arc::new(bucket.clone()), []);
    let remote = remote(Arc::new(store.clone()), 2, SMALL);
    let workshop = workshop(dir.path(), &remote, lender).await;
    let done = maintenance::run(remote.context(), &workshop, WHO).await;
    (done.unwrap(), Down::of(&store), bucket)
}

/// The ids of all objects in the packs that the manifest names.
async fn objects(bucket: &Memory) -> Vec<String> {
    let remote = remote(Arc::new(bucket.clone()), 9, SMALL);
    let manifest = remote.existing().await.unwrap().manifest;
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init_with(&Git::new(), dir.path().join("all"), &["--bare"]);
    for (key, body) in bucket.files() {
        let name = keys::pack_name(&key);
        if key.ends_with(".pack") && manifest.packs.iter().any(|pack| Some(&*pack.name) == name) {
            repo.git().ok_with(&["index-pack", "--stdin"], &body);
        }
    }
    let check = ["cat-file", "--batch-all-objects", "--batch-check"];
    repo.ok(&check).lines().map(str::to_owned).collect()
}

/// What comes out where nobody lends.
struct Without {
    base: Memory,
    collected: (Collected, Vec<String>),
    merged: (Report, Vec<String>),
}

/// A base that is made now, and a merge.
const NOW: (i64, When) = (0, When::Always);

impl Without {
    async fn of(base: Memory) -> Self {
        let (done, _, bucket) = collect_at(&base, None, NOW).await;
        let collected = (done, objects(&bucket).await);
        let (done, _, bucket) = merge(&base, None).await;
        let merged = (done, objects(&bucket).await);
        Self {
            base,
            collected,
            merged,
        }
    }

    /// The same comes out where this one lends.
    async fn is_as_with(&self, lender: &Repo) {
        let (done, _, bucket) = collect_at(&self.base, Some(lender), NOW).await;
        assert_eq!((done, objects(&bucket).await), self.collected);
        assert!(done.packed);
        let (done, _, bucket) = merge(&self.base, Some(lender)).await;
        assert_eq!(done.merged, self.merged.0.merged);
        assert_eq!(objects(&bucket).await, self.merged.1);
    }
}

#[tokio::test]
async fn gc_downloads_no_large_pack_whose_objects_the_repository_has() {
    let (_dir, repo, base) = bucket().await;
    let (alone, down, plain) = collect(&base, None).await;
    assert_eq!((alone.garbage, alone.packed), (3, true));
    assert!(down.packs >= 5, "{down:?}");
    let (done, down, bucket) = collect(&base, Some(&repo)).await;
    assert_eq!(done, alone);
    let wanted = Down {
        packs: 1,
        indexes: 4,
    };
    assert_eq!(down, wanted, "the pack without an index");
    assert_eq!(objects(&bucket).await, objects(&plain).await);
}

#[tokio::test]
async fn gc_needs_nothing_of_what_the_repository_has_pruned_as_garbage() {
    let (_dir, repo, base) = bucket().await;
    repo.ok(&["branch", "-D", "side"]);
    repo.ok(&["reflog", "expire", "--expire=now", "--all"]);
    repo.ok(&["gc", "--quiet", "--prune=now"]);
    let (done, down, _) = collect(&base, Some(&repo)).await;
    assert_eq!((done.garbage, done.packed), (3, true));
    assert_eq!(down.packs, 1);
}

#[tokio::test]
async fn who_is_behind_downloads_what_others_pushed() {
    let (dir, repo, base) = bucket().await;
    let old = Repo::clone_of(
        &Git::new(),
        &format!("file://{}", repo.path().display()),
        dir.path().join("old"),
        &["--single-branch"],
    );
    let store = Arc::new(base.clone());
    repo.commit("new", Chance::new(9).bytes(1_100_000));
    push_ok(&remote(store, 5, SMALL), &repo, &[MAIN]).await;
    let (_, down, bucket) = collect_at(&base, Some(&old), NOW).await;
    // The small one, the new one, and that of `side`, which `old` never had.
    assert_eq!(down.packs, 3, "{down:?}");
    let (_, _, plain) = collect_at(&base, None, NOW).await;
    assert_eq!(objects(&bucket).await, objects(&plain).await);
}

#[tokio::test]
async fn a_stranger_s_repository_costs_nothing() {
    let (dir, _, base) = bucket().await;
    let stranger = Repo::init(dir.path().join("stranger"));
    stranger.commit("a", "another history\n");
    let (_, alone, _) = collect(&base, None).await;
    let (_, down, _) = collect(&base, Some(&stranger)).await;
    assert_eq!(down, alone);
}

#[tokio::test]
async fn shallow_partial_and_grafted_repositories_lend_what_is_really_there() {
    let (dir, repo, base) = bucket().await;
    repo.ok(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", repo.path().display());
    let without = Without::of(base).await;
    for (name, how) in [("shallow", "--depth=1"), ("partial", "--filter=blob:none")] {
        let args = [how, "--no-checkout"];
        let clone = Repo::clone_of(&Git::new(), &url, dir.path().join(name), &args);
        let before = clone.ok(&["count-objects", "-v"]);
        without.is_as_with(&clone).await;
        assert_eq!(clone.ok(&["count-objects", "-v"]), before, "{name}");
    }
    let parent = repo.id("main~1").unwrap();
    repo.ok(&["replace", "--graft", "main", "main~2"]);
    repo.write(".git/info/grafts", format!("{parent}\n"));
    without.is_as_with(&repo).await;
}

/// The file of a loose object.
fn loose(repo: &Repo, name: &str) -> PathBuf {
    let id = repo.id(name).unwrap();
    let path = repo.path().join(".git/objects").join(&id[..2]);
    path.join(&id[2..])
}

fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_broken_repository_lends_nothing_broken() {
    let (_dir, repo, base) = bucket().await;
    let without = Without::of(base).await;
    let blob = loose(&repo, "main:large1");
    let whole = std::fs::read(&blob).unwrap();
    let flipped = |bytes: &mut Vec<u8>| bytes[600_000] ^= 1;
    rewrite(&blob, flipped);
    without.is_as_with(&repo).await;
    // Sound in itself, and not what its name says.
    let other = std::fs::read(loose(&repo, "main:large2")).unwrap();
    rewrite(&blob, |bytes| *bytes = other);
    without.is_as_with(&repo).await;
    std::fs::remove_file(&blob).unwrap();
    without.is_as_with(&repo).await;
    std::fs::write(&blob, whole).unwrap();
    repo.ok(&["repack", "-adq"]);
    let packs = std::fs::read_dir(repo.path().join(".git/objects/pack")).unwrap();
    let mut packs = packs.map(|entry| entry.unwrap().path());
    let pack = packs.find(|path| path.extension().is_some_and(|end| end == "pack"));
    rewrite(&pack.unwrap(), |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    without.is_as_with(&repo).await;
}

#[tokio::test]
async fn what_has_left_the_bucket_does_not_come_back_from_a_repository() {
    let (_dir, repo, base) = bucket().await;
    let store: Arc<dyn Store> = Arc::new(base.clone());
    let secret = repo.id("side").unwrap();
    let keep = async |seed, seconds: i64| {
        let set = SettingEdit::Set("retention", seconds.into());
        let remote = remote(Arc::clone(&store), seed, SMALL);
        let changed = remote.change_settings("config", vec![set], Vec::new(), WHO.to_owned());
        changed.await.unwrap();
    };
    let gc = async |seed, when| {
        let dir = tempfile::tempdir().unwrap();
        let remote = remote(Arc::clone(&store), seed, SMALL);
        let workshop = workshop(dir.path(), &remote, Some(&repo)).await;
        let done = maintenance::gc(remote.context(), &workshop, WHO, when).await;
        maintenance::run(remote.context(), &workshop, WHO)
            .await
            .unwrap();
        done.unwrap()
    };
    keep(5, 0).await;
    assert!(gc(7, When::Garbage).await.packed);
    assert!(!holds(&base, &secret));
    // By the log, `side` was there a moment ago.
    keep(6, MONTH).await;
    assert!(gc(8, When::Always).await.packed);
    assert!(!holds(&base, &secret));
    sound(&store).await;
}

#[tokio::test]
async fn a_merge_downloads_no_large_pack_that_the_repository_has() {
    let (_dir, repo, base) = bucket().await;
    let (alone, down, plain) = merge(&base, None).await;
    assert_eq!((alone.merged.len(), down.indexes), (1, 0));
    let (done, lent, bucket) = merge(&base, Some(&repo)).await;
    assert_eq!(done.merged, alone.merged);
    assert_eq!((lent.packs, lent.indexes), (1, down.packs - 1));
    assert_eq!(objects(&bucket).await, objects(&plain).await);
}

#[tokio::test]
async fn lfs_gc_reads_the_history_where_it_is() {
    let (dir, repo, base) = bucket().await;
    let plan = async |lender: Option<&Repo>| {
        let store = FaultStore::scripted(Arc::new(base.clone()), []);
        let context = remote(Arc::new(store.clone()), 4, SMALL).context().clone();
        let bench = Bench {
            git: world::git(&repo),
            folder: dir.path().join("bench"),
            lender: match lender {
                Some(lender) => Some(local(lender).await),
                None => None,
            },
        };
        let all = [context.clone()];
        let plan = lfs::plan_gc(&context, &all, &bench, lfs::GcRequest::default()).await;
        (
            plan.map(|plan| (plan.condemned, plan.needed)),
            Down::of(&store),
        )
    };
    let text = "version https://git-lfs.github.com/spec/v1\noid sha256:";
    repo.commit("p", format!("{text}{}\nsize 3\n", "0".repeat(64)));
    push_ok(&remote(Arc::new(base.clone()), 3, SMALL), &repo, &[MAIN]).await;
    let (alone, down) = plan(None).await;
    assert_eq!((down.packs, down.indexes), (6, 0));
    let (lent, down) = plan(Some(&repo)).await;
    assert_eq!((down.packs, down.indexes), (2, 4));
    assert_eq!(lent.unwrap(), alone.unwrap());
}
