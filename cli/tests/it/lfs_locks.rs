//! Locks of Git LFS: asked for by real git-lfs, kept in the bucket, heeded by pushes.

use crate::it::world::{World, on_every_service};
use serde_json::Value;
use testkit::git::Git;
use testkit::repo::Repo;
use testkit::services;

/// A clone whose user is this one, with git-lfs: Ada has the older one, all others the newest.
fn user(world: &World, name: &str) -> Repo {
    let folder = world.path(name);
    let [newest, older] = services::git_lfs();
    let lfs = if name == "ada" { older } else { newest };
    let git = as_user(&world.git().with_bin(lfs), name);
    if world.bucket().read("pail/manifest.json").is_none() {
        let repo = Repo::init_with(&git, folder, &[]);
        repo.ok(&["remote", "add", "origin", &world.url()]);
        repo.ok(&["lfs", "install", "--local"]);
        repo.write(".gitattributes", "*.psd lockable\n");
        repo.write("art/hero.psd", "one\n");
        repo.write("b.psd", "one\n");
        repo.ok(&["add", "."]);
        repo.ok(&["commit", "-q", "-m", "art"]);
        repo.ok(&["push", "-q", "-u", "origin", "main"]);
        return repo;
    }
    let repo = Repo::clone_of(&git, &world.url(), folder, &[]);
    repo.ok(&["lfs", "install", "--local"]);
    repo
}

fn as_user(git: &Git, name: &str) -> Git {
    git.with_env("GIT_COMMITTER_NAME", name)
        .with_env("GIT_COMMITTER_EMAIL", format!("{name}@example.org"))
}

/// The paths and holders that `git pail locks` tells.
fn locks(repo: &Repo) -> Vec<(String, String, bool)> {
    let out = repo.ok(&["pail", "locks", "--json"]);
    let out: Value = serde_json::from_str(&out).unwrap();
    let locks = out["locks"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    locks
        .map(|lock| {
            let ours = lock["ours"].as_bool().unwrap();
            (text(&lock["path"]), text(&lock["owner"]), ours)
        })
        .collect()
}

on_every_service!(a_lock_keeps_others_off_until_it_is_freed);

fn a_lock_keeps_others_off_until_it_is_freed(world: &World) {
    let (ada, bob) = (user(world, "ada"), user(world, "bob"));
    let hero = bob.path().join("art/hero.psd");
    let read_only = || std::fs::metadata(&hero).unwrap().permissions().readonly();
    bob.ok(&["lfs", "post-checkout", "HEAD", "HEAD", "0"]);
    assert!(
        read_only(),
        "a lockable file is read-only until it is locked"
    );
    assert_eq!(
        bob.ok(&["pail", "lock", "art/hero.psd"]),
        "Locked art/hero.psd"
    );
    assert!(!read_only());
    let who = "bob <bob@example.org>".to_owned();
    let path = "art/hero.psd".to_owned();
    assert_eq!(locks(&bob), [(path.clone(), who.clone(), true)]);
    assert_eq!(locks(&ada), [(path, who, false)]);

    let out = ada.git().run(&["pail", "lock", "art/hero.psd"]);
    assert!(!out.ok());
    assert!(
        out.stderr
            .contains("already locked by bob <bob@example.org>"),
        "{}",
        out.stderr
    );
    let out = ada.git().run(&["pail", "unlock", "art/hero.psd"]);
    assert!(!out.ok());
    assert!(
        out.stderr.contains("art/hero.psd is locked by bob"),
        "{}",
        out.stderr
    );

    ada.write("b.psd", "two\n");
    ada.ok(&["commit", "-qam", "another file"]);
    ada.ok(&["push", "-q"]);
    ada.write("art/hero.psd", "two\n");
    ada.ok(&["commit", "-qam", "the locked file"]);
    ada.write("c", "three\n");
    ada.ok(&["add", "c"]);
    ada.ok(&["commit", "-qm", "and one more"]);
    let before = world.tip("refs/heads/main");
    let out = ada.git().run(&["push"]);
    assert!(!out.ok());
    let why = "art/hero.psd is locked by bob <bob@example.org>";
    assert!(out.stderr.contains(why), "{}", out.stderr);
    assert_eq!(world.tip("refs/heads/main"), before);

    bob.ok(&["pail", "unlock", "art/hero.psd"]);
    assert!(read_only());
    assert!(locks(&ada).is_empty());
    ada.ok(&["push", "-q"]);
    assert_eq!(world.tip("refs/heads/main").unwrap(), ada.head());
}

#[test]
fn who_has_the_lock_pushes_and_who_overrides_it_is_logged() {
    let world = World::folder();
    let (ada, bob) = (user(&world, "ada"), user(&world, "bob"));
    ada.ok(&["pail", "lock", "b.psd"]);
    ada.write("b.psd", "mine\n");
    ada.ok(&["commit", "-qam", "mine"]);
    ada.ok(&["push", "-q"]);
    bob.ok(&["pull", "-q"]);
    bob.git().run(&["update-index", "--refresh"]);
    std::fs::remove_file(bob.path().join("b.psd")).unwrap();
    bob.write("b.psd", "his\n");
    bob.ok(&["commit", "-qam", "his"]);
    bob.ok(&["branch", "other", "HEAD^"]);
    let out = bob
        .git()
        .run(&["push", "--atomic", "origin", "main", "other"]);
    assert!(
        !out.ok() && out.stderr.contains("b.psd is locked by ada"),
        "{}",
        out.stderr
    );
    assert_eq!(world.tip("refs/heads/other"), None);
    let out = bob.git().run(&["push", "origin", "main", "other"]);
    assert!(!out.ok());
    assert!(
        world.tip("refs/heads/other").is_some(),
        "it brings nothing that is locked"
    );
    bob.ok(&["push", "-q", "-o", "override-locks"]);
    assert_eq!(world.tip("refs/heads/main").unwrap(), bob.head());
    let log = bob.ok(&["pail", "log", "-n", "1"]);
    assert!(log.contains("push option: override-locks"), "{log}");
    bob.ok(&["pail", "unlock", "--force", "b.psd"]);
    assert!(locks(&ada).is_empty());
}

#[test]
fn a_switch_turns_the_check_off_and_stays_so() {
    let world = World::folder();
    let (ada, bob) = (user(&world, "ada"), user(&world, "bob"));
    let switch = |repo: &Repo| repo.ok(&["pail", "config", "origin", "locks"]);
    assert_eq!(switch(&ada), "off");
    ada.ok(&["pail", "lock", "b.psd"]);
    assert_eq!(switch(&ada), "on");
    ada.ok(&["pail", "config", "origin", "locks", "off"]);
    ada.ok(&["pail", "lock", "art/hero.psd"]);
    assert_eq!(switch(&ada), "off");
    std::fs::remove_file(bob.path().join("b.psd")).unwrap();
    bob.write("b.psd", "his\n");
    bob.ok(&["commit", "-qam", "his"]);
    bob.ok(&["push", "-q"]);
}

#[test]
fn nothing_is_left_behind_in_the_configuration() {
    let world = World::folder();
    let ada = user(&world, "ada");
    let config = || std::fs::read(ada.path().join(".git/config")).unwrap();
    let before = config();
    // A dead proxy is for the network, not for this machine.
    let git = ada.git().with_env("HTTP_PROXY", "http://127.0.0.1:9");
    let git = git.with_env("http_proxy", "http://127.0.0.1:9");
    git.ok(&["pail", "lock", "b.psd"]);
    assert!(!git.run(&["pail", "lock", "b.psd"]).ok());
    git.ok(&["pail", "unlock", "b.psd"]);
    assert_eq!(config(), before);
}

#[test]
fn without_git_lfs_locks_are_shown_and_locking_says_what_is_missing() {
    let world = World::folder();
    user(&world, "ada").ok(&["pail", "lock", "b.psd"]);
    let plain = world.clone("plain");
    assert_eq!(locks(&plain).len(), 1);
    let table = plain.ok(&["pail", "locks"]);
    assert!(
        table.contains("b.psd") && table.contains("ada <ada@example.org>"),
        "{table}"
    );
    if plain.git().run(&["lfs", "version"]).ok() {
        // This machine has git-lfs on its own path.
        return;
    }
    let out = plain.git().run(&["pail", "lock", "b.psd"]);
    assert!(
        out.stderr.contains("git-lfs is not installed"),
        "{}",
        out.stderr
    );
}
