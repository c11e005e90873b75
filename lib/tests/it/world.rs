//! Words for pushes and fetches of real repositories through [`Remote`].

use crate::it::ledger;
use pail::local::{Check, Git, Repository};
use pail::maintenance::{self, When, Workshop};
use pail::progress::Quiet;
use pail::refs::{Expected, Outcome, RefEdit, RefName, RefValue};
use pail::store::adapter::memory::Memory;
use pail::store::{Limits, Precondition, Store};
use pail::transaction::{Cache, Snapshot};
use pail::transfer::{Context, FetchRequest, Fetched, PushRequest, Verify};
use pail::{Key, ObjectId, Remote, Result};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use testkit::clock::HandClock;
use testkit::ids::SeededIds;
use testkit::repo::Repo;

/// Everything small: parts of 4 KiB, two at a time, so that a small pack is a large one.
pub(crate) const SMALL: Limits = Limits {
    part: 4 << 10,
    parallel: 2,
};

/// The remote that a client with this seed sees.
pub(crate) fn remote(store: Arc<dyn Store>, seed: u64, limits: Limits) -> Remote {
    remote_of(store, seed, limits, false)
}

/// The same, of a client that consents to a lease.
pub(crate) fn consenting(store: Arc<dyn Store>, seed: u64) -> Remote {
    remote_of(store, seed, SMALL, true)
}

fn remote_of(store: Arc<dyn Store>, seed: u64, limits: Limits, lease: bool) -> Remote {
    Remote::new(Context {
        store,
        cache: Cache::default(),
        ids: Arc::new(SeededIds::new(seed)),
        clock: Arc::new(HandClock::default()),
        limits,
        lease,
        progress: Arc::new(Quiet),
    })
}

/// The remote that a client sees whose clock is so many seconds ahead of all others.
pub(crate) fn late(store: Arc<dyn Store>, seed: u64, seconds: i64) -> Remote {
    let mut context = remote(store, seed, SMALL).context().clone();
    let clock = HandClock::default();
    clock.advance(seconds);
    context.clock = Arc::new(clock);
    Remote::new(context)
}

/// Collects garbage: what no ref has, or had within the retention time.
pub(crate) async fn collect(remote: &Remote, repo: &Repo) -> Result<maintenance::Collected> {
    let dir = tempfile::tempdir().unwrap();
    let at = remote.existing().await?;
    let workshop = Workshop::open(dir.path(), &at.manifest.repository, git(repo))?.unwrap();
    maintenance::gc(remote.context(), &workshop, WHO, When::Garbage).await
}

/// A month, in seconds: more than the retention time.
pub(crate) const MONTH: i64 = 30 * 86_400;

/// The repository as the library sees it: git in the surroundings of the sealed one.
pub(crate) async fn local(repo: &Repo) -> Repository {
    Repository::open(git(repo)).await.unwrap()
}

/// Git as the library runs it, in the surroundings of the sealed one.
pub(crate) fn git(repo: &Repo) -> Git {
    let sealed = repo.git().program("git");
    let variables = sealed
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    variables.fold(Git::new().in_folder(repo.path()), |git, (name, value)| {
        git.with_env(name, value)
    })
}

/// Maintains the repository until there is nothing left to do.
pub(crate) async fn maintain(remote: &Remote, repo: &Repo) -> Result<maintenance::Report> {
    let dir = tempfile::tempdir().unwrap();
    let at = remote.existing().await?;
    let workshop = Workshop::open(dir.path(), &at.manifest.repository, git(repo))?;
    maintenance::run(remote.context(), &workshop.unwrap(), WHO).await
}

/// Who maintains, in tests.
pub(crate) const WHO: &str = "M Aintainer <maintainer@example.org>";

/// Moves of refs, each `<source>:<destination>` as git spells it; an empty source deletes.
/// The old value that is expected is the one in `at`, as the remote helper expects it.
pub(crate) fn edits(repo: &Repo, at: Option<&Snapshot>, specs: &[&str]) -> Vec<RefEdit> {
    let specs: Vec<_> = specs
        .iter()
        .map(|spec| spec.split_once(':').unwrap())
        .collect();
    let mut questions = String::new();
    for (source, _) in &specs {
        let _ = writeln!(questions, "{source}\n{source}^{{}}");
    }
    let args = ["cat-file", "--batch-check=%(objectname)"];
    let answers = repo.git().ok_with(&args, questions.as_bytes());
    let ids: Vec<Option<ObjectId>> = answers.lines().map(|line| line.parse().ok()).collect();
    let edit = |((source, destination), ids): (&(&str, &str), &[Option<ObjectId>])| {
        let name = RefName::new(*destination).unwrap();
        let now = at.and_then(|at| at.refs.get(&name)).map(|value| value.oid);
        RefEdit {
            new: (!source.is_empty()).then(|| RefValue {
                oid: ids[0].unwrap(),
                peeled: ids[1].filter(|peeled| Some(*peeled) != ids[0]),
            }),
            expected: now.map_or(Expected::Absent, Expected::Exactly),
            leased: false,
            continues: true,
            name,
        }
    };
    specs.iter().zip(ids.chunks(2)).map(edit).collect()
}

/// What a push asks for that moves these refs.
pub(crate) fn request(edits: Vec<RefEdit>) -> PushRequest {
    PushRequest {
        edits: edits.into(),
        atomic: false,
        dry_run: false,
        prefer_head: None,
        options: Vec::new(),
        progress: false,
    }
}

/// A plain push: read the refs, ask for these moves.
pub(crate) async fn push(remote: &Remote, repo: &Repo, specs: &[&str]) -> Result<Vec<Outcome>> {
    let at = remote.snapshot().await?;
    let request = request(edits(repo, at.as_ref(), specs));
    remote.push(&local(repo).await, at, &request).await
}

/// A push that must go through.
pub(crate) async fn push_ok(remote: &Remote, repo: &Repo, specs: &[&str]) {
    let outcomes = push(remote, repo, specs).await.unwrap();
    let done = |outcome: &Outcome| matches!(outcome, Outcome::Updated | Outcome::UpToDate);
    assert!(outcomes.iter().all(done), "{specs:?}: {outcomes:?}");
}

/// Fetches what all refs of the bucket name; moves no ref.
pub(crate) async fn fetch(
    remote: &Remote,
    repo: &Repo,
    cloning: bool,
) -> Result<(Fetched, Snapshot)> {
    let at = remote.existing().await?;
    let fetched = fetch_at(remote, repo, at.clone(), cloning).await?;
    Ok((fetched, at))
}

/// The same, of somebody who read the refs some time ago.
pub(crate) async fn fetch_at(
    remote: &Remote,
    repo: &Repo,
    at: Snapshot,
    cloning: bool,
) -> Result<Fetched> {
    let request = FetchRequest {
        wants: at.refs.iter().map(|(_, value)| value.oid).collect(),
        cloning,
        refetch: false,
        check: Check::Fsck(String::new()),
        verify: Verify::Objects,
        unpack_limit: 10,
        partial: false,
        progress: false,
    };
    remote.fetch(&local(repo).await, at, &request).await
}

/// Clones the bucket into a fresh bare repository and lets git check every object and link.
pub(crate) async fn clone(store: &Arc<dyn Store>, at: &Path) -> Repo {
    let git = testkit::git::Git::new();
    let repo = Repo::init_with(&git, at, &["--bare"]);
    let remote = remote(Arc::clone(store), 99, Limits::default());
    let (_, snapshot) = fetch(&remote, &repo, true).await.unwrap();
    let mut refs = String::new();
    for (name, value) in snapshot.refs.iter() {
        let _ = writeln!(refs, "create {name} {}", value.oid);
    }
    repo.git()
        .ok_with(&["update-ref", "--stdin"], refs.as_bytes());
    repo.fsck();
    let there: Vec<_> = snapshot
        .refs
        .iter()
        .map(|(name, value)| (name.to_string(), value.oid.to_string()))
        .collect();
    assert_eq!(repo.refs().into_iter().collect::<Vec<_>>(), there);
    repo
}

/// Checks a bucket from the first byte to the last: manifest, log, files, and a clone.
pub(crate) async fn sound(store: &Arc<dyn Store>) -> Option<ledger::Ledger> {
    let ledger = ledger::read(&**store).await?;
    let dir = tempfile::tempdir().unwrap();
    clone(store, &dir.path().join("clone")).await;
    Some(ledger)
}

/// A bucket of its own with the same files.
pub(crate) async fn copy(bucket: &Memory) -> Memory {
    let copy = Memory::new();
    for (key, body) in bucket.files() {
        let key = Key::new(key).unwrap();
        let put = copy.put(&key, body, Precondition::Absent).await;
        assert!(put.is_ok());
    }
    copy
}

/// What lies in the object folder that a dead process of ours may have left behind.
pub(crate) fn leftovers(repo: &Repo) -> Vec<String> {
    let out = repo.ok(&["rev-parse", "--git-path", "objects"]);
    let folder = repo.path().join(out);
    let names = std::fs::read_dir(folder).unwrap().map(|entry| {
        let name = entry.unwrap().file_name();
        name.to_string_lossy().into_owned()
    });
    names.filter(|name| name.starts_with("tmp_")).collect()
}
