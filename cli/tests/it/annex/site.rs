//! A place for a special remote, and repositories of git-annex that use it.

use crate::it::world::{Bucket, World};
use std::collections::BTreeMap;
use testkit::git::{Git, Output};
use testkit::repo::Repo;
use testkit::{programs, services};

/// Makes four tests of each function: of our special remote on a folder and on S3, and, for
/// runs that want to see, of git-annex's own remotes for the same.
macro_rules! on_every_site {
    ($($name:ident),* $(,)?) => {
        crate::it::annex::site::tests!(on_folder: folder, ours, $($name)*);
        crate::it::annex::site::tests!(on_s3: s3, ours, $($name)*);
        crate::it::annex::site::tests!(as_directory: folder, directory, $($name)*);
        crate::it::annex::site::tests!(as_builtin: s3, builtin, $($name)*);
    };
}
pub(crate) use on_every_site;

/// As [`on_every_site`], but for git-annex's `directory`: for what that is not asked for, having
/// names of its own and a folder that each clone must be told.
macro_rules! on_sites_like_a_bucket {
    ($($name:ident),* $(,)?) => {
        crate::it::annex::site::tests!(on_folder: folder, ours, $($name)*);
        crate::it::annex::site::tests!(on_s3: s3, ours, $($name)*);
        crate::it::annex::site::tests!(as_builtin: s3, builtin, $($name)*);
    };
}
pub(crate) use on_sites_like_a_bucket;

/// Makes two more, on the stores that git-annex knows nothing of: for what shows that a store
/// serves.
macro_rules! on_the_others {
    ($($name:ident),* $(,)?) => {
        crate::it::annex::site::tests!(on_google: google, ours, $($name)*);
        crate::it::annex::site::tests!(on_azure: azure, ours, $($name)*);
    };
}
pub(crate) use on_the_others;

macro_rules! tests {
    ($module:ident: $world:ident, ours, $($name:ident)*) => {
        mod $module {
            $(#[test]
            fn $name() {
                let world = crate::it::world::World::$world();
                super::$name(&crate::it::annex::site::Site::ours(world));
            })*
        }
    };
    ($module:ident: $world:ident, $theirs:ident, $($name:ident)*) => {
        mod $module {
            $(#[test]
            #[ignore = "a remote of git-annex itself, to which ours is held"]
            fn $name() {
                let world = crate::it::world::World::$world();
                super::$name(&crate::it::annex::site::Site::$theirs(world));
            })*
        }
    };
}
pub(crate) use tests;

/// The part of the bucket that the special remote has for itself.
pub(crate) const PLACE: &str = "content";

/// Which special remote it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `type=external externaltype=pail`
    Ours,
    /// `type=directory`
    Directory,
    /// `type=S3`
    Builtin,
}

/// A world with git-annex in it.
#[derive(Debug)]
pub(crate) struct Site {
    world: World,
    kind: Kind,
    git: Git,
}

impl Site {
    /// With our special remote and the newest git-annex.
    pub(crate) fn ours(world: World) -> Self {
        Self::new(world, Kind::Ours)
    }

    /// With git-annex's own remote for folders.
    pub(crate) fn directory(world: World) -> Self {
        Self::new(world, Kind::Directory)
    }

    /// With git-annex's own remote for S3.
    pub(crate) fn builtin(world: World) -> Self {
        Self::new(world, Kind::Builtin)
    }

    fn new(world: World, kind: Kind) -> Self {
        let git = world.git().with_bin(programs::annex());
        // In the plain locale git-annex passes over names beyond ASCII.
        let git = git.with_env("LC_ALL", "C.UTF-8");
        // Git's own refuses this machine's address unless it is told.
        git.config("annex.security.allowed-ip-addresses", "127.0.0.1");
        git.config("annex.diskreserve", "1mb");
        // Nothing from a machine's load: a stall is not what these tests are about.
        git.config("annex.stalldetection", "false");
        Self { world, kind, git }
    }

    /// The same place with the git-annex of Debian 12.
    pub(crate) fn old(mut self) -> Self {
        self.git = self.git.with_bin(programs::old_annex());
        self
    }

    /// The same place for somebody whose environment differs.
    pub(crate) fn with_env(mut self, name: &str, value: &str) -> Self {
        self.git = self.git.with_env(name, value);
        self
    }

    /// The same place with programs from this folder first.
    pub(crate) fn with_bin(mut self, bin: std::path::PathBuf) -> Self {
        self.git = self.git.with_bin(bin);
        self
    }

    /// The world around it.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// Git with git-annex.
    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    /// The bucket.
    pub(crate) fn bucket(&self) -> &Bucket {
        self.world.bucket()
    }

    /// Which special remote it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What `initremote` is told of the remote, but for its encryption.
    pub(crate) fn words(&self) -> Vec<String> {
        self.words_at(PLACE)
    }

    /// The same for another place in the bucket.
    pub(crate) fn words_at(&self, place: &str) -> Vec<String> {
        match self.kind {
            Kind::Ours => vec![
                "type=external".to_owned(),
                "externaltype=pail".to_owned(),
                format!("url={}", self.world.url().trim_start_matches("pail::")),
                format!("fileprefix={place}/"),
            ],
            Kind::Directory => {
                let folder = self.bucket().path().join(place);
                std::fs::create_dir_all(&folder).unwrap();
                vec![
                    "type=directory".to_owned(),
                    format!("directory={}", folder.display()),
                ]
            }
            Kind::Builtin => [vec!["type=S3".to_owned()], self.s3_words_at(place)].concat(),
        }
    }

    /// The parameters of git-annex's own remote for S3, which ours takes as well.
    pub(crate) fn s3_words_at(&self, place: &str) -> Vec<String> {
        let service = services::s3();
        let (_, port) = service.endpoint.rsplit_once(':').unwrap();
        vec![
            "host=127.0.0.1".to_owned(),
            format!("port={port}"),
            "protocol=http".to_owned(),
            "requeststyle=path".to_owned(),
            format!("bucket={}", service.bucket),
            format!("fileprefix={}/{place}/", self.bucket().prefix()),
        ]
    }

    /// A repository of git-annex whose `origin` is the bucket.
    pub(crate) fn repo(&self, name: &str) -> Repo {
        let repo = Repo::init_with(&self.git, self.world.path(name), &[]);
        repo.ok(&["remote", "add", "origin", &self.world.url()]);
        repo.ok(&["annex", "init", "-q", name]);
        repo
    }

    /// A repository with the three files of [`FILES`] and a special remote `r`.
    pub(crate) fn ready(&self, name: &str, more: &[&str]) -> Repo {
        let repo = self.repo(name);
        fill(&repo);
        self.init_remote(&repo, "r", more);
        repo
    }

    /// Makes the special remote known to a repository.
    pub(crate) fn init_remote(&self, repo: &Repo, name: &str, more: &[&str]) {
        let out = self.try_remote(repo, name, more);
        assert!(out.ok(), "{}{}", out.stdout, out.stderr);
    }

    /// The same, which may fail.
    pub(crate) fn try_remote(&self, repo: &Repo, name: &str, more: &[&str]) -> Output {
        let words = self.words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let args = [&["annex", "initremote", "-q", name], &words[..], more].concat();
        repo.git().run(&args)
    }

    /// The files of the special remote with their bytes, by their names in it.
    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let all = self.bucket().everything().into_iter();
        all.filter_map(|(key, bytes)| {
            let name = key.strip_prefix(PLACE)?.strip_prefix('/')?;
            Some((name.to_owned(), bytes))
        })
        .collect()
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<String> {
        let keys = self.bucket().keys().into_iter();
        keys.filter_map(|key| Some(key.strip_prefix(PLACE)?.strip_prefix('/')?.to_owned()))
            .collect()
    }

    /// Puts a file where the special remote lies, as somebody else would.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        self.bucket().write(&format!("{PLACE}/{name}"), bytes);
    }

    /// Removes one.
    pub(crate) fn remove(&self, name: &str) {
        self.bucket().remove(&format!("{PLACE}/{name}"));
    }
}

/// What [`fill`] commits: names with their bytes.
pub(crate) fn files() -> [(&'static str, Vec<u8>); 3] {
    let big = testkit::seed::Chance::new(6).bytes(3_000_000);
    [
        ("a", b"one\n".to_vec()),
        ("b/no bytes", Vec::new()),
        ("b/big.bin", big),
    ]
}

/// Adds three files to git-annex: a small one, an empty one, one of three megabytes.
pub(crate) fn fill(repo: &Repo) {
    for (name, bytes) in files() {
        repo.write(name, bytes);
    }
    repo.ok(&["annex", "add", "-q", "."]);
    repo.ok(&["commit", "-q", "-m", "three files"]);
}

/// Writes a file anew, adds it to git-annex and commits it; its key.
pub(crate) fn change(repo: &Repo, name: &str, bytes: &[u8]) -> String {
    let _ = std::fs::remove_file(repo.path().join(name));
    repo.write(name, bytes);
    repo.ok(&["annex", "add", "-q", name]);
    repo.ok(&["commit", "-q", "-m", &format!("change {name}")]);
    key(repo, name)
}

/// The key of a file.
pub(crate) fn key(repo: &Repo, name: &str) -> String {
    repo.ok(&["annex", "lookupkey", name])
}

/// The content of every file in the work tree, by its name.
#[track_caller]
pub(crate) fn contents(repo: &Repo) -> BTreeMap<String, Vec<u8>> {
    let names = repo.ok(&["ls-files", "-z"]);
    let names = names.split('\0').filter(|name| !name.is_empty());
    names
        .map(|name| {
            let path = repo.path().join(name);
            let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name.to_owned(), bytes)
        })
        .collect()
}

/// The files that git-annex believes to be in a remote.
pub(crate) fn believed(repo: &Repo, remote: &str) -> Vec<String> {
    let found = repo.ok(&["annex", "find", &format!("--in={remote}")]);
    found.lines().map(str::to_owned).collect()
}
