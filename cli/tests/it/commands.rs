//! The commands for people.

mod install;
mod pages;
mod repository;
mod show;

use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use testkit::git::{Git, Output, run};
use testkit::repo::Repo;

/// A sealed home, a folder to work in, and our program.
struct World {
    dir: TempDir,
    git: Git,
}

impl World {
    /// Nothing is installed.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let git = Git::new().at(dir.path());
        Self { dir, git }
    }

    /// Links in `<world>/bin`, which comes first on PATH.
    fn installed() -> Self {
        let mut world = Self::new();
        let bin = world.path("bin");
        world.git = world.git.with_bin(&bin);
        let out = world.pail(&["install", "--no-man", "--dir", bin.to_str().unwrap()]);
        assert!(out.ok(), "{}", out.stderr);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A folder that serves as a bucket, as git names it.
    fn url(&self) -> String {
        format!("pail::{}", self.path("bucket").display())
    }

    /// Runs our program by its path, in the world's folder.
    fn pail(&self, args: &[&str]) -> Output {
        self.pail_in(self.dir.path(), args)
    }

    fn pail_in(&self, folder: &Path, args: &[&str]) -> Output {
        let mut command = self.git.at(folder).program(env!("CARGO_BIN_EXE_git-pail"));
        command.args(args);
        run(command, b"")
    }

    /// Runs it; it must end well. What it shows.
    fn shown(&self, args: &[&str]) -> String {
        let out = self.pail(args);
        assert!(out.ok(), "{args:?}: {}", out.stderr);
        out.stdout
    }

    /// Runs it; it must end with this code. What it says.
    fn fails(&self, code: i32, args: &[&str]) -> String {
        let out = self.pail(args);
        assert_eq!(out.status, code, "{args:?}: {}", out.stderr);
        assert!(out.stderr.contains("error: "), "{}", out.stderr);
        out.stderr
    }

    /// Runs it with --json; its one object.
    fn json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.shown(args)).unwrap()
    }

    /// A repository whose origin is the bucket.
    fn repo(&self) -> Repo {
        let repo = Repo::init_with(&self.git, self.path("repo"), &[]);
        repo.ok(&["remote", "add", "origin", &self.url()]);
        repo
    }

    /// Everything under a folder, with what each link says.
    fn tree(&self, name: &str) -> Vec<String> {
        let mut out = Vec::new();
        walk(&self.path(name), &mut out);
        out.sort();
        out
    }
}

fn walk(folder: &Path, out: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let target = fs::read_link(&path).unwrap_or_default();
        out.push(format!("{} {}", path.display(), target.display()));
        if path.is_dir() && !path.is_symlink() {
            walk(&path, out);
        }
    }
}
