//! Maintenance on real repositories: what a reader sees before, between and after.

use crate::it::world::{SMALL, WHO, clone, fetch, git, maintain, push_ok, remote, sound};
use pail::format::keys;
use pail::format::manifest::{PackSource, Why};
use pail::maintenance::levels::of_a_clone;
use pail::maintenance::sweep::MERGED_GRACE;
use pail::maintenance::{Merged, Workshop, is_due, merge, plan};
use pail::progress::Quiet;
use pail::store::adapter::memory::Memory;
use pail::store::{Limits, Store};
use pail::transaction::Cache;
use pail::transfer::Context;
use pail::{ObjectFormat, Remote};
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::clock::HandClock;
use testkit::git::Git;
use testkit::ids::SeededIds;
use testkit::repo::Repo;

const MAIN: &str = "main:refs/heads/main";

/// The ids of all objects that lie in the packs of a clone.
fn objects(repo: &Repo) -> BTreeSet<String> {
    let args = [
        "cat-file",
        "--batch-check=%(objectname)",
        "--batch-all-objects",
    ];
    repo.ok(&args).lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn packs_are_merged_and_every_object_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let remote = remote(Arc::clone(&store), 1, SMALL);
    let mut merged = 0;
    for number in 0..21 {
        repo.commit(
            &format!("f{}", number % 3),
            format!("{number}\n").repeat(50),
        );
        push_ok(&remote, &repo, &[MAIN]).await;
        let due = is_due(&remote.existing().await.unwrap());
        let report = maintain(&remote, &repo).await.unwrap();
        assert_eq!(!report.merged.is_empty(), due);
        merged += report.merged.len();
    }
    let manifest = sound(&store).await.unwrap().snapshot.manifest;
    assert!(merged >= 4, "{merged}");
    assert_eq!(manifest.epoch, 0, "no object has left");
    let clone_packs = of_a_clone(&manifest.packs);
    assert!(
        clone_packs.len() <= 8,
        "2 log2(21) is 8.8: {}",
        clone_packs.len()
    );
    let sources: BTreeSet<_> = clone_packs.iter().map(|pack| pack.source).collect();
    assert!(sources.contains(&PackSource::Merge));
    // Nothing stands twice in the packs of a clone.
    let count: u64 = clone_packs.iter().map(|pack| pack.objects).sum();
    let copy = clone(&store, &dir.path().join("copy")).await;
    assert_eq!(objects(&copy), objects(&repo));
    assert_eq!(objects(&copy).len() as u64, count);
}

#[tokio::test]
async fn a_repository_of_sha256_is_merged_too() {
    let dir = tempfile::tempdir().unwrap();
    let git = Git::new();
    let repo = Repo::init_with(&git, dir.path().join("work"), &["--object-format=sha256"]);
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let remote = remote(Arc::clone(&store), 1, Limits::default());
    for number in 0..4 {
        repo.commit("f", format!("{number}\n"));
        push_ok(&remote, &repo, &[MAIN]).await;
    }
    let at = remote.existing().await.unwrap();
    assert_eq!(at.manifest.object_format, ObjectFormat::Sha256);
    let workshop = Workshop::open(dir.path(), "x", super::world::git(&repo))
        .unwrap()
        .unwrap();
    let run = plan(&at, 0).unwrap().merge.unwrap();
    let done = merge(remote.context(), &workshop, at, &run, WHO.to_owned())
        .await
        .unwrap();
    let Merged::Done(now) = done else {
        panic!("nobody else is there");
    };
    assert_eq!(now.manifest.packs.last().unwrap().objects, 12);
    let local = Repo::init_with(
        &git,
        dir.path().join("copy"),
        &["--bare", "--object-format=sha256"],
    );
    fetch(&remote, &local, true).await.unwrap();
    local.ok(&["update-ref", "refs/heads/main", &repo.head()]);
    local.fsck();
}

#[tokio::test]
async fn what_two_pushes_brought_twice_stands_once_in_the_merged_pack() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let (first, second) = (
        remote(Arc::clone(&store), 1, SMALL),
        remote(Arc::clone(&store), 2, SMALL),
    );
    push_ok(&first, &repo, &[MAIN]).await;
    let old = first.existing().await.unwrap();
    repo.commit("a", "two\n");
    push_ok(&first, &repo, &[MAIN]).await;
    // The second one has not seen that.
    let edits = super::world::edits(&repo, Some(&old), &["main:refs/heads/other"]);
    let local = super::world::local(&repo).await;
    second
        .push(&local, Some(old), &super::world::request(edits))
        .await
        .unwrap();
    repo.commit("a", "three\n");
    push_ok(&first, &repo, &[MAIN]).await;
    let packs = first.existing().await.unwrap().manifest.packs;
    assert_eq!(packs.iter().map(|pack| pack.objects).sum::<u64>(), 12);
    maintain(&first, &repo).await.unwrap();
    let manifest = sound(&store).await.unwrap().snapshot.manifest;
    let taken = of_a_clone(&manifest.packs);
    assert_eq!(taken.len(), 1);
    assert_eq!(
        taken[0].objects, 9,
        "three commits, each with a tree and a blob"
    );
}

#[tokio::test]
async fn a_reader_one_push_behind_takes_that_push_only() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let memory = Memory::new();
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let remote = remote(Arc::clone(&store), 1, Limits::default());
    let reader = Repo::init_with(&Git::new(), dir.path().join("reader"), &["--bare"]);
    for number in 0..16 {
        repo.commit("f", format!("{number}\n"));
        push_ok(&remote, &repo, &[MAIN]).await;
        maintain(&remote, &repo).await.unwrap();
        let before = objects(&reader).len();
        let (mut fetched, _) = fetch(&remote, &reader, number == 0).await.unwrap();
        fetched.release();
        reader.ok(&["update-ref", "refs/heads/main", &repo.head()]);
        reader.fsck();
        assert_eq!(objects(&reader).len(), before + 3);
        // Had it taken a merged pack, that would be here now, with more than three objects.
        let packs = reader.path().join("objects/pack");
        let largest = std::fs::read_dir(packs).unwrap().count();
        assert!(
            number == 0 || largest <= 3,
            "the pack of the clone only: {largest}"
        );
    }
}

/// A remote whose time is moved by hand.
fn timed(store: &Arc<dyn Store>, seed: u64, clock: &HandClock) -> Remote {
    Remote::new(Context {
        store: Arc::clone(store),
        cache: Cache::default(),
        ids: Arc::new(SeededIds::new(seed)),
        clock: Arc::new(clock.clone()),
        limits: Limits::default(),
        lease: false,
        progress: Arc::new(Quiet),
    })
}

#[tokio::test]
async fn merged_packs_are_condemned_first_and_deleted_an_hour_later() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let memory = Memory::new();
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let clock = HandClock::default();
    let remote = timed(&store, 1, &clock);
    for number in 0..4 {
        repo.commit("f", format!("{number}\n"));
        push_ok(&remote, &repo, &[MAIN]).await;
    }
    maintain(&remote, &repo).await.unwrap();
    let manifest = remote.existing().await.unwrap().manifest;
    let gone = manifest.condemned[0].clone();
    assert_eq!(gone.why, Why::Merged);
    assert!(
        memory.files().contains_key(&*gone.key),
        "readers may be on their way"
    );
    clock.advance(MERGED_GRACE - 1);
    assert_eq!(maintain(&remote, &repo).await.unwrap().deleted, 0);
    clock.advance(1);
    assert_eq!(
        maintain(&remote, &repo).await.unwrap().deleted,
        manifest.condemned.len()
    );
    assert!(!memory.files().contains_key(&*gone.key));
    let after = sound(&store).await.unwrap().snapshot.manifest;
    assert!(after.condemned.is_empty());
    assert_eq!(after.epoch, 0, "nobody sleeps who could name a merged pack");
}

#[tokio::test]
async fn one_process_of_a_machine_is_at_work_at_a_time_and_clears_what_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let open = |id: &str| Workshop::open(dir.path(), id, git(&repo)).unwrap();
    let left = dir.path().join("one/work.git");
    std::fs::create_dir_all(&left).unwrap();
    let first = open("one");
    assert!(first.is_some() && !left.exists());
    assert!(open("one").is_none());
    assert!(open("two").is_some());
    drop(first);
    assert!(open("one").is_some());
}

#[tokio::test]
async fn a_pack_that_is_gone_from_the_bucket_is_said_and_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let remote = remote(Arc::clone(&store), 1, SMALL);
    for number in 0..4 {
        repo.commit("f", format!("{number}\n"));
        push_ok(&remote, &repo, &[MAIN]).await;
    }
    let before = remote.existing().await.unwrap().manifest;
    store
        .delete(&keys::pack(&before.packs[1].name).unwrap())
        .await
        .unwrap();
    let error = maintain(&remote, &repo).await.unwrap_err();
    assert_eq!(error.kind(), pail::ErrorKind::Corrupt, "{error}");
    assert_eq!(remote.existing().await.unwrap().manifest, before);
}
