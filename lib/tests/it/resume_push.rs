//! Pushes that die with a large pack on its way, and the push after.

use crate::it::world::{SMALL, clone, local, push, push_ok, remote};
use futures_util::TryStreamExt;
use pail::local::Repository;
use pail::maintenance::Severity;
use pail::maintenance::doctor::Visit;
use pail::store::adapter::memory::Memory;
use pail::store::{Limits, Store};
use pail::transfer::leftovers;
use pail::{ErrorKind, Key};
use std::path::PathBuf;
use std::sync::Arc;
use testkit::fault::{Fault, FaultStore, Rule};
use testkit::repo::Repo;
use testkit::seed::Chance;
use testkit::tap::Verb;

const MAIN: &[&str] = &["main:refs/heads/main"];

/// A repository whose pack has some thirty parts, and a bucket that fails as told.
struct World {
    dir: tempfile::TempDir,
    repo: Repo,
    memory: Memory,
    store: FaultStore,
    pushes: u64,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo::init(dir.path().join("work"));
        repo.commit("large", Chance::new(4).bytes(120_000));
        let memory = Memory::new();
        let store = FaultStore::scripted(Arc::new(memory.clone()), []);
        Self {
            dir,
            repo,
            memory,
            store,
            pushes: 0,
        }
    }

    /// Each push has its own chance, as another process has.
    fn remote(&mut self) -> pail::Remote {
        self.pushes += 1;
        remote(Arc::new(self.store.clone()), self.pushes, SMALL)
    }

    async fn push(&mut self) -> pail::Result<Vec<pail::refs::Outcome>> {
        push(&self.remote(), &self.repo, MAIN).await
    }

    /// A push that the network ends at the nth request of this kind.
    async fn dies_at(&mut self, verb: Verb, nth: usize) {
        self.dies_of(Fault::Before(ErrorKind::Unavailable), verb, nth)
            .await;
    }

    async fn dies_of(&mut self, fault: Fault, verb: Verb, nth: usize) {
        let rule = Rule::new(fault).verb(verb).key("objects/").nth(nth);
        self.store.rule(rule.always());
        self.push().await.unwrap_err();
        assert!(self.store.faults() > 0, "it met the fault");
        self.store.heal();
    }

    /// How many calls of this kind there were.
    fn calls(&self, verb: Verb) -> usize {
        let calls = self.store.calls();
        calls.iter().filter(|call| call.verb == verb).count()
    }

    fn shelf(&self) -> PathBuf {
        self.repo.path().join(".git/pail")
    }

    /// The folders of kept packs.
    fn kept(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.shelf().join("uploads")) else {
            return Vec::new();
        };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    async fn unfinished(&self) -> usize {
        let found: Vec<_> = self.memory.unfinished("").try_collect().await.unwrap();
        found.len()
    }

    fn packs(&self) -> Vec<String> {
        let files = self.memory.files().into_keys();
        files.filter(|key| key.ends_with(".pack")).collect()
    }

    /// The push is through: nothing is left here or there, and what is there is whole.
    async fn through(&self) {
        assert!(!self.shelf().exists(), "{:?}", self.kept());
        assert_eq!(self.unfinished().await, 0);
        let store: Arc<dyn Store> = Arc::new(self.memory.clone());
        let at = self.dir.path().join(format!("clone-{}", self.pushes));
        let mirror = clone(&store, &at).await;
        assert_eq!(mirror.id("refs/heads/main"), Some(self.repo.head()));
    }
}

#[tokio::test]
async fn a_push_that_died_moves_only_what_was_missing() {
    // In order, two at a time: what is before the fault is there, but perhaps for one part.
    for there in [3, 15, 27] {
        let mut world = World::new();
        world.dies_at(Verb::Part, there + 1).await;
        assert_eq!(world.kept().len(), 1);
        assert_eq!(world.unfinished().await, 1);
        let before = world.calls(Verb::Part);
        world.push().await.unwrap();
        let again = world.calls(Verb::Part) - before;
        // 120,000 bytes that do not compress, in parts of 4 KiB.
        let all = 120_000_usize.div_ceil(4096);
        assert!((all..=all + 1).contains(&(again + there)), "{again}");
        assert_eq!(world.packs().len(), 1);
        world.through().await;
    }
}

#[tokio::test]
async fn a_push_that_dies_again_and_again_gets_there() {
    let mut world = World::new();
    for _ in 0..6 {
        world.dies_at(Verb::Part, 5).await;
        assert_eq!(world.kept().len(), 1);
    }
    // What was sent is sent once, but for what was under way at each death.
    world.push().await.unwrap();
    assert_eq!(world.calls(Verb::Begin), 1);
    world.through().await;
}

#[tokio::test]
async fn a_pack_that_is_there_is_committed_without_moving() {
    // The reply to the completion is lost, or the commit is refused.
    let lost = (Fault::After, Verb::Complete);
    let refused = (Fault::Before(ErrorKind::Denied), Verb::Put);
    for (fault, verb) in [lost, refused] {
        let mut world = World::new();
        let mut rule = Rule::new(fault).verb(verb).always();
        if verb == Verb::Put {
            rule = rule.key("pail/manifest");
        }
        world.store.rule(rule);
        world.push().await.unwrap_err();
        world.store.heal();
        assert_eq!(world.packs().len(), 1);
        assert_eq!(world.kept().len(), 1);
        let parts = world.calls(Verb::Part);
        world.push().await.unwrap();
        assert_eq!(world.calls(Verb::Part), parts, "{verb:?}");
        assert_eq!(world.packs().len(), 1, "{verb:?}");
        world.through().await;
    }
}

#[tokio::test]
async fn a_name_that_was_complete_and_is_gone_is_not_used_again() {
    let mut world = World::new();
    world.dies_of(Fault::After, Verb::Complete, 1).await;
    let [first] = &*world.packs() else {
        panic!("it was completed");
    };
    world
        .memory
        .delete(&Key::new(first).unwrap())
        .await
        .unwrap();
    world.push().await.unwrap();
    assert!(!world.packs().contains(first));
    world.through().await;
}

#[tokio::test]
async fn an_upload_that_the_bucket_threw_away_begins_anew() {
    let mut world = World::new();
    world.dies_at(Verb::Part, 9).await;
    let dead: Vec<_> = world.memory.unfinished("").try_collect().await.unwrap();
    world
        .memory
        .abandon(&dead[0].key, &dead[0].token)
        .await
        .unwrap();
    world.push().await.unwrap();
    assert_eq!(world.calls(Verb::Begin), 2);
    assert_eq!(world.packs(), [dead[0].key.clone()], "packed once");
    world.through().await;
}

#[tokio::test]
async fn another_tip_of_the_same_branch_throws_the_old_pack_away() {
    let mut world = World::new();
    world.dies_at(Verb::Part, 9).await;
    let dead: Vec<_> = world.memory.unfinished("").try_collect().await.unwrap();
    world.repo.commit("more", "more\n");
    world.push().await.unwrap();
    assert!(!world.packs().contains(&dead[0].key));
    world.through().await;
}

#[tokio::test]
async fn another_branch_leaves_it_for_the_next_push() {
    let mut world = World::new();
    world.dies_at(Verb::Part, 9).await;
    world.repo.branch("side");
    world.repo.switch("side");
    world.repo.empty_commit("small");
    world.repo.ok(&["checkout", "-q", "--orphan", "other"]);
    world.repo.ok(&["rm", "-rfq", "."]);
    world.repo.commit("small", "small\n");
    let remote = world.remote();
    push_ok(&remote, &world.repo, &["other:refs/heads/other"]).await;
    assert_eq!(world.kept().len(), 1);
    let parts = world.calls(Verb::Part);
    world.repo.switch("main");
    world.push().await.unwrap();
    let again = world.calls(Verb::Part) - parts;
    assert!((21..=23).contains(&again), "{again}: 8 of 30 were there");
    assert!(!world.shelf().exists());
}

#[tokio::test]
async fn a_spool_that_is_not_what_it_was_is_packed_again() {
    for name in ["pack", "idx"] {
        let mut world = World::new();
        world.dies_at(Verb::Part, 9).await;
        let dead: Vec<_> = world.memory.unfinished("").try_collect().await.unwrap();
        let file = world.kept()[0].join(name);
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        // Git leaves its packs read-only.
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, &bytes).unwrap();
        world.push().await.unwrap();
        assert!(!world.packs().contains(&dead[0].key), "{name}");
        world.through().await;
    }
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_removed_with_its_pack() {
    let mut world = World::new();
    world.dies_at(Verb::Part, 9).await;
    std::fs::write(world.kept()[0].join("journal.json"), "{").unwrap();
    world.push().await.unwrap();
    assert!(!world.shelf().exists());
    // Nobody here knows its name any more: the bucket does.
    assert_eq!(world.unfinished().await, 1);
}

#[tokio::test]
async fn a_refusal_for_good_leaves_nothing() {
    let mut world = World::new();
    world
        .dies_of(Fault::Before(ErrorKind::Invalid), Verb::Part, 9)
        .await;
    assert!(!world.shelf().exists());
    assert_eq!(world.unfinished().await, 0);
    world.push().await.unwrap();
    world.through().await;
}

#[tokio::test]
async fn a_small_pack_is_not_kept() {
    let mut world = World::new();
    let unlimited = remote(Arc::new(world.store.clone()), 50, Limits::default());
    let fault = Fault::Before(ErrorKind::Unavailable);
    world
        .store
        .rule(Rule::new(fault).verb(Verb::Put).key(".pack").always());
    push(&unlimited, &world.repo, MAIN).await.unwrap_err();
    assert!(!world.shelf().exists());
    world.store.heal();
    world.push().await.unwrap();
    world.through().await;
}

#[tokio::test]
async fn the_oldest_of_too_many_are_removed() {
    let mut world = World::new();
    for number in 0..7 {
        let name = format!("topic{number}");
        world.repo.ok(&["checkout", "-q", "--orphan", &name]);
        world
            .repo
            .commit("large", Chance::new(number).bytes(20_000));
        let fault = Fault::Before(ErrorKind::Unavailable);
        world
            .store
            .rule(Rule::new(fault).verb(Verb::Part).nth(2).always());
        let spec = format!("{name}:refs/heads/{name}");
        let remote = world.remote();
        push(&remote, &world.repo, &[&*spec]).await.unwrap_err();
        world.store.heal();
    }
    assert!(world.kept().len() <= 5, "four, and the one at work");
    // The parts of the others have gone from the bucket, too.
    assert_eq!(world.unfinished().await, world.kept().len());
}

#[tokio::test]
async fn a_pack_that_somebody_works_on_is_left_alone() {
    let mut world = World::new();
    world.dies_at(Verb::Part, 9).await;
    let kept = world.kept()[0].clone();
    let lock = std::fs::File::open(kept.join("lock")).unwrap();
    lock.lock().unwrap();
    world.push().await.unwrap();
    assert_eq!(world.calls(Verb::Resume), 0);
    assert_eq!(world.kept(), [kept]);
    assert_eq!(world.packs().len(), 1);
}

#[tokio::test]
async fn a_bare_repository_and_a_worktree_share_what_is_kept() {
    let mut world = World::new();
    let tree = world.dir.path().join("tree");
    let path = tree.to_str().unwrap().to_owned();
    world.repo.ok(&["worktree", "add", "-q", "--detach", &path]);
    world.dies_at(Verb::Part, 20).await;
    let parts = world.calls(Verb::Part);
    let main = world.repo.clone();
    world.repo = Repo::at(main.git(), &tree);
    assert_eq!(
        local(&world.repo).await.common_dir(),
        main.path().join(".git")
    );
    world.push().await.unwrap();
    assert!(world.calls(Verb::Part) - parts <= 12);
    world.repo = main;
    world.through().await;
}

#[tokio::test]
async fn what_is_left_is_told_and_removed() {
    let mut world = World::new();
    let here = local(&world.repo).await;
    assert!(leftovers::uploads(&here).is_empty());
    world.dies_at(Verb::Part, 9).await;
    let found = leftovers::uploads(&here);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].folder(), world.kept()[0]);
    assert_eq!(found[0].location(), Some("memory"));
    assert!(found[0].bytes() > 120_000);
    drop(found);
    let dead: Vec<_> = world.memory.unfinished("").try_collect().await.unwrap();
    let waiting = leftovers::waiting(&here, "memory");
    let expected = (dead[0].key.clone(), dead[0].token.clone());
    assert_eq!(waiting.into_iter().collect::<Vec<_>>(), [expected]);
    assert!(leftovers::waiting(&here, "elsewhere").is_empty());
    for left in leftovers::uploads(&here) {
        assert_eq!(left.begun(), 1);
        assert_eq!(left.throw_away(&world.memory).await.unwrap(), 1);
    }
    assert!(!world.shelf().exists());
    assert_eq!(world.unfinished().await, 0);
}

fn visit(repository: &Repository, remove_leftovers: bool, older_than: i64) -> Visit {
    Visit {
        probe: false,
        remove_leftovers,
        older_than,
        repository: Some(repository.clone()),
        large_files: Vec::new(),
        who: "Doctor <doctor@example.org>".to_owned(),
    }
}

#[tokio::test]
async fn the_doctor_tells_a_waiting_upload_once_and_throws_it_away_when_it_is_old() {
    let mut world = World::new();
    let here = local(&world.repo).await;
    world.dies_at(Verb::Part, 9).await;
    let told = world.remote().doctor(&visit(&here, false, 0)).await;
    let told = told.unwrap();
    let [found] = &told.findings[..] else {
        panic!("{:?}", told.findings);
    };
    assert_eq!((found.code, found.severity), ("kept-pack", Severity::Note));
    assert_eq!(found.subject, world.kept()[0].to_str().unwrap());
    // What is not old enough stays.
    let visited = visit(&here, true, i64::MAX);
    let told = world.remote().doctor(&visited).await.unwrap();
    assert_eq!(told.removed, 0);
    assert_eq!(told.findings.len(), 1);
    assert_eq!((world.kept().len(), world.unfinished().await), (1, 1));
    let visited = visit(&here, true, 0);
    let told = world.remote().doctor(&visited).await.unwrap();
    assert_eq!((told.removed, &told.findings[..]), (2, &[][..]));
    assert!(!world.shelf().exists());
    assert_eq!(world.unfinished().await, 0);
    world.push().await.unwrap();
    world.through().await;
}
