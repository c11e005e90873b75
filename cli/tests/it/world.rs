//! A bucket, the binary under its names, and sealed git: where every test here lives.

mod bucket;
mod scripts;
mod talk;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::it::proxied;
use pail::ids::{Ids, SystemIds};
use tempfile::TempDir;
use testkit::git::Git;
use testkit::google::{Google, Rules};
use testkit::repo::Repo;

pub(crate) use bucket::Bucket;
pub(crate) use scripts::{before_push, leftovers, script};
pub(crate) use talk::Talk;

/// Makes three tests of each function: on a folder, on an S3 server, and on the fake of Google
/// Cloud Storage that each test starts for itself.
///
/// Those on S3 fail without a server, as `cargo xtask test` starts it: they read
/// `PAIL_TEST_S3_ENDPOINT`, `_KEY`, `_SECRET` and `_BUCKET`.
macro_rules! on_every_bucket {
    ($($name:ident),* $(,)?) => {
        mod on_folder {
            $(#[test]
            fn $name() {
                super::$name(&crate::it::world::World::folder());
            })*
        }

        mod on_s3 {
            $(#[test]
            fn $name() {
                super::$name(&crate::it::world::World::s3());
            })*
        }

        mod on_google {
            $(#[test]
            fn $name() {
                super::$name(&crate::it::world::World::google());
            })*
        }
    };
}
pub(crate) use on_every_bucket;

/// The same, and one more on an Azure Blob service: for what shows that a service serves,
/// rather than for every corner of git. Those fail without a server, too.
macro_rules! on_every_service {
    ($($name:ident),* $(,)?) => {
        crate::it::world::on_every_bucket!($($name),*);

        mod on_azure {
            $(#[test]
            fn $name() {
                super::$name(&crate::it::world::World::azure());
            })*
        }
    };
}
pub(crate) use on_every_service;

/// A bucket and everybody who works with it.
#[derive(Debug)]
pub(crate) struct World {
    dir: TempDir,
    git: Git,
    bucket: Bucket,
}

impl World {
    /// With a folder as the bucket.
    pub(crate) fn folder() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bucket = Bucket::folder(dir.path());
        Self::on(dir, Git::new(), bucket)
    }

    /// With a prefix on an S3 server as the bucket.
    pub(crate) fn s3() -> Self {
        let (dir, git) = (tempfile::tempdir().unwrap(), Git::new());
        let bucket = Bucket::s3(dir.path(), &git);
        Self::on(dir, git, bucket)
    }

    /// With a bucket of Google as the bucket.
    pub(crate) fn google() -> Self {
        let bucket = Bucket::Google(Google::start(Rules::default()));
        Self::on(tempfile::tempdir().unwrap(), Git::new(), bucket)
    }

    /// With a prefix of a container of an Azure Blob service as the bucket.
    pub(crate) fn azure() -> Self {
        let (dir, git) = (tempfile::tempdir().unwrap(), Git::new());
        let bucket = Bucket::azure(dir.path(), &git);
        Self::on(dir, git, bucket)
    }

    fn on(dir: TempDir, git: Git, bucket: Bucket) -> Self {
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        for name in [
            "git-pail",
            "git-remote-pail",
            "git-remote-s3",
            "git-remote-s3+http",
            "git-remote-s3+https",
            "git-remote-az",
            "git-remote-az+http",
            "git-annex-remote-pail",
        ] {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_git-pail"), bin.join(name)).unwrap();
        }
        let mut git = git.at(dir.path()).with_bin(bin);
        for (name, value) in bucket.credentials() {
            git = git.with_env(name, value);
        }
        Self { dir, git, bucket }
    }

    /// The bucket.
    pub(crate) fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        self.bucket.url()
    }

    /// Where its service listens.
    pub(crate) fn server(&self) -> SocketAddr {
        self.bucket.server()
    }

    /// The URL of a fresh prefix beside it.
    pub(crate) fn fresh(&self) -> String {
        match &self.bucket {
            Bucket::Folder(_) => panic!("a folder has no server"),
            Bucket::S3(_) => proxied::prefix(),
            Bucket::Azure(_) | Bucket::Google(_) => {
                format!("{}-{}", self.url(), SystemIds.hex().unwrap())
            }
        }
    }

    /// Git, in the folder of this world.
    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    /// A place in the folder of this world.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A place, as text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// An empty repository whose `origin` is the bucket.
    pub(crate) fn repo(&self, name: &str) -> Repo {
        self.repo_with(name, &[])
    }

    /// The same, with more words for `git init`.
    pub(crate) fn repo_with(&self, name: &str, args: &[&str]) -> Repo {
        let repo = Repo::init_with(&self.git, self.path(name), args);
        repo.ok(&["remote", "add", "origin", &self.url()]);
        repo
    }

    /// A repository with two commits on main, pushed.
    pub(crate) fn pushed(&self, name: &str) -> Repo {
        let repo = self.repo(name);
        repo.commit("a", "one\n");
        repo.commit("b/c", "two\n");
        repo.ok(&["push", "-q", "-u", "origin", "main"]);
        repo
    }

    /// A clone of the bucket.
    pub(crate) fn clone(&self, name: &str) -> Repo {
        self.clone_with(name, &[])
    }

    /// The same, with more words for `git clone`.
    pub(crate) fn clone_with(&self, name: &str, args: &[&str]) -> Repo {
        Repo::clone_of(&self.git, &self.url(), self.path(name), args)
    }

    /// A fresh mirror of the bucket: every ref that it has, checked by git's own fsck.
    pub(crate) fn mirror(&self) -> Repo {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mirror-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mirror = self.clone_with(&name, &["--mirror"]);
        mirror.fsck();
        mirror
    }

    /// All refs of the bucket with their values, as git lists them; peeled ones left out.
    pub(crate) fn refs(&self) -> BTreeMap<String, String> {
        let out = self.git.ok(&["ls-remote", "-q", "--refs", &self.url()]);
        let lines = out.lines().filter_map(|line| line.split_once('\t'));
        lines
            .map(|(id, name)| (name.to_owned(), id.to_owned()))
            .collect()
    }

    /// The value of one ref of the bucket.
    pub(crate) fn tip(&self, name: &str) -> Option<String> {
        self.refs().remove(name)
    }

    /// Talks with the helper in git's place.
    pub(crate) fn talk(&self, git_dir: &Path) -> Talk {
        let url = self.url();
        let address = url.strip_prefix("pail::").unwrap();
        let mut command = self.git.program("git-remote-pail");
        command.args(["origin", address]).env("GIT_DIR", git_dir);
        Talk::start(command)
    }
}
