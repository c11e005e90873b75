//! Maintenance that makes the list of what lies aside anew, beside pushes, fetches, gc and
//! itself: in every order of their store calls, and dead at every one of them.

use crate::it::aside::{ENOUGH, listed, names};
use crate::it::nets::{ran, refs};
use crate::it::world::{
    MONTH, SMALL, collect, copy, fetch, late, maintain, push, push_ok, remote, sound,
};
use pail::ErrorKind;
use pail::refs::Outcome;
use pail::store::Store;
use pail::store::adapter::memory::Memory;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use testkit::crash::at_every_call;
use testkit::git::Git;
use testkit::interleave::{Client, Explore, client};
use testkit::repo::Repo;

const MAIN: &str = "main:refs/heads/main";

/// A bucket with a list aside, in which the next merge makes another one; a commit that was not
/// pushed; and a reader with an old state of it.
async fn due() -> (tempfile::TempDir, Repo, Memory) {
    let (dir, repo, memory) = listed(ENOUGH, 4000).await;
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    assert!(!names(&store).await.is_empty());
    let remote = remote(store, 2000, SMALL);
    for number in 0..4 {
        repo.commit("f", format!("{number}\n"));
        push_ok(&remote, &repo, &[MAIN]).await;
    }
    repo.commit("f", "new\n");
    (dir, repo, memory)
}

/// What a client of these nets was told.
#[derive(Debug)]
enum Told {
    Pushed(pail::Result<Vec<Outcome>>),
    Other,
}

fn pusher(repo: &Repo, seed: u64) -> Client<'_, (), Told> {
    client(move |store, _: Rc<()>| async move {
        Told::Pushed(push(&remote(store, seed, SMALL), repo, &[MAIN]).await)
    })
}

fn maintainer(repo: &Repo, seed: u64) -> Client<'_, (), Told> {
    client(move |store, _: Rc<()>| async move {
        maintain(&remote(store, seed, SMALL), repo).await.unwrap();
        Told::Other
    })
}

/// Gc for which every file is old and the retention time is over: what it takes for a leftover
/// is condemned.
fn collector(repo: &Repo, seed: u64) -> Client<'_, (), Told> {
    client(move |store, _: Rc<()>| async move {
        if let Err(error) = collect(&late(store, seed, MONTH), repo).await {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        }
        Told::Other
    })
}

/// A reader that has the first push only.
fn reader(repo: &Repo, seed: u64) -> Client<'_, (), Told> {
    client(move |store, _: Rc<()>| async move {
        let dir = tempfile::tempdir().unwrap();
        let local = Repo::init_with(&Git::new(), dir.path().join("r"), &["--bare"]);
        let source = repo.path().display().to_string();
        local.ok(&["fetch", "-q", &source, "refs/heads/first:refs/heads/main"]);
        let done = fetch(&remote(store, seed, SMALL), &local, false).await;
        let (_, at) = done.unwrap();
        for (_, value) in at.refs.iter() {
            local.ok(&["rev-list", "--objects", "--quiet", &value.oid.to_string()]);
        }
        Told::Other
    })
}

/// Runs them in so many orders: nothing is lost, and the list is always right.
async fn in_every_order(
    what: &str,
    limit: usize,
    clients: &[Client<'_, (), Told>],
    (repo, base): (&Repo, &Memory),
) {
    let original: Arc<dyn Store> = Arc::new(base.clone());
    let before = names(&original).await;
    let made = Cell::new(0);
    let setup = async || (Arc::new(copy(base).await) as Arc<dyn Store>, ());
    let explored = Explore::up_to(limit)
        .run(setup, clients, async |store, _, told, _| {
            let now = refs(sound(&store).await.as_ref());
            for told in told {
                if let Told::Pushed(outcomes) = told {
                    assert_eq!(outcomes.unwrap(), [Outcome::Updated]);
                    assert_eq!(now["refs/heads/main"], repo.head());
                }
            }
            made.set(made.get() + usize::from(names(&store).await != before));
        })
        .await;
    assert!(made.get() > 0, "a list was made");
    ran(what, explored);
}

#[tokio::test(start_paused = true)]
async fn heavy_a_push_and_a_list_aside_in_every_order_lose_nothing() {
    let (_dir, repo, base) = due().await;
    let clients = [maintainer(&repo, 1), pusher(&repo, 2)];
    in_every_order("push and list aside", 40, &clients, (&repo, &base)).await;
}

#[tokio::test(start_paused = true)]
async fn heavy_two_lists_aside_and_a_push_in_every_order_lose_nothing() {
    let (_dir, repo, base) = due().await;
    let clients = [maintainer(&repo, 1), maintainer(&repo, 2), pusher(&repo, 3)];
    in_every_order("two lists aside and a push", 30, &clients, (&repo, &base)).await;
}

#[tokio::test(start_paused = true)]
async fn heavy_gc_and_a_list_aside_in_every_order_lose_nothing() {
    let (_dir, repo, base) = due().await;
    let clients = [maintainer(&repo, 1), collector(&repo, 2), pusher(&repo, 3)];
    in_every_order("gc, list aside and push", 20, &clients, (&repo, &base)).await;
}

#[tokio::test(start_paused = true)]
async fn heavy_a_reader_far_behind_and_a_list_aside_in_every_order_end_well() {
    let (_dir, repo, base) = due().await;
    repo.ok(&["update-ref", "refs/heads/first", "main~19"]);
    let clients = [maintainer(&repo, 1), reader(&repo, 2)];
    in_every_order("reader and list aside", 30, &clients, (&repo, &base)).await;
}

#[tokio::test(start_paused = true)]
async fn heavy_what_makes_a_list_aside_dies_anywhere() {
    let (_dir, repo, base) = due().await;
    let old: Arc<dyn Store> = Arc::new(base.clone());
    let before = refs(sound(&old).await.as_ref());
    let (points, landed) = (Cell::new(0), Cell::new(0));
    let list = names(&old).await;
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let calls = at_every_call(
        setup,
        async |store, (): &()| maintain(&remote(store, 2, SMALL), &repo).await,
        async |bucket, (), _| {
            points.set(points.get() + 1);
            assert_eq!(refs(sound(&bucket).await.as_ref()), before);
            let other = names(&bucket).await != list;
            landed.set(landed.get() + usize::from(other));
            // The next one goes on where this one ended; what it left is found and goes.
            let next = remote(Arc::clone(&bucket), 3, SMALL);
            maintain(&next, &repo).await.unwrap();
            assert_ne!(names(&bucket).await, list);
            for (seed, months) in [(4, 6), (5, 9)] {
                let late = late(Arc::clone(&bucket), seed, months * MONTH);
                collect(&late, &repo).await.unwrap();
                maintain(&late, &repo).await.unwrap();
            }
            let ledger = sound(&bucket).await.unwrap();
            assert_eq!(refs(Some(&ledger)), before);
            let lists = bucket.list("pail/aside/", None);
            let lists: Vec<_> = futures_util::TryStreamExt::try_collect(lists)
                .await
                .unwrap();
            let named = usize::from(ledger.snapshot.manifest.aside.is_some());
            assert_eq!(lists.len(), named, "{lists:?}");
        },
    )
    .await;
    eprintln!(
        "crash: {} points ({calls} calls, landed at {}): list aside",
        points.get(),
        landed.get()
    );
    assert!(landed.get() > 1 && landed.get() < points.get());
}
