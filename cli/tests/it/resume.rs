//! Large transfers, killed on their way (`kill -9` of git and of all that it started), and
//! the same command again: what moves the second time.
//!
//! `PAIL_MIB=500` makes them as large as the measurements in the docs.

use crate::it::proxied::{main_of, server, sound, through};
use crate::it::world::{World, script};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;
use testkit::git::kill_group;
use testkit::repo::Repo;
use testkit::seed::{Chance, mebibytes};
use testkit::wire_proxy::{Fault, Record, Rule, WireProxy};

/// Bytes of a part, and of a range.
const PART: u64 = 5 << 20;

/// What may move besides: manifests, listings, an index.
const BESIDES: u64 = 256 << 10;

/// A world whose people reach their bucket through a proxy that counts, and whose large
/// transfers move in parts of [`PART`].
struct Site {
    world: World,
    proxy: WireProxy,
}

impl Site {
    fn new() -> Self {
        let world = World::s3();
        world.git().config("pail.partSize", "5M");
        Self {
            world,
            proxy: WireProxy::start(server()),
        }
    }

    fn url(&self) -> String {
        through(&self.proxy, &self.world.url())
    }

    /// A repository with one large file on main that does not compress, and its size.
    fn large(&self, seed: u64) -> (Repo, u64) {
        let repo = self.world.repo("work");
        // The time goes into moving bytes.
        repo.ok(&["config", "core.compression", "0"]);
        let bytes = mebibytes(64) << 20;
        repo.commit("large", Chance::new(seed).bytes(bytes as usize));
        (repo, bytes)
    }

    /// Waits until so many bytes have moved, up and down together, and kills.
    fn kill_at(&self, child: &mut Child, bytes: u64) {
        while moved(&self.proxy) < bytes {
            let ended = child.try_wait().unwrap();
            assert_eq!(ended, None, "after {} bytes", moved(&self.proxy));
            std::thread::sleep(Duration::from_millis(1));
        }
        kill_group(child.id());
        let _ = child.wait();
    }
}

fn moved(proxy: &WireProxy) -> u64 {
    let (up, down) = proxy.bytes();
    up + down
}

/// Bytes of the parts of which the bucket has said that they are there.
fn acknowledged(records: &[Record]) -> u64 {
    let parts = records
        .iter()
        .filter(|record| record.path.contains("partNumber=") && record.status == Some(200));
    parts.map(|record| record.sent).sum()
}

fn kept(repo: &Repo) -> Vec<PathBuf> {
    let folder = repo.path().join(".git/pail/uploads");
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn heavy_a_push_killed_on_its_way_moves_the_rest_the_second_time() {
    for percent in [10, 50, 90] {
        let site = Site::new();
        let (repo, size) = site.large(percent);
        let url = site.url();
        let mut push = repo.git().start(&["push", "-q", &url, "main"]);
        site.kill_at(&mut push, size * percent / 100);
        assert_eq!(kept(&repo).len(), 1);
        let first = site.proxy.bytes().0;
        let there = acknowledged(&site.proxy.records());
        site.proxy.forget();
        repo.ok(&["push", "-q", &url, "main"]);
        let second = site.proxy.bytes().0;
        eprintln!(
            "resume: push of {size} bytes killed at {percent} %: {first} sent, {there} of them \
             acknowledged; {second} the second time"
        );
        assert!(second <= size - there + PART + BESIDES, "{second}");
        // Nothing is left, here or there.
        assert!(!repo.path().join(".git/pail").exists());
        assert_eq!(site.world.bucket().unfinished(), [""; 0]);
        assert_eq!(main_of(&site.world, &site.world.url()), Some(repo.head()));
        sound(&site.world, &site.world.url(), "mirror");
    }
}

#[test]
fn a_push_that_a_signal_ends_is_taken_up_again() {
    let site = Site::new();
    let (repo, size) = site.large(1);
    let url = site.url();
    let mut push = repo.git().start(&["push", "-q", &url, "main"]);
    while moved(&site.proxy) < size / 2 {
        assert_eq!(push.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut kill = site.world.git().program("kill");
    kill.args(["-TERM", "--", &format!("-{}", push.id())]);
    assert!(testkit::git::run(kill, b"").ok());
    assert!(!push.wait().unwrap().success());
    assert_eq!(kept(&repo).len(), 1);
    let there = acknowledged(&site.proxy.records());
    site.proxy.forget();
    repo.ok(&["push", "-q", &url, "main"]);
    assert!(site.proxy.bytes().0 <= size - there + PART + BESIDES);
    assert!(!repo.path().join(".git/pail").exists());
    sound(&site.world, &site.world.url(), "mirror");
}

#[test]
fn two_pushes_of_one_tip_at_once_do_not_meet() {
    let site = Site::new();
    let (repo, size) = site.large(2);
    let url = site.url();
    let mut first = repo.git().start(&["push", "-q", &url, "main"]);
    while moved(&site.proxy) < size / 4 {
        assert_eq!(first.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(1));
    }
    // The same value for the same ref: both are right.
    repo.ok(&["push", "-q", &url, "main"]);
    let _ = first.wait();
    assert_eq!(main_of(&site.world, &site.world.url()), Some(repo.head()));
    sound(&site.world, &site.world.url(), "mirror");
    assert_eq!(kept(&repo), Vec::<PathBuf>::new());
}

#[test]
fn a_push_into_a_folder_that_was_killed_is_not_packed_again() {
    let world = World::folder();
    let repo = world.repo("work");
    repo.ok(&["config", "core.compression", "0"]);
    let size = mebibytes(64) << 20;
    repo.commit("large", Chance::new(3).bytes(size as usize));
    let mut push = repo.git().start(&["push", "-q", "origin", "main"]);
    while largest(&world.bucket().path().join("objects/pack")) < size / 2 {
        assert_eq!(push.try_wait().unwrap(), None);
    }
    kill_group(push.id());
    let _ = push.wait();
    let before = kept(&repo);
    assert_eq!(before.len(), 1);
    let journal = std::fs::read_to_string(before[0].join("journal.json")).unwrap();
    repo.ok(&["push", "-q", "origin", "main"]);
    let keys = world.bucket().keys();
    let packs: Vec<_> = keys.iter().filter(|key| key.ends_with(".pack")).collect();
    let [pack] = packs[..] else {
        panic!("{packs:?}");
    };
    let name = pack.trim_start_matches("objects/pack/pack-");
    assert!(journal.contains(name.trim_end_matches(".pack")));
    assert!(!repo.path().join(".git/pail").exists());
    // What the dead one had written is swept away by the next.
    let left = world
        .bucket()
        .path()
        .join("objects/pack")
        .read_dir()
        .unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.starts_with('.')).count(), 0);
    world.mirror();
}

/// Size of the largest file in a folder.
fn largest(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok());
    sizes.map(|metadata| metadata.len()).max().unwrap_or(0)
}

/// What is kept of downloads that were cut off.
fn arrived(cache: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries(&cache.join("downloads"));
    let files = folders.flat_map(|folder| entries(&folder.path()));
    files.map(|file| file.path()).collect()
}

/// Bytes that a file takes, its holes left out.
fn on_disk(file: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(&file.metadata().unwrap()) * 512
}

#[test]
fn heavy_a_clone_killed_on_its_way_moves_the_rest_the_second_time() {
    let site = Site::new();
    let (repo, size) = site.large(7);
    repo.ok(&["push", "-q", "origin", "main"]);
    let cache = site.world.path("cache");
    let git = site.world.git().with_env("PAIL_CACHE", &cache);
    for percent in [10, 50, 90] {
        let (url, to) = (site.url(), site.world.text("clone"));
        site.proxy.forget();
        let mut clone = git.start(&["clone", "-q", &url, &to]);
        site.kill_at(&mut clone, size * percent / 100);
        let first = site.proxy.bytes().1;
        // Git deletes what it made when it can; a killed one cannot.
        std::fs::remove_dir_all(&to).unwrap();
        let files = arrived(&cache);
        assert_eq!(files.len(), 2);
        let there: u64 = files.iter().map(|file| on_disk(file)).sum();
        site.proxy.forget();
        let clone = Repo::clone_of(&git, &url, &to, &[]);
        let second = site.proxy.bytes().1;
        eprintln!(
            "resume: clone of {size} bytes killed at {percent} %: {first} sent to it, {there} of \
             them read; {second} the second time"
        );
        // What lay in the system's buffers at the death is lost, and at most a part that was
        // written and not noted yet.
        assert!(
            there + second <= size + PART + BESIDES,
            "{there} + {second}"
        );
        assert!(percent < 90 || there > size / 2, "{there}");
        clone.fsck();
        assert_eq!(clone.head(), repo.head());
        assert_eq!(arrived(&cache), Vec::<PathBuf>::new());
        std::fs::remove_dir_all(&to).unwrap();
    }
}

#[test]
fn a_clone_whose_network_went_away_is_taken_up_again() {
    let site = Site::new();
    let (repo, size) = site.large(8);
    repo.ok(&["push", "-q", "origin", "main"]);
    let cache = site.world.path("cache");
    let git = site.world.git().with_env("PAIL_CACHE", &cache);
    let (url, to) = (site.url(), site.world.text("clone"));
    site.proxy.forget();
    let denied = Rule::new(Fault::Answer(403)).path(".pack").nth(7);
    site.proxy.rule(denied.always());
    let said = git.fails(&["clone", "-q", &url, &to]);
    assert!(said.contains("access denied"), "{said}");
    // Git has deleted the clone; what came is elsewhere.
    assert!(!Path::new(&to).exists());
    let first = site.proxy.bytes().1;
    site.proxy.heal();
    site.proxy.forget();
    let clone = Repo::clone_of(&git, &url, &to, &[]);
    let second = site.proxy.bytes().1;
    assert!(
        first + second <= size + PART + BESIDES,
        "{first} + {second}"
    );
    clone.fsck();
    assert_eq!(arrived(&cache), Vec::<PathBuf>::new());
    // A fetch can do without, too.
    git.config("pail.keepDownloads", "false");
    std::fs::remove_dir_all(&to).unwrap();
    site.proxy
        .rule(Rule::new(Fault::Answer(403)).path(".pack").nth(7).always());
    git.fails(&["clone", "-q", &url, &to]);
    assert_eq!(arrived(&cache), Vec::<PathBuf>::new());
}

#[test]
fn a_push_from_a_quarantine_is_taken_up_again() {
    let site = Site::new();
    let (repo, size) = site.large(9);
    let server = Repo::init_with(site.world.git(), site.world.path("server"), &["--bare"]);
    // What comes goes on into the bucket before it is let in: git has it in quarantine then.
    script(
        &server.path().join("hooks/pre-receive"),
        &format!(
            "test -n \"$GIT_QUARANTINE_PATH\" || exit 1\n\
             while read old new ref; do git push -q '{}' $new:$ref || exit 1; done",
            site.url()
        ),
    );
    let to = server.path().to_str().unwrap();
    let denied = Rule::new(Fault::Answer(403)).path("partNumber=").nth(7);
    site.proxy.rule(denied.always());
    repo.fails(&["push", "-q", to, "main"]);
    let there = acknowledged(&site.proxy.records());
    assert_eq!(
        server
            .path()
            .join("pail/uploads")
            .read_dir()
            .unwrap()
            .count(),
        1
    );
    site.proxy.heal();
    site.proxy.forget();
    repo.ok(&["push", "-q", to, "main"]);
    assert!(site.proxy.bytes().0 <= size - there + BESIDES);
    assert!(!server.path().join("pail").exists());
    sound(&site.world, &site.world.url(), "mirror");
}

#[test]
fn what_a_dead_push_left_is_thrown_away_by_the_doctor() {
    let site = Site::new();
    let (repo, _) = site.large(10);
    let url = site.url();
    let denied = Rule::new(Fault::Answer(403)).path("partNumber=").nth(7);
    site.proxy.rule(denied.always());
    repo.fails(&["push", "-q", &url, "main"]);
    site.proxy.heal();
    assert_eq!(kept(&repo).len(), 1);
    assert_eq!(site.world.bucket().unfinished().len(), 1);
    let doctor = |args: &[&str]| {
        let mut command = repo.git().program("git-pail");
        command.args(["doctor", &url]).args(args);
        let out = testkit::git::run(command, b"");
        assert!(out.ok(), "{}{}", out.stdout, out.stderr);
        out.stdout
    };
    // What the next push takes up is no complaint.
    let told = doctor(&[]);
    let subject = kept(&repo)[0].canonicalize().unwrap();
    let told_here = format!("note: {}: a pack of a push to s3+http", subject.display());
    assert!(told.contains(&told_here), "{told}");
    assert!(!told.contains("begun and not ended"), "{told}");
    let told = doctor(&["--remove-leftovers"]);
    assert!(!told.contains("removed"), "it is young: {told}");
    assert_eq!(site.world.bucket().unfinished().len(), 1);
    let told = doctor(&["--remove-leftovers", "--older-than", "0s"]);
    assert!(told.contains("removed 2 leftovers"), "{told}");
    assert!(!repo.path().join(".git/pail").exists());
    assert_eq!(site.world.bucket().unfinished(), [""; 0]);
    repo.ok(&["push", "-q", &url, "main"]);
    sound(&site.world, &site.world.url(), "mirror");
}
