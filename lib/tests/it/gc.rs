//! What gc takes and what it leaves.

use crate::it::world::{
    MONTH, SMALL, collect, fetch, late, maintain, push, push_ok, remote, sound,
};
use bytes::Bytes;
use pail::format::keys;
use pail::format::manifest::{Holds, Why};
use pail::format::settings::SettingEdit;
use pail::refs::Outcome;
use pail::store::adapter::memory::Memory;
use pail::store::{Precondition, Put, Store};
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::git::Git;
use testkit::repo::Repo;

const MAIN: &str = "main:refs/heads/main";
const SIDE: &str = "side:refs/heads/side";

/// A bucket with `main`, and with `side` that was pushed and deleted again.
async fn with_garbage() -> (tempfile::TempDir, Repo, Memory, String) {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let memory = Memory::new();
    let remote = remote(Arc::new(memory.clone()), 1, SMALL);
    push_ok(&remote, &repo, &[MAIN]).await;
    let secret = repo.switch("side").commit("password", "secret\n");
    push_ok(&remote, &repo, &[SIDE]).await;
    push_ok(&remote, &repo, &[":refs/heads/side"]).await;
    repo.switch("main").commit("a", "two\n");
    push_ok(&remote, &repo, &[MAIN]).await;
    (dir, repo, memory, secret)
}

/// Whether an object lies in one of the packs of the bucket.
pub(crate) fn holds(memory: &Memory, id: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let git = Git::new();
    let repo = Repo::init_with(&git, dir.path().join("all"), &["--bare"]);
    for (key, body) in memory.files() {
        if key.ends_with(".pack") {
            let args = ["index-pack", "--stdin"];
            repo.git().ok_with(&args, &body);
        }
    }
    repo.id(&format!("{id}^{{commit}}")).is_some()
}

#[tokio::test]
async fn what_nothing_needs_goes_after_the_retention_time_and_not_before() {
    let (_dir, repo, memory, secret) = with_garbage().await;
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let early = remote(Arc::clone(&store), 2, SMALL);
    let collected = collect(&early, &repo).await.unwrap();
    assert_eq!((collected.garbage, collected.packed), (0, false));

    let before = early.existing().await.unwrap().manifest;
    let later = late(Arc::clone(&store), 3, MONTH);
    let collected = collect(&later, &repo).await.unwrap();
    assert_eq!((collected.objects, collected.garbage), (9, 3));
    assert!(collected.packed);
    let after = sound(&store).await.unwrap().snapshot.manifest;
    assert_eq!(after.epoch, before.epoch + 1);
    let dropped = after
        .condemned
        .iter()
        .filter(|gone| gone.why == Why::Dropped);
    assert!(dropped.count() > 0);
    assert!(holds(&memory, &secret), "readers may be on their way");
    // A second one finds nothing to do.
    assert!(!collect(&later, &repo).await.unwrap().packed);

    let latest = late(Arc::clone(&store), 4, 2 * MONTH);
    assert!(maintain(&latest, &repo).await.unwrap().deleted > 0);
    assert!(!holds(&memory, &secret));
    let manifest = sound(&store).await.unwrap().snapshot.manifest;
    assert!(manifest.condemned.is_empty());
}

#[tokio::test]
async fn the_retention_time_is_the_repository_s_own() {
    let (_dir, repo, memory, _) = with_garbage().await;
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let later = late(Arc::clone(&store), 3, MONTH);
    let year = SettingEdit::Set("retention", (365 * 86_400).into());
    let who = "A <a@b>".to_owned();
    later
        .change_settings("config", vec![year], Vec::new(), who)
        .await
        .unwrap();
    assert_eq!(collect(&later, &repo).await.unwrap().garbage, 0);
    let none = SettingEdit::Set("retention", 0.into());
    let who = "A <a@b>".to_owned();
    later
        .change_settings("config", vec![none], Vec::new(), who)
        .await
        .unwrap();
    assert_eq!(collect(&later, &repo).await.unwrap().garbage, 3);
}

#[tokio::test]
async fn a_branch_that_was_deleted_and_collected_is_pushed_again_whole() {
    let (_dir, repo, memory, secret) = with_garbage().await;
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    // The pusher saw the repository when `side` was still there.
    let pusher = remote(Arc::clone(&store), 5, SMALL);
    collect(&late(Arc::clone(&store), 3, MONTH), &repo)
        .await
        .unwrap();
    maintain(&late(Arc::clone(&store), 4, 2 * MONTH), &repo)
        .await
        .unwrap();
    assert_eq!(
        push(&pusher, &repo, &[SIDE]).await.unwrap(),
        [Outcome::Updated]
    );
    let refs = sound(&store).await.unwrap().refs();
    assert!(refs.values().any(|oid| oid.to_string() == secret));
}

#[tokio::test]
async fn a_ref_that_moved_there_and_back_stays_whole() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let first = repo.commit("a", "one\n");
    let memory = Memory::new();
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let remote = remote(Arc::clone(&store), 1, SMALL);
    push_ok(&remote, &repo, &[MAIN]).await;
    repo.commit("a", "two\n");
    push_ok(&remote, &repo, &[MAIN]).await;
    let old = remote.snapshot().await.unwrap();
    push_ok(&remote, &repo, &[&format!("{first}:refs/heads/main")]).await;
    collect(&late(Arc::clone(&store), 3, MONTH), &repo)
        .await
        .unwrap();
    maintain(&late(Arc::clone(&store), 4, 2 * MONTH), &repo)
        .await
        .unwrap();
    sound(&store).await.unwrap();
    // Who has read the refs before that still builds on what is gone.
    let topic = repo.switch("topic").commit("b", "three\n");
    let edits = super::world::edits(&repo, old.as_ref(), &["topic:refs/heads/topic"]);
    let local = super::world::local(&repo).await;
    let outcomes = remote
        .push(&local, old, &super::world::request(edits))
        .await
        .unwrap();
    assert_eq!(outcomes, [Outcome::Updated]);
    let refs = sound(&store).await.unwrap().refs();
    assert!(refs.values().any(|oid| oid.to_string() == topic));
}

#[tokio::test]
async fn a_reader_one_push_behind_does_not_take_the_base() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let remote = remote(Arc::clone(&store), 1, SMALL);
    let mut chance = testkit::seed::Chance::new(3);
    repo.commit("large", chance.bytes(20_000));
    push_ok(&remote, &repo, &[MAIN]).await;
    repo.switch("side").commit("b", "garbage\n");
    push_ok(&remote, &repo, &[SIDE]).await;
    push_ok(&remote, &repo, &[":refs/heads/side"]).await;
    let reader = Repo::init_with(&Git::new(), dir.path().join("reader"), &["--bare"]);
    fetch(&remote, &reader, true).await.unwrap();
    repo.switch("main");
    reader.ok(&["update-ref", "refs/heads/main", &repo.head()]);
    repo.commit("a", "last\n");
    push_ok(&remote, &repo, &[MAIN]).await;
    assert!(
        collect(&late(Arc::clone(&store), 3, MONTH), &repo)
            .await
            .unwrap()
            .packed
    );
    let packs = sound(&store).await.unwrap().snapshot.manifest.packs;
    let behind = pail::transfer::cover(&packs, packs[0].to - 1, packs[0].to).unwrap();
    assert!(
        behind.iter().map(|pack| pack.size).sum::<u64>() < 2000,
        "{behind:?}"
    );
    fetch(&remote, &reader, false).await.unwrap();
    reader.ok(&["update-ref", "refs/heads/main", &repo.head()]);
    reader.fsck();
}

#[tokio::test]
async fn a_large_repository_is_split_into_commits_with_trees_and_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let memory = Memory::new();
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let remote = remote(Arc::clone(&store), 1, SMALL);
    let mut chance = testkit::seed::Chance::new(4);
    for number in 0..3 {
        repo.commit(&format!("f{number}"), chance.bytes(600_000));
        push_ok(&remote, &repo, &[MAIN]).await;
    }
    repo.annotated_tag("v1");
    push_ok(&remote, &repo, &["refs/tags/v1:refs/tags/v1"]).await;
    push_ok(&remote, &repo, &["HEAD~1:refs/heads/old"]).await;
    repo.switch("side").commit("b", "garbage\n");
    push_ok(&remote, &repo, &[SIDE]).await;
    push_ok(&remote, &repo, &[":refs/heads/side"]).await;
    collect(&late(Arc::clone(&store), 3, MONTH), &repo)
        .await
        .unwrap();
    let packs = sound(&store).await.unwrap().snapshot.manifest.packs;
    let base: Vec<_> = packs.iter().filter(|pack| pack.from == 0).collect();
    let of = |holds| base.iter().find(|pack| pack.holds == holds).unwrap();
    // Three commits, three trees and a tag; three blobs.
    assert_eq!(of(Holds::CommitsAndTrees).objects, 7);
    assert_eq!(of(Holds::Blobs).objects, 3);
}

#[tokio::test]
async fn leftovers_are_condemned_then_deleted_and_the_epoch_tells_sleeping_writers() {
    let (_dir, repo, memory, _) = with_garbage().await;
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let key = keys::pack(&"7".repeat(40)).unwrap();
    let other = pail::Key::new("objects/pack/notes.txt").unwrap();
    for key in [&key, &other] {
        let put = store
            .put(key, Bytes::from_static(b"x"), Precondition::Absent)
            .await;
        assert!(matches!(put, Ok(Put::Written(_))));
    }
    let early = remote(Arc::clone(&store), 2, SMALL);
    let collected = collect(&early, &repo).await.unwrap();
    assert_eq!((collected.garbage, collected.leftovers), (0, 1));
    let manifest = sound(&store).await.unwrap().snapshot.manifest;
    assert_eq!(manifest.condemned.len(), 1);
    assert_eq!(
        (&*manifest.condemned[0].key, manifest.condemned[0].why),
        (key.as_str(), Why::Leftover)
    );
    assert_eq!(manifest.epoch, 0);
    assert_eq!(
        collect(&early, &repo).await.unwrap().leftovers,
        0,
        "once is enough"
    );
    assert_eq!(maintain(&early, &repo).await.unwrap().deleted, 0);
    let later = late(Arc::clone(&store), 3, MONTH);
    assert_eq!(maintain(&later, &repo).await.unwrap().deleted, 1);
    let keys: BTreeSet<_> = memory.files().into_keys().collect();
    assert!(!keys.contains(key.as_str()));
    assert!(keys.contains(other.as_str()), "that is none of ours");
    assert_eq!(sound(&store).await.unwrap().snapshot.manifest.epoch, 1);
}

#[tokio::test]
async fn a_bucket_that_lacks_something_is_left_as_it_is() {
    let (_dir, repo, memory, _) = with_garbage().await;
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let later = late(Arc::clone(&store), 3, MONTH);
    let before = later.existing().await.unwrap().manifest;
    store
        .delete(&keys::pack(&before.packs[0].name).unwrap())
        .await
        .unwrap();
    let error = collect(&later, &repo).await.unwrap_err();
    assert_eq!(error.kind(), pail::ErrorKind::Corrupt, "{error}");
    assert_eq!(later.existing().await.unwrap().manifest, before);
}
