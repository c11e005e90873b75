//! Maintenance beside pushes, fetches and other maintenance: in every order of their store
//! calls, and dead at every one of them.

use crate::it::nets::{ran, refs};
use crate::it::world::{self, SMALL, copy, fetch, maintain, push, push_ok, remote, sound};
use pail::ErrorKind;
use pail::maintenance::levels::of_a_clone;
use pail::refs::Outcome;
use pail::store::Store;
use pail::store::adapter::memory::Memory;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use testkit::crash::at_every_call;
use testkit::interleave::{Client, Explore, client};
use testkit::repo::Repo;

const MAIN: &str = "main:refs/heads/main";
const SIDE: &str = "side:refs/heads/side";

/// A bucket of so many pushes that nobody maintained, and the repository behind it.
async fn pushed(count: usize) -> (tempfile::TempDir, Repo, Memory) {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let memory = Memory::new();
    let remote = remote(Arc::new(memory.clone()), 1000, SMALL);
    for number in 0..count {
        repo.commit("f", format!("{number}\n"));
        push_ok(&remote, &repo, &[MAIN]).await;
    }
    (dir, repo, memory)
}

/// What a client of these nets was told.
#[derive(Debug)]
enum Told {
    Pushed(pail::Result<Vec<Outcome>>),
    Maintained(pail::Result<pail::maintenance::Report>),
}

fn pusher<'a>(repo: &'a Repo, seed: u64, spec: &'static str) -> Client<'a, (), Told> {
    client(move |store, _: Rc<()>| async move {
        let remote = remote(store, seed, SMALL);
        Told::Pushed(push(&remote, repo, &[spec]).await)
    })
}

fn maintainer(repo: &Repo, seed: u64) -> Client<'_, (), Told> {
    client(move |store, _: Rc<()>| async move {
        let remote = remote(store, seed, SMALL);
        Told::Maintained(maintain(&remote, repo).await)
    })
}

#[tokio::test(start_paused = true)]
async fn heavy_a_push_and_a_merge_in_every_order_lose_nothing() {
    let (_dir, repo, base) = pushed(4).await;
    repo.commit("f", "new\n");
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let clients = [maintainer(&repo, 1), pusher(&repo, 2, MAIN)];
    let merged = Cell::new(0);
    let explored = Explore::up_to(150)
        .run(setup, &clients, async |store, _, told, _| {
            for told in told {
                match told {
                    Told::Pushed(outcomes) => assert_eq!(outcomes.unwrap(), [Outcome::Updated]),
                    Told::Maintained(report) => {
                        merged.set(merged.get() + report.unwrap().merged.len())
                    }
                }
            }
            let ledger = sound(&store).await;
            assert_eq!(refs(ledger.as_ref())["refs/heads/main"], repo.head());
            let packs = ledger.unwrap().snapshot.manifest.packs;
            assert!(of_a_clone(&packs).len() <= 2);
        })
        .await;
    assert!(merged.get() > 0);
    ran("push and merge", explored);
}

#[tokio::test(start_paused = true)]
async fn heavy_two_pushes_and_a_merge_in_every_order_lose_nothing() {
    let (_dir, repo, base) = pushed(4).await;
    repo.switch("side").commit("g", "side\n");
    repo.switch("main").commit("f", "new\n");
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let clients = [
        maintainer(&repo, 1),
        pusher(&repo, 2, MAIN),
        pusher(&repo, 3, SIDE),
    ];
    let explored = Explore::up_to(200)
        .run(setup, &clients, async |store, _, told, _| {
            for told in told {
                match told {
                    Told::Pushed(outcomes) => assert_eq!(outcomes.unwrap(), [Outcome::Updated]),
                    Told::Maintained(report) => {
                        report.unwrap();
                    }
                }
            }
            let now = refs(sound(&store).await.as_ref());
            assert_eq!(now["refs/heads/main"], repo.head());
            assert_eq!(Some(&now["refs/heads/side"]), repo.id("side").as_ref());
        })
        .await;
    ran("two pushes and a merge", explored);
}

#[tokio::test(start_paused = true)]
async fn heavy_of_two_merges_of_one_run_one_is_committed() {
    let (_dir, repo, base) = pushed(4).await;
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let clients = [maintainer(&repo, 1), maintainer(&repo, 2)];
    let explored = Explore::up_to(150)
        .run(setup, &clients, async |store, _, told, _| {
            let mut done = 0;
            for told in told {
                match told {
                    Told::Maintained(report) => done += report.unwrap().merged.len(),
                    Told::Pushed(_) => {}
                }
            }
            assert_eq!(done, 1);
            let packs = sound(&store).await.unwrap().snapshot.manifest.packs;
            assert_eq!(of_a_clone(&packs).len(), 1);
        })
        .await;
    ran("two merges", explored);
}

#[tokio::test(start_paused = true)]
async fn heavy_a_merge_dies_anywhere() {
    let (_dir, repo, base) = pushed(5).await;
    let old: Arc<dyn Store> = Arc::new(base.clone());
    let before = refs(sound(&old).await.as_ref());
    let (points, landed) = (Cell::new(0), Cell::new(0));
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let calls = at_every_call(
        setup,
        async |store, (): &()| maintain(&remote(store, 2, SMALL), &repo).await,
        async |bucket, (), run| {
            points.set(points.get() + 1);
            let ledger = sound(&bucket).await;
            assert_eq!(refs(ledger.as_ref()), before);
            let merged = of_a_clone(&ledger.unwrap().snapshot.manifest.packs).len() == 1;
            landed.set(landed.get() + usize::from(merged));
            if let Some(Err(error)) = &run.result {
                let kinds = [ErrorKind::Unavailable, ErrorKind::InDoubt];
                assert!(kinds.contains(&error.kind()), "{error}");
            }
            // The next one goes on where this one ended.
            maintain(&remote(Arc::clone(&bucket), 3, SMALL), &repo)
                .await
                .unwrap();
            let ledger = sound(&bucket).await;
            assert_eq!(refs(ledger.as_ref()), before);
            assert_eq!(
                of_a_clone(&ledger.unwrap().snapshot.manifest.packs).len(),
                1
            );
        },
    )
    .await;
    eprintln!(
        "crash: {} points ({calls} calls, landed at {}): merge",
        points.get(),
        landed.get()
    );
    assert!(
        calls >= 8,
        "the manifest, five packs, a new one, the manifest: {calls}"
    );
    assert!(landed.get() > 1 && landed.get() < points.get());
}

#[tokio::test(start_paused = true)]
async fn heavy_a_fetch_and_a_merge_in_every_order_end_well() {
    let (_dir, repo, base) = pushed(4).await;
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let reader = |store: Arc<dyn Store>, _: Rc<()>| async {
        let dir = tempfile::tempdir().unwrap();
        let local = Repo::init_with(&testkit::git::Git::new(), dir.path().join("r"), &["--bare"]);
        let done = fetch(&remote(store, 7, SMALL), &local, true).await;
        let (_, at) = done.unwrap();
        for (name, value) in at.refs.iter() {
            local.ok(&["update-ref", &name.to_string(), &value.oid.to_string()]);
        }
        local.fsck();
        Told::Pushed(Ok(Vec::new()))
    };
    let clients = [maintainer(&repo, 1), client(reader)];
    let explored = Explore::up_to(100)
        .run(setup, &clients, async |store, _, _, _| {
            sound(&store).await.unwrap();
        })
        .await;
    ran("clone and merge", explored);
}

#[tokio::test(start_paused = true)]
async fn a_push_of_something_else_and_a_merge_whose_parts_it_does_not_touch() {
    let (_dir, repo, base) = pushed(4).await;
    repo.switch("side").commit("g", "side\n");
    let store: Arc<dyn Store> = Arc::new(copy(&base).await);
    // The pusher saw the repository before the merge.
    let second = remote(Arc::clone(&store), 2, SMALL);
    let at = second.snapshot().await.unwrap();
    maintain(&remote(Arc::clone(&store), 1, SMALL), &repo)
        .await
        .unwrap();
    let edits = world::edits(&repo, at.as_ref(), &[SIDE]);
    let local = world::local(&repo).await;
    let outcomes = second
        .push(&local, at, &world::request(edits))
        .await
        .unwrap();
    assert_eq!(
        outcomes,
        [Outcome::Updated],
        "the epoch is the same: the pack is right"
    );
    assert_eq!(refs(sound(&store).await.as_ref()).len(), 2);
}
