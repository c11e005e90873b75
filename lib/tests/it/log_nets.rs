//! The joining of the push log beside pushes, gc, fetches and itself: in every order of their
//! store calls, and dead at every one of them.

use crate::it::ledger::Ledger;
use crate::it::nets::ran;
use crate::it::world::{
    self, MONTH, SMALL, WHO, collect, copy, edits, late, local, push, push_ok, remote, sound,
};
use pail::format::manifest::LogEntry;
use pail::maintenance::restore::{self, RestoreRequest};
use pail::maintenance::{Bench, join_log};
use pail::refs::{Outcome, RefName};
use pail::store::Store;
use pail::store::adapter::memory::Memory;
use pail::{ErrorKind, Key, Result};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use testkit::crash::at_every_call;
use testkit::interleave::{Client, Explore, client};
use testkit::repo::Repo;

const MAIN: &str = "main:refs/heads/main";

/// So many parts of the log are worth a commit that joins some of them …
const PARTS: usize = 12;

/// … so that seven are left: six become one.
const JOINED: usize = 6;

/// `main`, and `side`, which was deleted; a log of parts enough to be joined; a commit that
/// was not pushed.
async fn logged() -> (tempfile::TempDir, Repo, Memory) {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("f", "one\n");
    let memory = Memory::new();
    let remote = remote(Arc::new(memory.clone()), 1000, SMALL);
    push_ok(&remote, &repo, &[MAIN]).await;
    repo.switch("side").commit("g", "side\n");
    push_ok(&remote, &repo, &["side:refs/heads/side"]).await;
    push_ok(&remote, &repo, &[":refs/heads/side"]).await;
    repo.switch("main");
    for number in 0.. {
        let at = remote.snapshot().await.unwrap();
        if at.as_ref().unwrap().manifest.log.segments.len() == PARTS {
            break;
        }
        let spec = format!("main:refs/heads/b{number}");
        let mut request = world::request(edits(&repo, at.as_ref(), &[&spec]));
        // Four of these fill the log of a manifest.
        request.options = vec!["x".repeat(3000)];
        let pushed = remote.push(&local(&repo).await, at, &request).await;
        assert_eq!(pushed.unwrap(), [Outcome::Updated]);
    }
    repo.commit("f", "new\n");
    (dir, repo, memory)
}

/// The log of a bucket, and all else that there must be.
async fn entries(bucket: &Memory) -> Vec<LogEntry> {
    let store: Arc<dyn Store> = Arc::new(bucket.clone());
    sound(&store).await.unwrap().entries
}

fn parts(ledger: &Ledger) -> usize {
    ledger.snapshot.manifest.log.segments.len()
}

/// What a client of these nets was told.
#[derive(Debug)]
enum Told {
    Pushed(Result<Vec<Outcome>>),
    Joined(Result<usize>),
    Collected,
}

fn joiner<'a>(seed: u64) -> Client<'a, (), Told> {
    client(move |store, _: Rc<()>| async move {
        Told::Joined(join_log(remote(store, seed, SMALL).context(), WHO).await)
    })
}

fn pusher(repo: &Repo, seed: u64) -> Client<'_, (), Told> {
    client(move |store, _: Rc<()>| async move {
        Told::Pushed(push(&remote(store, seed, SMALL), repo, &[MAIN]).await)
    })
}

fn collector(repo: &Repo, seed: u64) -> Client<'_, (), Told> {
    client(move |store, _: Rc<()>| async move {
        collect(&late(store, seed, MONTH), repo).await.unwrap();
        Told::Collected
    })
}

/// Runs them in every order: no entry of the log is ever forgotten or changed.
async fn in_every_order(what: &str, clients: &[Client<'_, (), Told>], repo: &Repo, base: &Memory) {
    let before = entries(base).await;
    let setup = async || (Arc::new(copy(base).await) as Arc<dyn Store>, ());
    let joined = Cell::new(0);
    let explored = Explore::up_to(120)
        .run(setup, clients, async |store, _, told, _| {
            let ledger = sound(&store).await.unwrap();
            assert_eq!(ledger.entries[..before.len()], before);
            let mut done = Vec::new();
            for told in told {
                match told {
                    Told::Pushed(outcomes) => {
                        assert_eq!(outcomes.unwrap(), [Outcome::Updated]);
                        let main = ledger.refs().into_iter();
                        let mut main = main.filter(|(name, _)| name.to_string() == MAIN[5..]);
                        assert_eq!(main.next().unwrap().1.to_string(), repo.head());
                    }
                    Told::Joined(count) => done.push(count.unwrap()),
                    Told::Collected => {}
                }
            }
            assert_eq!(done.iter().sum::<usize>(), JOINED, "once");
            assert!(parts(&ledger) <= PARTS - JOINED + 2, "and one of the push");
            joined.set(joined.get() + 1);
        })
        .await;
    assert!(joined.get() > 0);
    ran(what, explored);
}

#[tokio::test(start_paused = true)]
async fn heavy_a_push_and_a_joined_log_in_every_order_forget_nothing() {
    let (_dir, repo, base) = logged().await;
    let clients = [joiner(1), pusher(&repo, 2)];
    in_every_order("push and joined log", &clients, &repo, &base).await;
}

#[tokio::test(start_paused = true)]
async fn heavy_gc_and_a_joined_log_in_every_order_forget_nothing() {
    let (_dir, repo, base) = logged().await;
    let clients = [joiner(1), collector(&repo, 2)];
    in_every_order("gc and joined log", &clients, &repo, &base).await;
}

#[tokio::test(start_paused = true)]
async fn heavy_of_two_that_join_the_log_one_does() {
    let (_dir, repo, base) = logged().await;
    let clients = [joiner(1), joiner(2), pusher(&repo, 3)];
    in_every_order("two joined logs and a push", &clients, &repo, &base).await;
}

/// Reads the log or restores a ref while the log is joined and what was joined is deleted, in
/// every order.
#[tokio::test(start_paused = true)]
async fn heavy_readers_of_a_log_that_is_joined_meanwhile_read_on() {
    let (dir, repo, base) = logged().await;
    let before = entries(&base).await;
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let bench = Bench {
        git: world::git(&repo),
        folder: dir.path().join("bench"),
        lender: None,
    };
    let request = RestoreRequest {
        name: RefName::new("refs/heads/side").unwrap(),
        when: restore::When::Before(1),
        override_protection: false,
        dry_run: true,
        who: WHO.to_owned(),
    };
    let (bench, request) = (&bench, &request);
    let reader = client(move |store, _: Rc<()>| async move {
        Read::Log(remote(store, 3, SMALL).log(usize::MAX).await.unwrap())
    });
    let restorer = client(move |store, _: Rc<()>| async move {
        let remote = remote(store, 4, SMALL);
        Read::Restored(
            remote
                .restore(request, bench)
                .await
                .unwrap()
                .new
                .to_string(),
        )
    });
    let side = repo.id("side").unwrap();
    for (what, second) in [("log", reader), ("restore", restorer)] {
        let clients = [sweeper(), second];
        let explored = Explore::up_to(100)
            .run(setup, &clients, async |_, _, read, _| {
                for read in read {
                    match read {
                        Read::Log(entries) => {
                            let told = entries.iter().map(|entry| entry.generation).rev();
                            let all = before.iter().map(|entry| entry.generation);
                            assert!(told.take(before.len()).eq(all));
                        }
                        Read::Restored(to) => assert_eq!(to, side),
                        Read::Nothing => {}
                    }
                }
            })
            .await;
        ran(&format!("joined log and {what}"), explored);
    }
}

/// Joins the log, and deletes at once what was joined, as is done where much happens.
fn sweeper<'a>() -> Client<'a, (), Read> {
    client(move |store: Arc<dyn Store>, _: Rc<()>| async move {
        join_log(remote(Arc::clone(&store), 1, SMALL).context(), WHO)
            .await
            .unwrap();
        let at = remote(Arc::clone(&store), 2, SMALL).existing().await;
        for gone in at.unwrap().manifest.condemned {
            store.delete(&Key::new(gone.key).unwrap()).await.unwrap();
        }
        Read::Nothing
    })
}

/// What a reader was told.
#[derive(Debug)]
enum Read {
    Log(Vec<LogEntry>),
    Restored(String),
    Nothing,
}

#[tokio::test(start_paused = true)]
async fn heavy_a_joining_of_the_log_dies_anywhere() {
    let (_dir, _repo, base) = logged().await;
    let before = entries(&base).await;
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let calls = at_every_call(
        setup,
        async |store, (): &()| join_log(remote(store, 2, SMALL).context(), WHO).await,
        async |bucket, (), run| {
            let ledger = sound(&bucket).await.unwrap();
            assert_eq!(ledger.entries[..before.len()], before);
            if let Some(Err(error)) = &run.result {
                let kinds = [ErrorKind::Unavailable, ErrorKind::InDoubt];
                assert!(kinds.contains(&error.kind()), "{error}");
            }
            // The next one goes on where this one ended.
            let next = remote(Arc::clone(&bucket), 3, SMALL);
            join_log(next.context(), WHO).await.unwrap();
            let ledger = sound(&bucket).await.unwrap();
            assert_eq!(ledger.entries[..before.len()], before);
            assert_eq!(parts(&ledger), PARTS - JOINED + 1);
        },
    )
    .await;
    assert!(
        calls >= 9,
        "the manifest, six parts, a new one, the manifest: {calls}"
    );
}
