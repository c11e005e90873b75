//! Git LFS: the real one, in both versions that people have, with our agent.

mod agent;
mod everyday;
mod forms;
mod untrusted;

use crate::it::world::{Bucket, World};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use testkit::git::Git;
use testkit::repo::Repo;
use testkit::services;

/// A world in which git-lfs and we are installed.
struct Lfs<'a> {
    world: &'a World,
    git: Git,
}

impl<'a> Lfs<'a> {
    /// With the newest git-lfs.
    fn new(world: &'a World) -> Self {
        let [newest, _] = services::git_lfs();
        Self::with(world, newest)
    }

    /// With the git-lfs in this folder.
    fn with(world: &'a World, folder: PathBuf) -> Self {
        let git = world.git().with_bin(folder);
        git.ok(&["lfs", "install", "--skip-repo"]);
        let bin = world.text("bin");
        git.ok(&["pail", "install", "--no-man", "--dir", &bin]);
        Self { world, git }
    }

    /// A repository whose `origin` is this, and where git-lfs has what ends in `.bin`.
    fn repo(&self, name: &str, url: &str) -> Repo {
        let repo = Repo::init_with(&self.git, self.world.path(name), &[]);
        repo.ok(&["remote", "add", "origin", url]);
        repo.ok(&["lfs", "track", "*.bin"]);
        repo.ok(&["add", ".gitattributes"]);
        repo
    }

    fn clone(&self, name: &str, url: &str) -> Repo {
        Repo::clone_of(&self.git, url, self.world.path(name), &[])
    }
}

/// The SHA-256 of bytes, as git-lfs names them.
fn oid(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes).into_iter();
    digits.map(|byte| format!("{byte:02x}")).collect()
}

/// The LFS objects in a bucket.
fn objects(bucket: &Bucket) -> Vec<String> {
    let keys = bucket.keys().into_iter();
    keys.filter_map(|key| key.strip_prefix("lfs/").map(str::to_owned))
        .collect()
}

/// The bytes of a file in a work tree.
fn file(repo: &Repo, name: &str) -> Vec<u8> {
    std::fs::read(repo.path().join(name)).unwrap()
}
