//! Every operation, dead before and after every store call that it makes: killed, so that
//! nothing more happens, and cut off, so that it must give up by itself.
//!
//! Afterwards the bucket is read whole, a clone of it passes git's fsck, its refs are the
//! old ones or the new ones, nobody was told otherwise, and the same operation, done again
//! in the plainest way, goes through.

use crate::it::ledger::Ledger;
use crate::it::world::{self, SMALL, clone, copy, fetch, leftovers, push, push_ok, remote, sound};
use pail::format::log;
use pail::format::manifest::MAX_LOG_TAIL;
use pail::refs::{Outcome, RefName};
use pail::store::adapter::folder::Folder;
use pail::store::adapter::memory::Memory;
use pail::store::{Limits, Store};
use pail::{ErrorKind, ObjectFormat, Remote, Result};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use testkit::crash::{CrashStore, Death, Moment, Point, at_every_call};
use testkit::repo::Repo;

/// What an operation does to a bucket, in one word for each kind.
enum Act<'a> {
    Push(&'a [&'a str]),
    SetHead(&'a str),
    Init(&'a str),
}

impl Act<'_> {
    /// Whether all of it was acknowledged.
    async fn run(&self, remote: &Remote, repo: &Repo) -> Result<bool> {
        let who = || "A U Thor <author@example.org>".to_owned();
        match self {
            Self::Push(specs) => {
                let outcomes = push(remote, repo, specs).await?;
                let done = |one: &Outcome| matches!(one, Outcome::Updated | Outcome::UpToDate);
                assert!(
                    outcomes.iter().all(done),
                    "nobody else pushes: {outcomes:?}"
                );
                Ok(true)
            }
            Self::SetHead(head) => remote
                .set_head(RefName::new(*head)?, who())
                .await
                .map(|_| true),
            Self::Init(head) => {
                let head = Some(RefName::new(*head)?);
                remote
                    .init(ObjectFormat::Sha1, head, who())
                    .await
                    .map(|_| true)
            }
        }
    }
}

/// What an operation changes: the refs and HEAD.
type State = Option<(BTreeMap<RefName, pail::ObjectId>, Option<RefName>)>;

fn state(ledger: Option<&Ledger>) -> State {
    ledger.map(|ledger| (ledger.refs(), ledger.snapshot.manifest.head.clone()))
}

/// One operation on one bucket.
struct Case<'a> {
    name: &'a str,
    repo: &'a Repo,
    act: Act<'a>,
    limits: Limits,
    /// Fewest calls that it must have made to have met what it is about.
    calls: usize,
}

impl Case<'_> {
    /// Dies everywhere, in buckets that `setup` makes with all that keeps them alive.
    async fn everywhere<W>(&self, setup: impl AsyncFn() -> (Arc<dyn Store>, W)) {
        let (bucket, kept) = setup().await;
        let old = state(sound(&bucket).await.as_ref());
        self.act
            .run(&remote(Arc::clone(&bucket), 1, self.limits), self.repo)
            .await
            .unwrap();
        let new = state(sound(&bucket).await.as_ref());
        assert_ne!(old, new, "{}: it does nothing", self.name);
        drop(kept);
        let (points, landed) = (Cell::new(0), Cell::new(0));
        let operation = async |store: Arc<dyn Store>, _: &W| {
            self.act
                .run(&remote(store, 2, self.limits), self.repo)
                .await
        };
        let calls = at_every_call(setup, operation, async |bucket, _, run| {
            assert_eq!(leftovers(self.repo), [""; 0]);
            points.set(points.get() + 1);
            let now = state(sound(&bucket).await.as_ref());
            assert!(
                now == old || now == new,
                "neither the old nor the new: {now:?}"
            );
            landed.set(landed.get() + usize::from(now == new));
            match &run.result {
                Some(Ok(_)) => assert_eq!(now, new, "a false acknowledgement"),
                // Only doubt leaves it open what happened.
                Some(Err(error)) if error.kind() != ErrorKind::InDoubt => {
                    assert_eq!(now, old, "a false refusal: {error}");
                }
                _ => {}
            }
            let again = remote(Arc::clone(&bucket), 3, self.limits);
            self.act.run(&again, self.repo).await.unwrap();
            assert_eq!(state(sound(&bucket).await.as_ref()), new, "after the retry");
            // The next point is another bucket's, which has the same names.
            for left in pail::transfer::leftovers::uploads(&world::local(self.repo).await) {
                left.throw_away(&*bucket).await.unwrap();
            }
        })
        .await;
        eprintln!(
            "crash: {} points ({calls} calls, landed at {}): {}",
            points.get(),
            landed.get(),
            self.name
        );
        assert!(calls >= self.calls, "{}: {calls} calls", self.name);
        assert!(points.get() > 4 * self.calls);
        assert!(landed.get() > 1 && landed.get() < points.get());
    }

    async fn in_memory(&self, base: &Memory) {
        let setup = async || (Arc::new(copy(base).await) as Arc<dyn Store>, ());
        self.everywhere(setup).await;
    }

    async fn in_folder(&self, base: &Path) {
        let setup = async || {
            let dir = tempfile::tempdir().unwrap();
            let to = dir.path().join("bucket");
            copy_folder(base, &to);
            (Arc::new(Folder::open(to)) as Arc<dyn Store>, dir)
        };
        self.everywhere(setup).await;
    }
}

fn copy_folder(from: &Path, to: &Path) {
    let Ok(entries) = std::fs::read_dir(from) else {
        return; // an empty bucket has no folder yet
    };
    std::fs::create_dir_all(to).unwrap();
    for entry in entries {
        let entry = entry.unwrap();
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            std::fs::copy(path, to).unwrap();
        }
    }
}

/// A repository with a commit, a tag and a branch, in a folder that lives as long.
fn repository() -> (TempDir, Repo) {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    repo.annotated_tag("v1");
    repo.branch("side");
    (dir, repo)
}

const MAIN: &str = "refs/heads/main:refs/heads/main";
const SIDE: &str = "refs/heads/side:refs/heads/side";
const TAG: &str = "refs/tags/v1:refs/tags/v1";

/// A bucket that has what the repository has now.
async fn pushed(store: Arc<dyn Store>, repo: &Repo) {
    let remote = remote(store, 1000, Limits::default());
    push_ok(&remote, repo, &[MAIN, SIDE, TAG]).await;
}

async fn memory(repo: &Repo) -> Memory {
    let memory = Memory::new();
    pushed(Arc::new(memory.clone()), repo).await;
    memory
}

#[tokio::test(start_paused = true)]
async fn a_first_push_dies_anywhere() {
    let (dir, repo) = repository();
    let case = Case {
        name: "first push",
        repo: &repo,
        act: Act::Push(&[MAIN, SIDE, TAG]),
        limits: SMALL,
        calls: 4, // manifest, listing, pack, manifest
    };
    case.in_memory(&Memory::new()).await;
    case.in_folder(&dir.path().join("nothing")).await;
}

#[tokio::test(start_paused = true)]
async fn however_many_first_pushes_died_the_next_one_goes_through() {
    let (_dir, repo) = repository();
    let bucket: Arc<dyn Store> = Arc::new(Memory::new());
    for seed in 1..=4 {
        // Manifest, listing, pack: dead before the manifest is written.
        let point = Point {
            call: 4,
            moment: Moment::Before,
            death: Death::Killed,
        };
        let store = CrashStore::dying(Arc::clone(&bucket), Some(point));
        let remote = remote(Arc::new(store.clone()), seed, SMALL);
        let done = store.run(push(&remote, &repo, &[MAIN])).await;
        assert!(done.is_none() && store.dead(), "{done:?}");
    }
    push_ok(&remote(Arc::clone(&bucket), 9, SMALL), &repo, &[MAIN]).await;
    assert!(sound(&bucket).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_ordinary_push_dies_anywhere() {
    let (dir, repo) = repository();
    let base = memory(&repo).await;
    let folder = dir.path().join("bucket");
    pushed(Arc::new(Folder::open(folder.clone())), &repo).await;
    repo.commit("a", "two\n");
    let case = Case {
        name: "push of one commit",
        repo: &repo,
        act: Act::Push(&[MAIN]),
        limits: SMALL,
        calls: 3, // manifest, pack, manifest
    };
    case.in_memory(&base).await;
    case.in_folder(&folder).await;
}

#[tokio::test(start_paused = true)]
async fn heavy_a_large_push_dies_anywhere() {
    let (dir, repo) = repository();
    let base = memory(&repo).await;
    let folder = dir.path().join("bucket");
    pushed(Arc::new(Folder::open(folder.clone())), &repo).await;
    let mut chance = testkit::seed::Chance::new(5);
    repo.commit("large", chance.bytes(1_200_000));
    let case = Case {
        name: "push of a pack in parts, with an index",
        repo: &repo,
        act: Act::Push(&[MAIN]),
        limits: Limits {
            part: 500_000,
            parallel: 2,
        },
        calls: 8, // manifest; begin, three parts, complete; index; manifest
    };
    case.in_memory(&base).await;
    case.in_folder(&folder).await;
}

#[tokio::test(start_paused = true)]
async fn heavy_a_push_that_overflows_dies_anywhere() {
    let (_dir, repo) = repository();
    let base = memory(&repo).await;
    // Older entries that want to go into a segment.
    let filler = remote(Arc::new(base.clone()), 1001, Limits::default());
    for number in 0.. {
        let at = filler.snapshot().await.unwrap();
        let entries = at.iter().flat_map(|at| &at.manifest.log.entries);
        if entries
            .map(|entry| log::entry_len(entry).unwrap())
            .sum::<usize>()
            > MAX_LOG_TAIL
        {
            break;
        }
        let spec = format!("main:refs/heads/fill{number}");
        let mut request = world::request(world::edits(&repo, at.as_ref(), &[&spec]));
        request.options = vec!["x".repeat(1000)];
        filler
            .push(&world::local(&repo).await, at, &request)
            .await
            .unwrap();
    }
    repo.commit("a", "two\n");
    // More refs than stand inline, and more moves than an entry holds.
    let (head, mut create) = (repo.head(), String::new());
    let mut specs = vec![MAIN.to_owned()];
    for number in 0..700 {
        let name = format!("refs/heads/many/{number:04}");
        let _ = writeln!(create, "create {name} {head}");
        specs.push(format!("{name}:{name}"));
    }
    repo.git()
        .ok_with(&["update-ref", "--stdin"], create.as_bytes());
    let specs: Vec<&str> = specs.iter().map(|spec| &**spec).collect();
    let case = Case {
        name: "push of 700 refs: ref table, log segment, moves file",
        repo: &repo,
        act: Act::Push(&specs),
        limits: SMALL,
        calls: 6, // manifest; pack, table, moves, segment; manifest
    };
    case.in_memory(&base).await;
    let store: Arc<dyn Store> = Arc::new(base);
    case.act
        .run(&remote(Arc::clone(&store), 5, SMALL), &repo)
        .await
        .unwrap();
    let manifest = sound(&store).await.unwrap().snapshot.manifest;
    assert!(manifest.base.is_some() && !manifest.log.segments.is_empty());
    let newest = manifest.log.entries.last().unwrap();
    assert!(newest.moves_file.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_moves_no_object_dies_anywhere() {
    let (dir, repo) = repository();
    let base = memory(&repo).await;
    let folder = dir.path().join("bucket");
    pushed(Arc::new(Folder::open(folder.clone())), &repo).await;
    let nothing = dir.path().join("nothing");
    for (name, act) in [
        ("delete", Act::Push(&[":refs/heads/side"])),
        (
            "a new branch at an old commit",
            Act::Push(&["main:refs/heads/new"]),
        ),
        ("set-head", Act::SetHead("refs/heads/side")),
    ] {
        let case = Case {
            name,
            repo: &repo,
            act,
            limits: SMALL,
            calls: 2,
        };
        case.in_memory(&base).await;
        case.in_folder(&folder).await;
    }
    let case = Case {
        name: "init",
        repo: &repo,
        act: Act::Init("refs/heads/trunk"),
        limits: SMALL,
        calls: 3, // manifest, listing, manifest
    };
    case.in_memory(&Memory::new()).await;
    case.in_folder(&nothing).await;
}

#[tokio::test(start_paused = true)]
async fn heavy_a_fetch_dies_anywhere_and_the_local_repository_is_whole() {
    let (_dir, repo) = repository();
    let base = memory(&repo).await;
    let remote_of = |store: Arc<dyn Store>| remote(store, 1, SMALL);
    let writer = remote_of(Arc::new(base.clone()));
    for number in 0..3 {
        repo.commit("a", format!("more {number}\n"));
        let mut chance = testkit::seed::Chance::new(number);
        repo.commit("b", chance.bytes(5000));
        push_ok(&writer, &repo, &[MAIN]).await;
    }
    let store: Arc<dyn Store> = Arc::new(base.clone());
    for (name, cloning) in [("fetch", false), ("clone", true)] {
        let points = Cell::new(0);
        // A clone of the first push, or an empty repository.
        let setup = async || {
            let dir = tempfile::tempdir().unwrap();
            let git = testkit::git::Git::new();
            let local = Repo::init_with(&git, dir.path().join("local"), &["--bare"]);
            if !cloning {
                let first = repo.path().to_str().unwrap();
                local.ok(&[
                    "fetch",
                    "-q",
                    first,
                    "v1:refs/tags/v1",
                    "side:refs/heads/side",
                ]);
            }
            (Arc::clone(&store), (dir, local))
        };
        let operation = async |store: Arc<dyn Store>, (_, local): &(TempDir, Repo)| {
            fetch(&remote_of(store), local, cloning)
                .await
                .map(|(fetched, _)| fetched)
        };
        let calls = at_every_call(setup, operation, async |bucket, (_, local), run| {
            points.set(points.get() + 1);
            local.fsck();
            // Git's own index-pack dies of the closed pipe and leaves what `git gc` clears.
            let objdirs: Vec<_> = leftovers(local)
                .into_iter()
                .filter(|name| name.starts_with("tmp_objdir-"))
                .collect();
            assert!(objdirs.is_empty(), "{objdirs:?}");
            if let Some(Err(error)) = &run.result {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            }
            let (_, at) = fetch(&remote_of(bucket), local, cloning).await.unwrap();
            for (name, value) in at.refs.iter() {
                local.ok(&["update-ref", &name.to_string(), &value.oid.to_string()]);
            }
            local.fsck();
            assert_eq!(local.id("refs/heads/main"), repo.id("main"));
        })
        .await;
        eprintln!("crash: {} points ({calls} calls): {name}", points.get());
        assert!(
            calls >= 4,
            "manifest, and a pack in more than one range: {calls}"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    clone(&store, &dir.path().join("clone")).await;
}

/// That the net of this file holds: an operation that writes what points before what is
/// pointed at does not pass.
#[tokio::test(start_paused = true)]
async fn the_net_tears_where_the_manifest_goes_first() {
    let (_dir, repo) = repository();
    let base = memory(&repo).await;
    repo.commit("a", "two\n");
    let done = Memory::new();
    for (key, body) in copy(&base).await.files() {
        let key = pail::Key::new(key).unwrap();
        let put = done
            .put(&key, body, pail::store::Precondition::Always)
            .await;
        assert!(put.is_ok());
    }
    push_ok(&remote(Arc::new(done.clone()), 2, SMALL), &repo, &[MAIN]).await;
    let backwards = async |store: Arc<dyn Store>, (): &()| {
        let before = base.files();
        let mut new: Vec<_> = done
            .files()
            .into_iter()
            .filter(|(key, body)| before.get(key) != Some(body))
            .collect();
        new.sort_by_key(|(key, _)| key != pail::format::keys::MANIFEST);
        for (key, body) in new {
            let key = pail::Key::new(key)?;
            let _ = store
                .put(&key, body, pail::store::Precondition::Always)
                .await?;
        }
        Ok::<_, pail::Error>(())
    };
    let torn = Cell::new(0);
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    at_every_call(setup, backwards, async |bucket, (), run| {
        let whole =
            futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(sound(&bucket)));
        if whole.await.is_err() {
            let point = run.point.unwrap();
            let between = (point.call, point.moment);
            assert!(
                [(1, Moment::After), (2, Moment::Before)].contains(&between),
                "{point}"
            );
            assert!([Death::Killed, Death::CutOff].contains(&point.death));
            torn.set(torn.get() + 1);
        }
    })
    .await;
    assert_eq!(torn.get(), 4, "between the manifest and the pack");
}
