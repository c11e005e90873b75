//! `doctor`: what stands in the way, and what mends it.

use super::{fails, json, pail, shown};
use crate::it::world::{World, on_every_bucket};
use serde_json::Value;
use testkit::git::run;

on_every_bucket!(
    a_healthy_place_has_nothing_in_the_way,
    what_dead_writers_left_is_told_and_removed,
    what_is_young_is_let_alone,
    a_place_that_is_not_ours_is_told,
    nothing_is_asked_and_nothing_is_changed_without_a_flag,
);

/// What it finds in the bucket: the links of this machine are not its matter here.
fn codes(report: &Value) -> Vec<String> {
    let all = report["findings"].as_array().unwrap().iter();
    let codes = all.map(|one| one["code"].as_str().unwrap().to_owned());
    codes
        .filter(|code| !["no-link", "other-link"].contains(&code.as_str()))
        .collect()
}

fn a_healthy_place_has_nothing_in_the_way(world: &World) {
    let url = world.url();
    let before = json(world, &["doctor", &url, "--probe"]);
    assert_eq!(codes(&before), [""; 0], "{before}");
    assert!(
        before["facts"]["repository"]
            .as_str()
            .unwrap()
            .starts_with("none yet")
    );
    assert_eq!(world.bucket().keys(), [""; 0], "the scratch files are gone");
    world.pushed("repo");
    let report = json(world, &["doctor", &url, "--probe"]);
    assert_eq!(codes(&report), [""; 0], "{report}");
    assert_eq!(report["facts"]["writing"], "works");
    assert_eq!(report["facts"]["deleting"], "works");
    let repository = report["facts"]["repository"].as_str().unwrap();
    assert!(
        repository.starts_with("sha1, generation 1, epoch 0, 1 refs"),
        "{repository}"
    );
    let text = shown(world, &["doctor", &url]);
    assert!(text.contains("conditional writes"), "{text}");
    fails(world, 2, &["doctor", &url, "--older-than", "soon"]);
}

fn what_dead_writers_left_is_told_and_removed(world: &World) {
    let repo = world.pushed("repo");
    let url = world.url();
    let sound = world.bucket().keys();
    let leftover = format!("objects/pack/pack-{}.pack", "0".repeat(40));
    let probe = format!("pail/probe/{}", "0".repeat(32));
    for key in [&leftover, &probe] {
        world.bucket().write(key, b"PACK");
    }
    world.bucket().write("readme.txt", b"hello");
    let args = ["doctor", &url, "--older-than", "0s"];
    let report = json(world, &args);
    assert_eq!(codes(&report), ["unknown-files", "leftovers"]);
    let done = json(world, &[&args[..], &["--remove-leftovers"]].concat());
    assert_eq!(codes(&done), ["unknown-files"]);
    assert_eq!(done["removed"], 2);
    world.bucket().remove("readme.txt");
    assert_eq!(world.bucket().keys(), sound);
    assert_eq!(
        world.bucket().manifest()["condemned"],
        serde_json::json!([])
    );
    assert!(shown(world, &["fsck", &url]).contains("nothing is wrong"));
    repo.commit("a", "more\n");
    repo.ok(&["push", "-q", "origin", "main"]);
    world.mirror();
}

fn what_is_young_is_let_alone(world: &World) {
    world.pushed("repo");
    let url = world.url();
    let leftover = format!("objects/pack/pack-{}.pack", "0".repeat(40));
    world.bucket().write(&leftover, b"PACK");
    let report = json(world, &["doctor", &url, "--remove-leftovers"]);
    assert_eq!(codes(&report), ["under-way"]);
    assert!(world.bucket().read(&leftover).is_some());
}

fn a_place_that_is_not_ours_is_told(world: &World) {
    let url = world.url();
    let bundle = format!("refs/heads/main/{}.bundle", "0".repeat(40));
    world.bucket().write(&bundle, b"x");
    let out = pail(world, &["doctor", &url]);
    assert_eq!(out.status, 3, "{}", out.stdout);
    assert!(out.stdout.contains("git-remote-s3"), "{}", out.stdout);
    world.bucket().clear();
    world.bucket().write("pail/manifest.json", b"{}");
    let report = json(world, &["doctor", &url]);
    assert_eq!(codes(&report), ["damaged"]);
}

fn nothing_is_asked_and_nothing_is_changed_without_a_flag(world: &World) {
    world.pushed("repo");
    world.bucket().write("readme.txt", b"hello");
    let leftover = format!("objects/pack/pack-{}.pack", "0".repeat(40));
    world.bucket().write(&leftover, b"PACK");
    let before = world.bucket().everything();
    shown(world, &["doctor", &world.url(), "--older-than", "0s"]);
    assert_eq!(world.bucket().everything(), before);
}

#[test]
fn rights_that_are_missing_are_told() {
    let world = World::s3();
    world.pushed("repo");
    let service = testkit::services::s3();
    let reader = world
        .git()
        .with_env("AWS_ACCESS_KEY_ID", service.readonly_key)
        .with_env("AWS_SECRET_ACCESS_KEY", &service.readonly_secret);
    let mut command = reader.program("git-pail");
    command.args(["doctor", &world.url(), "--probe", "--json"]);
    let out = run(command, b"");
    assert_eq!(out.status, 3, "{}{}", out.stdout, out.stderr);
    let report: Value = serde_json::from_str(&out.stdout).unwrap();
    assert_eq!(codes(&report), ["write-denied"], "{report}");
    assert!(!out.stdout.contains(&service.readonly_secret));
    let credentials = report["facts"]["credentials"].as_str().unwrap();
    assert!(credentials.contains("the environment"), "{credentials}");
}

#[test]
fn the_least_rights_are_printed_without_a_request() {
    let world = World::folder();
    let policy = shown(
        &world,
        &["doctor", "s3://bucket/team/repo", "--policy", "read"],
    );
    assert!(
        policy.contains("arn:aws:s3:::bucket/team/repo/*"),
        "{policy}"
    );
    assert!(!policy.contains("s3:PutObject"), "{policy}");
    fails(&world, 2, &["doctor", &world.url(), "--policy", "write"]);
    let odd = world
        .url()
        .replace("pail::", "pail::s3://b/p?colour=blue&x=");
    let said = fails(&world, 2, &["doctor", &odd]);
    assert!(said.contains("colour"), "{said}");
}
