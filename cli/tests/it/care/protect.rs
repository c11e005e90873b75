//! `protect`, `unprotect`, `delete-branch` and `config`, with git as the one who pushes.

use super::{fails, json, pail, shown};
use crate::it::world::{World, on_every_bucket};

on_every_bucket!(
    a_protected_branch_takes_no_force_and_no_deletion,
    what_is_protected_is_shown_and_taken_back,
    a_branch_is_deleted_unless_it_is_protected,
    settings_are_set_shown_and_unset,
);

/// A second history that does not continue what was pushed.
fn rewritten(repo: &testkit::repo::Repo) {
    repo.ok(&["reset", "-q", "--hard", "main~1"]);
    repo.commit("a", "another\n");
}

fn a_protected_branch_takes_no_force_and_no_deletion(world: &World) {
    let repo = world.pushed("repo");
    repo.ok(&["push", "-q", "origin", "main:refs/heads/side"]);
    let url = world.url();
    shown(world, &["protect", &url, "main"]);
    let before = world.tip("refs/heads/main");

    rewritten(&repo);
    for args in [
        &["push", "--force", "origin", "main"][..],
        &["push", "--force-with-lease", "origin", "main"],
        &["push", "origin", "+main:main"],
    ] {
        let out = repo.git().run(args);
        assert!(!out.ok(), "{args:?}");
        assert!(
            out.stderr.contains("protected ref: no rewinding"),
            "{args:?}: {}",
            out.stderr
        );
    }
    let out = repo.git().run(&["push", "origin", ":main"]);
    assert!(
        out.stderr.contains("protected ref: no deletion"),
        "{}",
        out.stderr
    );
    assert_eq!(world.tip("refs/heads/main"), before);
    // The others of the same push go through, and atomic ones do not.
    let out = repo
        .git()
        .run(&["push", "--force", "origin", "main", "main:side"]);
    assert!(!out.ok());
    assert_eq!(world.tip("refs/heads/side"), repo.id("main"));
    let out = repo
        .git()
        .run(&["push", "--atomic", "--force", "origin", "main", "main:new"]);
    assert!(!out.ok());
    assert_eq!(world.tip("refs/heads/new"), None);

    // What continues it goes in, forced or not.
    repo.ok(&["reset", "-q", "--hard", before.as_deref().unwrap()]);
    repo.commit("a", "three\n");
    repo.ok(&["push", "-q", "--force", "origin", "main"]);
    repo.commit("a", "four\n");
    repo.ok(&["push", "-q", "--force-with-lease", "origin", "main"]);
    repo.commit("a", "five\n");
    repo.ok(&["push", "-q", "origin", "main"]);
    assert_eq!(world.tip("refs/heads/main"), repo.id("main"));

    rewritten(&repo);
    repo.ok(&[
        "push",
        "-q",
        "--force",
        "-o",
        "override-protection",
        "origin",
        "main",
    ]);
    assert_eq!(world.tip("refs/heads/main"), repo.id("main"));
    let log = json(world, &["log", &url]);
    assert_eq!(log["entries"][0]["options"][0], "override-protection");
    world.mirror();
}

fn what_is_protected_is_shown_and_taken_back(world: &World) {
    let repo = world.pushed("repo");
    let url = world.url();
    assert!(shown(world, &["protect", &url]).contains("nothing is protected"));
    let protected = json(world, &["protect", &url, "main", "refs/tags/v*", "main"]);
    let both = serde_json::json!(["refs/heads/main", "refs/tags/v*"]);
    assert_eq!(protected["protected"], both);
    assert_eq!(world.bucket().manifest()["requires"][0], "protected-refs");
    let generation = world.bucket().manifest()["generation"].clone();
    shown(world, &["protect", &url, "main"]);
    assert_eq!(
        world.bucket().manifest()["generation"],
        generation,
        "it is protected already"
    );
    let log = json(world, &["log", &url]);
    assert_eq!(log["entries"][0]["what"], "protect");
    assert_eq!(log["entries"][0]["options"][1], "refs/tags/v*");

    // A tag is protected from a force, too.
    repo.annotated_tag("v1");
    repo.ok(&["push", "-q", "origin", "v1"]);
    repo.ok(&["tag", "-f", "v1", "main~1"]);
    let out = repo.git().run(&["push", "--force", "origin", "v1"]);
    assert!(out.stderr.contains("protected ref"), "{}", out.stderr);

    assert!(fails(world, 1, &["unprotect", &url, "side"]).contains("none of the protected"));
    assert!(fails(world, 2, &["protect", &url, "a b"]).contains("can fit no ref"));
    let left = json(world, &["unprotect", &url, "main", "refs/tags/v*"]);
    assert_eq!(left["protected"], serde_json::json!([]));
    assert_eq!(world.bucket().manifest()["requires"], serde_json::json!([]));
    repo.ok(&["push", "-q", "--force", "origin", "v1"]);
    let nowhere = format!("{}-2", world.text("bucket"));
    assert!(fails(world, 1, &["protect", &nowhere, "main"]).contains("no repository"));
}

fn a_branch_is_deleted_unless_it_is_protected(world: &World) {
    let repo = world.pushed("repo");
    repo.ok(&["push", "-q", "origin", "main:topic", "main:old"]);
    let url = world.url();
    shown(world, &["protect", &url, "old"]);
    let out = pail(world, &["delete-branch", &url, "topic", "old"]);
    assert_eq!(out.status, 1);
    assert!(
        out.stdout.contains("deleted refs/heads/topic"),
        "{}",
        out.stdout
    );
    assert!(
        out.stderr
            .contains("cannot delete refs/heads/old: protected ref"),
        "{}",
        out.stderr
    );
    assert_eq!(world.tip("refs/heads/topic"), None);
    assert!(world.tip("refs/heads/old").is_some());
    shown(
        world,
        &["delete-branch", &url, "old", "--override-protection"],
    );
    assert_eq!(world.tip("refs/heads/old"), None);
    let log = json(world, &["log", &url]);
    let newest = &log["entries"][0];
    assert_eq!(newest["what"], "delete-branch");
    assert_eq!(newest["options"][0], "override-protection");
    assert!(newest["moves"][0]["new"].is_null());

    let missing = fails(world, 1, &["delete-branch", &url, "main", "nothing"]);
    assert!(
        missing.contains("cannot delete refs/heads/nothing"),
        "{missing}"
    );
    assert!(
        world.tip("refs/heads/main").is_some(),
        "none is deleted then"
    );
    fails(world, 2, &["delete-branch", &url, "refs/tags/v1"]);
    let out = pail(world, &["delete-branch", &url, "main"]);
    assert!(
        out.ok() && out.stderr.contains("was the default branch"),
        "{}",
        out.stderr
    );
}

fn settings_are_set_shown_and_unset(world: &World) {
    world.pushed("repo");
    let url = world.url();
    assert_eq!(shown(world, &["config", &url, "retention"]), "14d");
    assert_eq!(shown(world, &["config", &url, "Retention", "30d"]), "30d");
    assert_eq!(
        world.bucket().manifest()["settings"]["retention"],
        2_592_000
    );
    let all = json(world, &["config", &url]);
    let one = |name: &str| {
        let mut all = all["settings"].as_array().unwrap().iter();
        all.find(|one| one["name"] == name).unwrap().clone()
    };
    assert_eq!(one("retention")["value"], 2_592_000);
    assert_eq!(one("retention")["set"], true);
    assert_eq!(one("protected")["set"], false);
    let text = shown(world, &["config", &url]);
    let is_shown = |line: &str| line.split_whitespace().eq(["retention", "30d"]);
    assert!(text.lines().any(is_shown), "{text}");
    let log = |args: &[&str]| shown(world, &[&["config", &url, "log-retention"], args].concat());
    assert_eq!(log(&[]), "forever");
    assert_eq!(log(&["730d"]), "730d");
    assert_eq!(log(&["--unset"]), "forever");
    assert!(one("log-retention")["value"].is_null());
    shown(world, &["config", &url, "protected", "main", "side"]);
    assert!(shown(world, &["protect", &url]).contains("refs/heads/side"));
    assert_eq!(
        shown(world, &["config", &url, "retention", "--unset"]),
        "14d"
    );
    assert!(
        world.bucket().manifest()["settings"]
            .get("retention")
            .is_none()
    );

    let unknown = fails(world, 2, &["config", &url, "retenton"]);
    assert!(unknown.contains("hint: is retention meant?"), "{unknown}");
    let bad = fails(world, 2, &["config", &url, "retention", "soon"]);
    assert!(bad.contains("'soon' is no time"), "{bad}");
    fails(world, 2, &["config", &url, "--unset"]);
}
