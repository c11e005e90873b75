//! Gc beside pushes, fetches, merges and other gc: in every order of their store calls, and
//! dead at every one of them.

use crate::it::commit_world::{
    Answer, bucket, change, commit, commit_at, edit, kept, oid, pack, upload,
};
use crate::it::ledger;
use crate::it::nets::{ran, refs};
use crate::it::world::{
    self, MONTH, SMALL, collect, copy, fetch, late, maintain, push, push_ok, remote, sound,
};
use pail::format::keys;
use pail::maintenance::Collected;
use pail::refs::Outcome;
use pail::store::Store;
use pail::store::adapter::memory::Memory;
use pail::transaction::{Basis, Cache, Committed, Rework, Snapshot};
use pail::{ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use testkit::crash::at_every_call;
use testkit::interleave::{Client, Explore, client};
use testkit::repo::Repo;

const MAIN: &str = "main:refs/heads/main";
const SIDE: &str = "side:refs/heads/side";

/// `main`, and `side`, which was deleted: nothing but the log knows of it. `topic` builds on
/// it and was not pushed.
async fn forgotten() -> (tempfile::TempDir, Repo, Memory) {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let memory = Memory::new();
    let remote = remote(Arc::new(memory.clone()), 1000, SMALL);
    push_ok(&remote, &repo, &[MAIN]).await;
    repo.switch("side").commit("b", "side\n");
    push_ok(&remote, &repo, &[SIDE]).await;
    repo.switch("topic").commit("c", "topic\n");
    repo.switch("main");
    (dir, repo, memory)
}

/// What a client of these nets was told.
#[derive(Debug)]
enum Told {
    Pushed(Result<Vec<Outcome>>),
    Collected(Result<Collected>),
    Other,
}

impl Told {
    fn check(&self) {
        match self {
            Self::Pushed(outcomes) => {
                assert_eq!(outcomes.as_ref().unwrap()[..], [Outcome::Updated])
            }
            Self::Collected(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}")
            }
            Self::Collected(Ok(_)) | Self::Other => {}
        }
    }
}

fn pusher<'a>(repo: &'a Repo, seed: u64, specs: &'static [&'static str]) -> Client<'a, (), Told> {
    client(move |store, _: Rc<()>| async move {
        let remote = remote(store, seed, SMALL);
        for spec in &specs[..specs.len() - 1] {
            Told::Pushed(push(&remote, repo, &[spec]).await).check();
        }
        Told::Pushed(push(&remote, repo, &[specs[specs.len() - 1]]).await)
    })
}

/// Gc for which the retention time is over.
fn collector(repo: &Repo, seed: u64) -> Client<'_, (), Told> {
    client(move |store, _: Rc<()>| async move {
        let remote = late(store, seed, MONTH);
        Told::Collected(collect(&remote, repo).await)
    })
}

/// A push to `topic`, which builds on `side`, by somebody who saw `side` there; it is deleted
/// and collected meanwhile.
#[tokio::test(start_paused = true)]
async fn heavy_a_push_that_builds_on_what_gc_takes() {
    let (_dir, repo, base) = forgotten().await;
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let clients = [
        client(|store: Arc<dyn Store>, _: Rc<()>| {
            let repo = &repo;
            async move {
                let deleter = remote(Arc::clone(&store), 1, SMALL);
                push_ok(&deleter, repo, &[":refs/heads/side"]).await;
                let remote = late(store, 2, MONTH);
                Told::Collected(collect(&remote, repo).await)
            }
        }),
        pusher(&repo, 3, &["topic:refs/heads/topic"]),
    ];
    let packed = Cell::new((0, 0));
    let explored = Explore::up_to(250)
        .run(setup, &clients, async |store, _, told, _| {
            told.iter().for_each(Told::check);
            let (yes, no) = packed.get();
            if let Told::Collected(Ok(done)) = &told[0] {
                packed.set(if done.packed {
                    (yes + 1, no)
                } else {
                    (yes, no + 1)
                });
            }
            let now = refs(sound(&store).await.as_ref());
            assert_eq!(Some(&now["refs/heads/topic"]), repo.id("topic").as_ref());
        })
        .await;
    let (yes, no) = packed.get();
    assert!(yes > 0 && no > 0, "both happen: {yes}, {no}");
    ran("a push that builds on what gc takes", explored);
}

/// Somebody who read the refs before `side` was deleted, and pushes after.
#[tokio::test(start_paused = true)]
async fn heavy_a_push_of_an_old_epoch_beside_gc() {
    let (_dir, repo, base) = forgotten().await;
    let setup = async || {
        let store: Arc<dyn Store> = Arc::new(copy(&base).await);
        let at = remote(Arc::clone(&store), 8, SMALL)
            .snapshot()
            .await
            .unwrap();
        push_ok(
            &remote(Arc::clone(&store), 9, SMALL),
            &repo,
            &[":refs/heads/side"],
        )
        .await;
        (store, RefCell::new(at))
    };
    let clients: Vec<Client<'_, RefCell<_>, Told>> = vec![
        client(|store, _| async { Told::Collected(collect(&late(store, 2, MONTH), &repo).await) }),
        client(|store, at: Rc<RefCell<Option<Snapshot>>>| async {
            let at = { at }.borrow_mut().take();
            let edits = world::edits(&repo, at.as_ref(), &["topic:refs/heads/topic"]);
            let remote = remote(store, 3, SMALL);
            let local = world::local(&repo).await;
            Told::Pushed(remote.push(&local, at, &world::request(edits)).await)
        }),
    ];
    let explored = Explore::up_to(250)
        .run(setup, &clients, async |store, _, told, _| {
            told.iter().for_each(Told::check);
            let now = refs(sound(&store).await.as_ref());
            assert_eq!(Some(&now["refs/heads/topic"]), repo.id("topic").as_ref());
        })
        .await;
    ran("a push of an old epoch and gc", explored);
}

#[tokio::test(start_paused = true)]
async fn heavy_a_branch_goes_and_comes_back_around_gc() {
    let (_dir, repo, base) = forgotten().await;
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let clients = [
        collector(&repo, 2),
        pusher(&repo, 3, &[":refs/heads/side", SIDE]),
    ];
    let explored = Explore::up_to(250)
        .run(setup, &clients, async |store, _, told, _| {
            told.iter().for_each(Told::check);
            let now = refs(sound(&store).await.as_ref());
            assert_eq!(Some(&now["refs/heads/side"]), repo.id("side").as_ref());
        })
        .await;
    ran(
        "a branch that is deleted and pushed again, and gc",
        explored,
    );
}

#[tokio::test(start_paused = true)]
async fn heavy_two_collectors_and_a_merger_leave_a_whole_repository() {
    let (_dir, repo, base) = forgotten().await;
    let writer = remote(Arc::new(base.clone()), 1001, SMALL);
    push_ok(&writer, &repo, &[":refs/heads/side"]).await;
    for number in 0..3 {
        repo.commit("a", format!("more {number}\n"));
        push_ok(&writer, &repo, &[MAIN]).await;
    }
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let merger = || {
        client(|store, _: Rc<()>| async {
            maintain(&remote(store, 5, SMALL), &repo).await.unwrap();
            Told::Other
        })
    };
    for (what, clients) in [
        ("two gc", [collector(&repo, 2), collector(&repo, 3)]),
        ("gc and merge", [collector(&repo, 2), merger()]),
    ] {
        let explored = Explore::up_to(120)
            .run(setup, &clients, async |store, _, told, _| {
                told.iter().for_each(Told::check);
                let now = refs(sound(&store).await.as_ref());
                assert_eq!(now["refs/heads/main"], repo.head());
            })
            .await;
        ran(what, explored);
    }
}

/// Files are deleted at once: for the one who deletes another month is over.
#[tokio::test(start_paused = true)]
async fn heavy_a_clone_while_packs_are_collected_and_deleted() {
    let (_dir, repo, base) = forgotten().await;
    push_ok(
        &remote(Arc::new(base.clone()), 1001, SMALL),
        &repo,
        &[":refs/heads/side"],
    )
    .await;
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let clients: Vec<Client<'_, (), Told>> = vec![
        client(|store: Arc<dyn Store>, _| {
            let repo = &repo;
            async move {
                let done = collect(&late(Arc::clone(&store), 2, MONTH), repo).await;
                maintain(&late(store, 4, 3 * MONTH), repo).await.unwrap();
                Told::Collected(done)
            }
        }),
        client(|store, _| async {
            let dir = tempfile::tempdir().unwrap();
            let git = testkit::git::Git::new();
            let local = Repo::init_with(&git, dir.path().join("r"), &["--bare"]);
            let (_, at) = fetch(&remote(store, 7, SMALL), &local, true).await.unwrap();
            for (name, value) in at.refs.iter() {
                local.ok(&["update-ref", &name.to_string(), &value.oid.to_string()]);
            }
            local.fsck();
            Told::Other
        }),
    ];
    let explored = Explore::up_to(250)
        .run(setup, &clients, async |store, _, told, _| {
            told.iter().for_each(Told::check);
            sound(&store).await.unwrap();
        })
        .await;
    ran("a clone, and gc that deletes at once", explored);
}

#[tokio::test(start_paused = true)]
async fn heavy_gc_dies_anywhere() {
    let (_dir, repo, base) = forgotten().await;
    push_ok(
        &remote(Arc::new(base.clone()), 1001, SMALL),
        &repo,
        &[":refs/heads/side"],
    )
    .await;
    let before = refs(
        sound(&(Arc::new(base.clone()) as Arc<dyn Store>))
            .await
            .as_ref(),
    );
    let (points, landed) = (Cell::new(0), Cell::new(0));
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let calls = at_every_call(
        setup,
        async |store, (): &()| {
            let done = collect(&late(Arc::clone(&store), 2, MONTH), &repo).await?;
            maintain(&late(store, 3, 3 * MONTH), &repo).await?;
            Ok::<_, pail::Error>(done)
        },
        async |bucket, (), run| {
            points.set(points.get() + 1);
            let ledger = sound(&bucket).await;
            assert_eq!(refs(ledger.as_ref()), before);
            landed.set(landed.get() + usize::from(ledger.unwrap().snapshot.manifest.epoch > 0));
            if let Some(Err(error)) = &run.result {
                let kinds = [ErrorKind::Unavailable, ErrorKind::InDoubt];
                assert!(kinds.contains(&error.kind()), "{error}");
            }
            collect(&late(Arc::clone(&bucket), 4, 6 * MONTH), &repo)
                .await
                .unwrap();
            maintain(&late(Arc::clone(&bucket), 5, 9 * MONTH), &repo)
                .await
                .unwrap();
            let ledger = sound(&bucket).await.unwrap();
            assert_eq!(refs(Some(&ledger)), before);
            // Nothing is left but what the manifest names.
            let manifest = &ledger.snapshot.manifest;
            let named: BTreeSet<_> = manifest
                .packs
                .iter()
                .map(|pack| pack.name.clone())
                .collect();
            let mut listing = bucket.list(keys::PACKS, None);
            while let Some(listed) = futures_util::StreamExt::next(&mut listing).await {
                let key = listed.unwrap().key;
                assert!(named.contains(keys::pack_name(&key).unwrap()), "{key}");
            }
        },
    )
    .await;
    eprintln!(
        "crash: {} points ({calls} calls, landed at {}): gc",
        points.get(),
        landed.get()
    );
    assert!(landed.get() > 1 && landed.get() < points.get());
}

/// A writer that sleeps between its upload and its commit, while gc takes the upload for a
/// leftover, deletes it and strikes it off the list.
#[tokio::test(start_paused = true)]
async fn a_writer_that_sleeps_while_its_upload_is_collected() {
    let letters = [edit("main", ' ', 'm')];
    let base = bucket(&letters).await;
    upload(&base, 't').await.unwrap();
    let at = Snapshot::read(&base, &Cache::default(), None)
        .await
        .unwrap();
    let manifest = &at.as_ref().unwrap().manifest;
    let mut push = change(2, &[edit("topic", ' ', 't')]);
    push.pack = Some(pack('t'));
    push.basis = Basis {
        at: Some((manifest.repository.clone(), manifest.epoch)),
        haves: vec![oid('m')],
    };
    let key = keys::pack(&pack('t').name).unwrap();
    let rework = |rework: Rework, at: &Snapshot| {
        let basis = (at.manifest.repository.clone(), at.manifest.epoch);
        let mut change = change(1, &[]);
        change.basis.at = Some(basis.clone());
        change.rework = Some(Rework {
            at: basis,
            only: Some(at.manifest.write_id.clone()),
            ..rework
        });
        change
    };
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let clients: Vec<Client<'_, (), Answer>> = vec![
        client(|store: Arc<dyn Store>, _| {
            let (key, rework) = (&key, &rework);
            async move {
                let read = async || Snapshot::read(&*store, &Cache::default(), None).await;
                let now = read().await.unwrap().unwrap();
                if now
                    .manifest
                    .packs
                    .iter()
                    .any(|one| one.name == pack('t').name)
                {
                    return (Vec::new(), Ok(Committed::Done(Vec::new(), None)));
                }
                let condemn = Rework {
                    leftovers: vec![key.to_string()],
                    ..Rework::default()
                };
                let condemn = rework(condemn, &now);
                let done = commit_at(&*store, 7, Some(now), &condemn).await;
                if let Ok(Committed::Done(..)) = done {
                    store.delete(key).await.unwrap();
                    loop {
                        let now = read().await.unwrap().unwrap();
                        let strike = Rework {
                            deleted: vec![key.to_string()],
                            ..Rework::default()
                        };
                        let strike = rework(strike, &now);
                        let seed = 8 + now.manifest.generation;
                        if let Ok(Committed::Done(..)) =
                            commit_at(&*store, seed, Some(now), &strike).await
                        {
                            break;
                        }
                    }
                }
                (Vec::new(), done)
            }
        }),
        client(|store, _| {
            let push = &push;
            async move { (push.edits.to_vec(), commit(&*store, 2, push).await) }
        }),
    ];
    let seen = Cell::new((0, 0));
    let explored = Explore::up_to(20_000)
        .run(setup, &clients, async |store, _, answers, _| {
            // Reads every file that the manifest names.
            let ledger = ledger::read(&*store).await.unwrap();
            kept(&ledger, 1, &answers);
            let (done, again) = seen.get();
            match &answers[1].1 {
                Ok(Committed::Done(..)) => seen.set((done + 1, again)),
                Ok(Committed::Remake(_)) => seen.set((done, again + 1)),
                Err(error) => panic!("{error}"),
            }
        })
        .await;
    let (done, again) = seen.get();
    assert!(done > 0 && again > 0, "both happen: {done}, {again}");
    assert!(explored.exhaustive);
    ran(
        "a writer that sleeps while its upload is collected",
        explored,
    );
}
