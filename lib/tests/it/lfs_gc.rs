//! LFS objects that nobody needs: what the histories name stays, whatever is pushed meanwhile.

use crate::it::world::{self, MONTH, late, push_ok, remote};
use pail::format::settings::SettingEdit;
use pail::large_files::lfs::Oid;
use pail::maintenance::Bench;
use pail::maintenance::lfs::{self, GcPlan};
use pail::store::adapter::memory::Memory;
use pail::store::{Precondition, Store};
use pail::transfer::Context;
use pail::{ErrorKind, Remote};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use testkit::repo::Repo;

fn oid(text: &str) -> Oid {
    let hex: String = Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex.parse().unwrap()
}

/// A pointer file, as the specification of git-lfs has it.
fn pointer(text: &str) -> String {
    let (oid, size) = (oid(text), text.len());
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n")
}

/// Objects in a bucket, and a repository beside them whose main names the first.
async fn bucket(texts: &[&str], repo: &Repo) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    for text in texts {
        let key = oid(text).key().unwrap();
        let body = text.as_bytes().to_vec().into();
        let put = store.put(&key, body, Precondition::Absent).await;
        assert!(put.is_ok());
    }
    repo.commit("a.bin", pointer(texts[0]));
    let remote = remote(Arc::clone(&store), 1, world::SMALL);
    push_ok(&remote, repo, &["main:refs/heads/main"]).await;
    store
}

async fn plan(remote: &Remote, repo: &Repo) -> pail::Result<GcPlan> {
    let bench = bench(repo);
    let all = [remote.context().clone()];
    lfs::plan_gc(remote.context(), &all, &bench, None).await
}

fn bench(repo: &Repo) -> Bench {
    Bench {
        git: world::git(repo),
        folder: repo.path().join("..").join("bench"),
        lender: None,
    }
}

async fn sweep(context: &Context, plan: GcPlan) -> pail::Result<lfs::Swept> {
    lfs::sweep(context, std::slice::from_ref(context), plan).await
}

async fn there(store: &Arc<dyn Store>) -> Vec<Oid> {
    let stored = lfs::stored(&**store).await.unwrap();
    stored.objects.into_keys().collect()
}

fn sorted(texts: &[&str]) -> Vec<Oid> {
    let mut oids: Vec<_> = texts.iter().map(|text| oid(text)).collect();
    oids.sort();
    oids
}

#[tokio::test]
async fn what_a_ref_names_or_named_within_the_retention_time_stays() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("repo"));
    let store = bucket(&["main", "gone", "nobody"], &repo).await;
    let remote = remote(Arc::clone(&store), 2, world::SMALL);
    repo.branch("side").switch("side");
    repo.commit("deep/b.bin", pointer("gone"));
    push_ok(&remote, &repo, &["side:refs/heads/side"]).await;
    push_ok(&remote, &repo, &[":refs/heads/side"]).await;
    let now = plan(&remote, &repo).await.unwrap();
    assert_eq!(now.garbage.into_keys().collect::<Vec<_>>(), [oid("nobody")]);
    assert_eq!((now.needed, now.young), (2, 0));
    let later = late(Arc::clone(&store), 3, MONTH);
    let then = plan(&later, &repo).await.unwrap();
    let garbage: Vec<_> = then.garbage.keys().cloned().collect();
    assert_eq!(garbage, sorted(&["gone", "nobody"]));
    let swept = sweep(later.context(), then).await.unwrap();
    assert_eq!((swept.objects, swept.bytes), (2, 10));
    assert_eq!(there(&store).await, [oid("main")]);
}

#[tokio::test]
async fn what_is_pushed_after_the_plan_stays() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("repo"));
    let store = bucket(&["main", "again", "nobody"], &repo).await;
    let remote = remote(Arc::clone(&store), 2, world::SMALL);
    let plan = plan(&remote, &repo).await.unwrap();
    assert_eq!(plan.garbage.len(), 2);
    repo.commit("again.bin", pointer("again"));
    push_ok(&remote, &repo, &["main:refs/heads/main"]).await;
    let swept = sweep(remote.context(), plan).await.unwrap();
    assert_eq!(swept.objects, 1);
    assert_eq!(there(&store).await, sorted(&["main", "again"]));
}

#[tokio::test]
async fn a_repository_that_is_packed_anew_stops_it() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("repo"));
    let store = bucket(&["main", "nobody"], &repo).await;
    let remote = remote(Arc::clone(&store), 2, world::SMALL);
    repo.branch("side").switch("side");
    repo.commit("b", "dropped");
    push_ok(&remote, &repo, &["side:refs/heads/side"]).await;
    push_ok(&remote, &repo, &[":refs/heads/side"]).await;
    let later = late(Arc::clone(&store), 3, MONTH);
    let plan = plan(&later, &repo).await.unwrap();
    assert!(world::collect(&later, &repo).await.unwrap().packed);
    let error = sweep(later.context(), plan).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    assert_eq!(there(&store).await, sorted(&["main", "nobody"]));
}

#[tokio::test]
async fn all_that_share_a_place_are_counted_and_none_may_be_missing() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (
        Repo::init(dir.path().join("one")),
        Repo::init(dir.path().join("two")),
    );
    let first = bucket(&["first", "second", "nobody"], &one).await;
    let second = bucket(&["second"], &two).await;
    let contexts: Vec<Context> = [&first, &second]
        .map(|store| remote(Arc::clone(store), 4, world::SMALL).context().clone())
        .into();
    let plan = lfs::plan_gc(&contexts[0], &contexts, &bench(&one), None).await;
    let garbage: Vec<_> = plan.unwrap().garbage.into_keys().collect();
    assert_eq!(garbage, [oid("nobody")]);
    let empty: Arc<dyn Store> = Arc::new(Memory::new());
    let missing = remote(empty, 5, world::SMALL).context().clone();
    let all = [contexts[0].clone(), missing];
    let error = lfs::plan_gc(&contexts[0], &all, &bench(&one), None).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Missing);
}

#[tokio::test]
async fn a_longer_retention_of_one_holds_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("repo"));
    let store = bucket(&["main"], &repo).await;
    let remote = remote(Arc::clone(&store), 2, world::SMALL);
    let grace = async || plan(&remote, &repo).await.unwrap().grace;
    assert_eq!(grace().await, 14 * 86_400);
    for (retention, least) in [(0, 86_400), (90 * 86_400, 90 * 86_400)] {
        let edit = SettingEdit::Set("retention", retention.into());
        let who = world::WHO.to_owned();
        remote
            .change_settings("config", vec![edit], Vec::new(), who)
            .await
            .unwrap();
        assert_eq!(grace().await, least);
    }
}
