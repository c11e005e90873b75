//! `git pail maintenance`, and what a push leaves behind.

use crate::it::world::{World, on_every_service};
use serde_json::Value;
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;
use testkit::git::run;
use testkit::repo::Repo;

/// Runs our program with --json, which must end well.
fn json(world: &World, args: &[&str]) -> Value {
    let mut command = world.git().at(world.path(".")).program("git-pail");
    command.args([args, &["--json"]].concat());
    let out = run(command, b"");
    assert!(out.ok(), "{args:?}: {}{}", out.stdout, out.stderr);
    serde_json::from_str(&out.stdout).unwrap()
}

/// Pushes so many commits, one by one.
fn pushes(repo: &Repo, count: usize) {
    for number in 0..count {
        repo.commit("f", format!("{number}\n"));
        repo.ok(&["push", "-q", "origin", "main"]);
    }
}

fn sources(manifest: &Value) -> BTreeSet<String> {
    let packs = manifest["packs"].as_array().unwrap();
    let source = |pack: &Value| pack["source"].as_str().unwrap().to_owned();
    packs.iter().map(source).collect()
}

on_every_service!(packs_are_merged_by_hand, what_nothing_needs_is_collected,);

fn packs_are_merged_by_hand(world: &World) {
    let repo = world.pushed("work");
    pushes(&repo, 5);
    let url = world.url();
    let before = world.bucket().manifest();
    let planned = json(world, &["maintenance", "run", &url, "--dry-run"]);
    assert_eq!(planned["dry_run"], true);
    let packs = planned["merged"][0]["packs"].as_u64().unwrap();
    assert!(packs >= 4, "{planned}");
    assert_eq!(world.bucket().manifest(), before, "nothing was done");
    let done = json(world, &["maintenance", "run", &url]);
    assert_eq!(done["merged"][0], planned["merged"][0]);
    assert!(sources(&world.bucket().manifest()).contains("merge"));
    let again = json(world, &["maintenance", "run", &url]);
    assert_eq!(again["merged"].as_array().unwrap().len(), 0);
    let mirror = world.mirror();
    mirror.fsck();
    assert_eq!(mirror.id("refs/heads/main"), Some(repo.head()));
}

#[test]
fn a_push_leaves_maintenance_behind_unless_it_is_told_not_to() {
    let world = World::folder();
    let repo = world.pushed("work");
    pushes(&repo, 6);
    let merged = || sources(&world.bucket().manifest()).contains("merge");
    assert!(!merged(), "it is off in tests");
    repo.ok(&["config", "pail.autoMaintenance", "true"]);
    pushes(&repo, 1);
    // It works on when git has ended; how long that takes is its own affair.
    for _ in 0..3000 {
        if merged() {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    assert!(merged());
    let mirror = world.mirror();
    mirror.fsck();
    assert_eq!(mirror.id("refs/heads/main"), Some(repo.head()));
}

fn what_nothing_needs_is_collected(world: &World) {
    let repo = world.pushed("work");
    let secret = repo.switch("side").commit("password", "secret\n");
    repo.ok(&["push", "-q", "origin", "side"]);
    repo.ok(&["push", "-q", "origin", ":side"]);
    repo.switch("main");
    let url = world.url();
    let gc = ["maintenance", "run", &url, "--task", "gc"];
    let within = json(world, &gc);
    assert_eq!(within["collected"]["garbage"], 0, "{within}");
    let mut command = world.git().at(world.path(".")).program("git-pail");
    command.args(["config", &url, "retention", "0s"]);
    assert!(run(command, b"").ok());
    let planned = json(world, &[&gc[..], &["--dry-run"]].concat());
    assert_eq!(planned["collected"]["garbage"], 3, "{planned}");
    assert_eq!(world.bucket().manifest()["epoch"], 0);
    let done = json(world, &gc);
    assert_eq!(
        (&done["collected"]["garbage"], &done["collected"]["packed"]),
        (&3.into(), &true.into())
    );
    assert_eq!(world.bucket().manifest()["epoch"], 1);
    // No retention: the next run deletes the files, too.
    let swept = json(world, &["maintenance", "run", &url]);
    assert!(swept["deleted"].as_u64().unwrap() > 0, "{swept}");
    assert_eq!(world.bucket().packs().len(), 1);
    let mirror = world.mirror();
    assert_eq!(mirror.id("refs/heads/main"), Some(repo.head()));
    assert_eq!(mirror.id(&format!("{secret}^{{commit}}")), None);
}

#[test]
fn uploads_that_were_begun_and_not_ended_go_when_it_is_time() {
    let world = World::s3();
    world.pushed("work");
    let url = world.url();
    let key = format!("objects/pack/pack-{}.pack", "0".repeat(40));
    world.bucket().begin(&key);
    // That of a repository below this one, which has its own time.
    let below = format!("team/repo/{key}");
    world.bucket().begin(&below);
    assert_eq!(world.bucket().unfinished().len(), 2);
    let gc = ["maintenance", "run", &url, "--task", "gc"];
    let done = json(&world, &gc);
    assert_eq!(done["collected"]["uploads"], 0, "it is young: {done}");
    let mut command = world.git().at(world.path(".")).program("git-pail");
    command.args(["config", &url, "unfinished-uploads", "0s"]);
    assert!(run(command, b"").ok());
    let planned = json(&world, &[&gc[..], &["--dry-run"]].concat());
    assert_eq!(planned["collected"]["uploads"], 1, "{planned}");
    assert_eq!(world.bucket().unfinished().len(), 2);
    let done = json(&world, &gc);
    assert_eq!(done["collected"]["uploads"], 1, "{done}");
    let left = world.bucket().unfinished();
    assert!(
        matches!(&left[..], [one] if one.contains("team/repo/")),
        "{left:?}"
    );
}
