//! `restore` and `log`: what a ref was, and how it becomes that again.

use super::{fails, json, pail, shown};
use crate::it::world::{World, on_every_bucket};
use serde_json::json;
use testkit::repo::Repo;

on_every_bucket!(
    a_force_push_is_undone,
    a_deleted_branch_comes_back,
    a_ref_becomes_what_it_was_at_a_generation_or_a_time,
    a_deleted_tag_comes_back_with_what_it_peels_to,
    a_protected_ref_is_restored_with_a_flag_only,
    what_gc_has_taken_out_is_brought_back_while_it_is_there,
    what_cannot_be_restored_is_said,
    the_log_is_shown_since_a_date,
);

/// `main` at one, two, three; then another history over it, by force.
fn forced(world: &World) -> (Repo, [String; 3], String) {
    let repo = world.repo("repo");
    let good = ["one\n", "two\n", "three\n"].map(|text| {
        let id = repo.commit("a", text);
        repo.ok(&["push", "-q", "origin", "main"]);
        id
    });
    repo.ok(&["switch", "-q", "--orphan", "other"]);
    let bad = repo.commit("b", "bad\n");
    repo.ok(&["push", "-q", "--force", "origin", "other:main"]);
    (repo, good, bad)
}

fn main_is(world: &World, id: &str) {
    assert_eq!(world.tip("refs/heads/main").as_deref(), Some(id));
    assert_eq!(world.mirror().id("refs/heads/main").as_deref(), Some(id));
}

fn a_force_push_is_undone(world: &World) {
    let (_, good, bad) = forced(world);
    let url = world.url();
    let keys = world.bucket().keys();
    let dry = shown(world, &["restore", &url, "main", "--dry-run"]);
    assert!(dry.contains("would become"), "{dry}");
    main_is(world, &bad);
    let done = json(world, &["restore", &url, "main"]);
    assert_eq!(
        done,
        json!({
            "url": done["url"], "ref": "refs/heads/main", "old": bad, "new": good[2],
            "generation": 3, "changed": true,
        })
    );
    main_is(world, &good[2]);
    assert_eq!(
        world.bucket().keys(),
        keys,
        "one manifest, and nothing else"
    );
    let log = json(world, &["log", &url]);
    assert_eq!(log["entries"][0]["what"], "restore");
    assert_eq!(log["entries"][0]["moves"][0]["old"], *bad);
    // What was done is undone by the same command.
    shown(world, &["restore", &url, "main"]);
    main_is(world, &bad);
}

fn a_deleted_branch_comes_back(world: &World) {
    let (repo, ..) = forced(world);
    repo.ok(&["push", "-q", "origin", "main:topic"]);
    repo.ok(&["push", "-q", "origin", ":topic"]);
    assert_eq!(world.tip("refs/heads/topic"), None);
    let done = json(world, &["restore", &world.url(), "topic"]);
    assert_eq!(
        (&done["old"], &done["changed"]),
        (&json!(null), &json!(true))
    );
    assert_eq!(world.tip("refs/heads/topic"), repo.id("main"));
    world.mirror();
}

fn a_ref_becomes_what_it_was_at_a_generation_or_a_time(world: &World) {
    let (_, good, bad) = forced(world);
    let url = world.url();
    for (target, id) in [
        ("main@1", &good[0]),
        ("refs/heads/main@2", &good[1]),
        ("main@{1}", &good[0]),
        ("main@{0}", &good[0]),
        ("main@4", &bad),
        ("main@{5}", &good[2]),
        ("main@{now}", &good[2]),
    ] {
        let done = json(world, &["restore", &url, target]);
        assert_eq!(done["new"], **id, "{target}");
        main_is(world, id);
    }
    let again = shown(world, &["restore", &url, "main@3"]);
    assert!(again.contains("already"), "{again}");
    let early = fails(world, 1, &["restore", &url, "main@{1 hour ago}"]);
    assert!(early.contains("it was not there then"), "{early}");
}

fn a_deleted_tag_comes_back_with_what_it_peels_to(world: &World) {
    let repo = world.pushed("repo");
    let tag = repo.annotated_tag("v1");
    repo.ok(&["push", "-q", "origin", "v1"]);
    let before = repo.ok(&["ls-remote", "origin"]);
    repo.ok(&["push", "-q", "origin", ":v1"]);
    let done = json(world, &["restore", &world.url(), "refs/tags/v1"]);
    assert_eq!(done["new"], *tag);
    assert_eq!(
        repo.ok(&["ls-remote", "origin"]),
        before,
        "the peeled value, too"
    );
    assert_eq!(world.mirror().id("refs/tags/v1").as_deref(), Some(&*tag));
}

fn a_protected_ref_is_restored_with_a_flag_only(world: &World) {
    let (_, good, bad) = forced(world);
    let url = world.url();
    shown(world, &["protect", &url, "main"]);
    let out = pail(world, &["restore", &url, "main"]);
    assert_eq!(out.status, 1);
    assert!(
        out.stderr.contains("protected ref: no rewinding"),
        "{}",
        out.stderr
    );
    assert!(
        out.stderr.contains("--override-protection"),
        "{}",
        out.stderr
    );
    main_is(world, &bad);
    shown(world, &["restore", &url, "main", "--override-protection"]);
    main_is(world, &good[2]);
    let log = json(world, &["log", &url]);
    assert_eq!(log["entries"][0]["options"], json!(["override-protection"]));
}

fn what_gc_has_taken_out_is_brought_back_while_it_is_there(world: &World) {
    let (_, good, bad) = forced(world);
    let url = world.url();
    let packs = world.bucket().packs();
    // What gc leaves: the packs of the good history are out, their files are there.
    world.bucket().edit_manifest(|manifest| {
        let all = manifest["packs"].as_array_mut().unwrap();
        all.drain(..3);
        all[0]["from"] = json!(0);
        manifest["epoch"] = json!(1);
        let gone = packs[..3].iter();
        let gone =
            gone.map(|key| json!({"key": key, "generation": 4, "time": 0, "why": "dropped"}));
        manifest["condemned"] = gone.collect();
    });
    let first = world.bucket().read(&packs[0]).unwrap();
    world.bucket().remove(&packs[0]);
    let gone = fails(world, 1, &["restore", &url, "main"]);
    assert!(gone.contains("gc has deleted its objects"), "{gone}");
    assert!(gone.contains("retention"), "{gone}");
    main_is(world, &bad);

    world.bucket().write(&packs[0], &first);
    shown(world, &["restore", &url, "main"]);
    main_is(world, &good[2]);
    let newest = world.bucket().packs().pop().unwrap();
    assert!(!packs.contains(&newest), "they were packed anew");
    let log = json(world, &["log", &url]);
    assert_eq!(log["entries"][0]["what"], "restore");
    shown(world, &["fsck", &url, "--full"]);
}

fn what_cannot_be_restored_is_said(world: &World) {
    forced(world);
    let url = world.url();
    for (target, code, why) in [
        ("nothing", 1, "the log knows no such ref"),
        ("main@99", 2, "there is no generation 99 yet"),
        ("main@{9}", 1, "it was not there then"),
        ("main@{}", 2, "is no date"),
        ("main@{soon}", 2, "is no date"),
        ("a..b", 2, "is no ref name"),
    ] {
        let said = fails(world, code, &["restore", &url, target]);
        assert!(said.contains(why), "{target}: {said}");
    }
    let nowhere = world.text("nowhere");
    fails(world, 1, &["restore", &nowhere, "main"]);
}

fn the_log_is_shown_since_a_date(world: &World) {
    forced(world);
    let url = world.url();
    // The clock of whoever wrote: a day and an hour ago, then now.
    let now = world.bucket().manifest()["log"]["entries"][3]["time"]
        .as_i64()
        .unwrap();
    world.bucket().edit_manifest(|manifest| {
        for (at, ago) in [(0, 90_000), (1, 3_600), (2, 60)] {
            manifest["log"]["entries"][at]["time"] = json!(now - ago);
        }
    });
    let generations = |args: &[&str]| -> Vec<u64> {
        let log = json(world, &[&["log", &url], args].concat());
        let entries = log["entries"].as_array().unwrap().iter();
        entries
            .map(|one| one["generation"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(generations(&["--since", "1 day ago"]), [4, 3, 2]);
    assert_eq!(generations(&["--since", "30 minutes ago"]), [4, 3]);
    assert_eq!(generations(&["--since", "1 day ago", "-n", "1"]), [4]);
    assert_eq!(
        generations(&["--since", "1 week ago", "--ref", "side"]),
        [0; 0]
    );
    fails(world, 2, &["log", &url, "--since", ""]);
    let done = json(world, &["restore", &url, "main@{2 hours ago}", "--dry-run"]);
    assert_eq!(
        (&done["generation"], &done["changed"]),
        (&json!(1), &json!(false))
    );
}

#[test]
fn a_ref_that_never_was_is_not_looked_for_in_its_own_log() {
    let world = World::folder();
    world.pushed("repo");
    let said = fails(&world, 1, &["restore", &world.url(), "nothing"]);
    assert!(said.contains("the log knows no such ref"), "{said}");
    assert!(
        said.contains("git pail ls") && !said.contains("--ref"),
        "{said}"
    );
}
