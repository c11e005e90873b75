//! LFS objects that nobody needs: what the histories name stays, whatever is pushed meanwhile.

use crate::it::world::{self, MONTH, late, push_ok, remote};
use pail::format::settings::SettingEdit;
use pail::large_files::condemned::HOLD;
use pail::large_files::lfs::Oid;
use pail::maintenance::Bench;
use pail::maintenance::lfs::{self, GcPlan, GcRequest};
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
    lfs::plan_gc(remote.context(), &all, &bench, GcRequest::default()).await
}

fn bench(repo: &Repo) -> Bench {
    Bench {
        git: world::git(repo),
        folder: repo.path().join("..").join("bench"),
        lender: None,
    }
}

async fn sweep(context: &Context, plan: GcPlan) -> pail::Result<lfs::Swept> {
    lfs::sweep(context, std::slice::from_ref(context), plan, false).await
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

/// Condemns what can be, as a run of gc does that finds nothing else to do.
async fn condemn(remote: &Remote, repo: &Repo) {
    let first = plan(remote, repo).await.unwrap();
    assert!(first.garbage.is_empty());
    let swept = sweep(remote.context(), first).await.unwrap();
    assert_eq!(swept.objects, 0);
}

fn garbage(plan: &GcPlan) -> Vec<Oid> {
    plan.garbage.keys().cloned().collect()
}

#[tokio::test]
async fn what_a_ref_names_or_named_within_the_retention_time_stays() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("repo"));
    let store = bucket(&["main", "gone", "nobody"], &repo).await;
    let now = remote(Arc::clone(&store), 2, world::SMALL);
    repo.branch("side").switch("side");
    repo.commit("deep/b.bin", pointer("gone"));
    push_ok(&now, &repo, &["side:refs/heads/side"]).await;
    push_ok(&now, &repo, &[":refs/heads/side"]).await;
    let first = plan(&now, &repo).await.unwrap();
    let condemned: Vec<_> = first.condemned.keys().cloned().collect();
    assert_eq!(condemned, [oid("nobody")]);
    assert_eq!((first.needed, first.young), (2, 0));
    let later = late(Arc::clone(&store), 3, MONTH);
    condemn(&later, &repo).await;
    let after = late(Arc::clone(&store), 4, MONTH + HOLD);
    let then = plan(&after, &repo).await.unwrap();
    assert_eq!(garbage(&then), sorted(&["gone", "nobody"]));
    let swept = sweep(after.context(), then).await.unwrap();
    assert_eq!((swept.objects, swept.bytes), (2, 10));
    assert_eq!(there(&store).await, [oid("main")]);
    assert!(plan(&after, &repo).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_condemned_goes_after_a_day_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("repo"));
    let store = bucket(&["main", "nobody"], &repo).await;
    condemn(&remote(Arc::clone(&store), 2, world::SMALL), &repo).await;
    let early = late(Arc::clone(&store), 3, HOLD - 1);
    let plan_early = plan(&early, &repo).await.unwrap();
    assert_eq!((plan_early.garbage.len(), plan_early.waiting), (0, 1));
    let due = late(Arc::clone(&store), 4, HOLD);
    assert_eq!(garbage(&plan(&due, &repo).await.unwrap()), [oid("nobody")]);
    // A clock that is wrong on this machine deletes nothing that the list says is younger.
    let plan_due = plan(&due, &repo).await.unwrap();
    let swept = sweep(early.context(), plan_due).await.unwrap();
    assert_eq!(swept.objects, 0);
    assert_eq!(there(&store).await, sorted(&["main", "nobody"]));
}

#[tokio::test]
async fn at_once_needs_no_list_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("repo"));
    let store = bucket(&["main", "nobody"], &repo).await;
    let remote = remote(Arc::clone(&store), 2, world::SMALL);
    let request = GcRequest {
        at_once: true,
        grace: None,
    };
    let all = [remote.context().clone()];
    let plan = lfs::plan_gc(remote.context(), &all, &bench(&repo), request).await;
    let swept = sweep(remote.context(), plan.unwrap()).await.unwrap();
    assert_eq!((swept.objects, swept.condemned), (1, 0));
    assert_eq!(there(&store).await, [oid("main")]);
}

#[tokio::test]
async fn what_is_pushed_after_the_plan_stays() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("repo"));
    let store = bucket(&["main", "again", "nobody"], &repo).await;
    condemn(&remote(Arc::clone(&store), 2, world::SMALL), &repo).await;
    let later = late(Arc::clone(&store), 3, HOLD);
    let now = plan(&later, &repo).await.unwrap();
    assert_eq!(now.garbage.len(), 2);
    repo.commit("again.bin", pointer("again"));
    push_ok(&later, &repo, &["main:refs/heads/main"]).await;
    let swept = sweep(later.context(), now).await.unwrap();
    assert_eq!(swept.objects, 1);
    assert_eq!(there(&store).await, sorted(&["main", "again"]));
    assert!(plan(&later, &repo).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_named_again_is_struck_off_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("repo"));
    let store = bucket(&["main", "again"], &repo).await;
    let now = remote(Arc::clone(&store), 2, world::SMALL);
    condemn(&now, &repo).await;
    repo.commit("again.bin", pointer("again"));
    push_ok(&now, &repo, &["main:refs/heads/main"]).await;
    let next = plan(&now, &repo).await.unwrap();
    assert!(next.condemned.is_empty() && !next.is_empty());
    let _ = sweep(now.context(), next).await.unwrap();
    assert!(plan(&now, &repo).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_repository_that_is_packed_anew_stops_it() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("repo"));
    let store = bucket(&["main", "nobody"], &repo).await;
    let now = remote(Arc::clone(&store), 2, world::SMALL);
    repo.branch("side").switch("side");
    repo.commit("b", "dropped");
    push_ok(&now, &repo, &["side:refs/heads/side"]).await;
    push_ok(&now, &repo, &[":refs/heads/side"]).await;
    condemn(&now, &repo).await;
    let later = late(Arc::clone(&store), 3, MONTH);
    let due = plan(&later, &repo).await.unwrap();
    assert_eq!(due.garbage.len(), 1);
    assert!(world::collect(&later, &repo).await.unwrap().packed);
    let error = sweep(later.context(), due).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    assert_eq!(there(&store).await, sorted(&["main", "nobody"]));
    // Nothing stays marked: the next run goes on at once.
    let again = plan(&later, &repo).await.unwrap();
    assert_eq!(sweep(later.context(), again).await.unwrap().objects, 1);
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
    let plan = lfs::plan_gc(&contexts[0], &contexts, &bench(&one), GcRequest::default()).await;
    let condemned: Vec<_> = plan.unwrap().condemned.into_keys().collect();
    assert_eq!(condemned, [oid("nobody")]);
    let empty: Arc<dyn Store> = Arc::new(Memory::new());
    let missing = remote(empty, 5, world::SMALL).context().clone();
    let all = [contexts[0].clone(), missing];
    let error = lfs::plan_gc(&contexts[0], &all, &bench(&one), GcRequest::default()).await;
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
