//! Cloning ends as git's own does.

use crate::it::world::{World, on_every_service};
use testkit::repo::Repo;

on_every_service!(
    a_clone_ends_as_gits_own_does,
    a_bare_clone_and_a_mirror_have_every_ref,
    a_clone_of_one_branch_brings_that_branch,
    an_empty_bucket_can_be_listed_cloned_and_pushed_to,
    a_clone_of_nothing_takes_its_branch_name_to_the_bucket,
    the_first_push_makes_the_local_branch_the_default,
    the_first_push_without_the_local_branch_prefers_main,
    a_bucket_whose_head_dangles_can_be_cloned,
    a_branch_that_was_deleted_and_pushed_again_is_whole,
    a_clone_checks_objects_when_the_user_asks,
);

/// What a clone of `url` looks like: refs, HEAD, upstream, content and messages.
fn looks(world: &World, url: &str, name: &str) -> Vec<String> {
    let target = world.text(name);
    let out = world.git().run(&["clone", url, &target]);
    assert!(out.ok(), "{}", out.stderr);
    let clone = Repo::at(world.git(), &target);
    clone.fsck();
    vec![
        format!("{:?}", clone.refs()),
        clone.ok(&["symbolic-ref", "HEAD"]),
        clone.ok(&["symbolic-ref", "refs/remotes/origin/HEAD"]),
        clone.ok(&["rev-parse", "--abbrev-ref", "main@{upstream}"]),
        clone.ok(&["status", "--porcelain=v2", "--branch"]),
        clone.ok(&["ls-files", "--stage"]),
        out.stderr.replace(&target, "<target>"),
    ]
}

fn a_clone_ends_as_gits_own_does(world: &World) {
    let source = world.pushed("source");
    source.annotated_tag("v1");
    source.switch("topic").commit("d", "three\n");
    source.tag("light");
    source.ok(&["push", "-q", "origin", "topic", "v1", "light"]);
    source.ok(&["update-ref", "refs/odd/one", "HEAD"]);
    source.ok(&["push", "-q", "origin", "refs/odd/one"]);
    source.switch("main");
    let theirs = looks(world, &format!("file://{}", world.text("source")), "theirs");
    let ours = looks(world, &world.url(), "ours");
    // Git's own server says how it counts; the rest is word for word the same.
    let said = |looks: &[String]| {
        let lines = looks[6]
            .lines()
            .filter(|line| !line.starts_with("remote: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(said(&ours), said(&theirs));
    assert_eq!(ours[..6], theirs[..6]);
}

fn a_bare_clone_and_a_mirror_have_every_ref(world: &World) {
    let source = world.pushed("source");
    source.annotated_tag("v1");
    source.ok(&["notes", "add", "-m", "note"]);
    source.ok(&["push", "-q", "origin", "v1", "refs/notes/commits"]);
    let mirror = world.mirror();
    assert_eq!(mirror.refs(), source_refs(&source));
    assert_eq!(mirror.ok(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    let bare = world.clone_with("bare.git", &["--bare"]);
    bare.fsck();
    let names: Vec<_> = bare.refs().into_keys().collect();
    assert_eq!(names, ["refs/heads/main", "refs/tags/v1"]);
}

fn source_refs(source: &Repo) -> std::collections::BTreeMap<String, String> {
    let mut refs = source.refs();
    refs.retain(|name, _| !name.starts_with("refs/remotes/"));
    refs
}

fn a_clone_of_one_branch_brings_that_branch(world: &World) {
    let source = world.pushed("source");
    source.switch("topic").commit("d", "three\n");
    source.ok(&["push", "-q", "origin", "topic"]);
    let clone = world.clone_with("clone", &["--single-branch", "-b", "topic"]);
    clone.fsck();
    assert_eq!(clone.head(), source.head());
    assert_eq!(clone.id("refs/remotes/origin/main"), None);
}

fn an_empty_bucket_can_be_listed_cloned_and_pushed_to(world: &World) {
    assert_eq!(world.git().ok(&["ls-remote", &world.url()]), "");
    let target = world.text("clone");
    let out = world.git().run(&["clone", &world.url(), &target]);
    assert!(out.ok(), "{}", out.stderr);
    assert!(out.stderr.contains("empty repository"), "{}", out.stderr);
    assert_eq!(world.bucket().keys(), Vec::<String>::new());
    let clone = Repo::at(world.git(), &target);
    let tip = clone.commit("a", "one\n");
    clone.ok(&["push", "-q"]);
    assert_eq!(clone.ok(&["status", "-sb"]), "## main...origin/main");
    assert_eq!(world.tip("refs/heads/main"), Some(tip));
}

fn a_clone_of_nothing_takes_its_branch_name_to_the_bucket(world: &World) {
    let args = ["-c", "init.defaultBranch=trunk"];
    let clone = world.clone_with("clone", &args);
    clone.ok(&["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    clone.commit("a", "one\n");
    clone.ok(&["push", "-q", "origin", "trunk"]);
    let second = world.clone("second");
    assert_eq!(second.ok(&["symbolic-ref", "HEAD"]), "refs/heads/trunk");
}

fn the_first_push_makes_the_local_branch_the_default(world: &World) {
    let source = world.repo("source");
    source.commit("a", "one\n");
    source.branch("aaa");
    source.switch("trunk").commit("b", "two\n");
    source.ok(&["push", "-q", "--all", "origin"]);
    let clone = world.clone("clone");
    assert_eq!(clone.ok(&["symbolic-ref", "HEAD"]), "refs/heads/trunk");
    assert_eq!(clone.head(), source.head());
    // A later push of another branch, from another HEAD, leaves it.
    source.switch("other").commit("c", "three\n");
    source.ok(&["push", "-q", "origin", "other"]);
    let out = world
        .git()
        .ok(&["ls-remote", "--symref", &world.url(), "HEAD"]);
    assert!(out.starts_with("ref: refs/heads/trunk\tHEAD"), "{out}");
}

fn the_first_push_without_the_local_branch_prefers_main(world: &World) {
    let source = world.repo("source");
    source.commit("a", "one\n");
    source.branch("aaa");
    source.switch("unpushed");
    source.ok(&["push", "-q", "origin", "aaa", "main"]);
    let clone = world.clone("clone");
    assert_eq!(clone.ok(&["symbolic-ref", "HEAD"]), "refs/heads/main");
}

fn a_bucket_whose_head_dangles_can_be_cloned(world: &World) {
    let source = world.pushed("source");
    source.branch("topic");
    source.ok(&["push", "-q", "origin", "topic"]);
    source.switch("elsewhere");
    let out = source.git().run(&["push", "origin", ":main"]);
    assert!(out.ok(), "{}", out.stderr);
    assert!(out.stderr.contains("default branch"), "{}", out.stderr);
    assert!(out.stderr.contains("[deleted]"), "{}", out.stderr);
    let target = world.text("clone");
    let out = world.git().run(&["clone", &world.url(), &target]);
    assert!(out.ok(), "{}", out.stderr);
    let clone = Repo::at(world.git(), &target);
    clone.fsck();
    clone.ok(&["checkout", "-q", "topic"]);
    assert_eq!(clone.head(), source.head());
    let said = clone.fails(&["remote", "set-head", "origin", "-a"]);
    assert!(said.contains("Cannot determine remote HEAD"), "{said}");
}

fn a_branch_that_was_deleted_and_pushed_again_is_whole(world: &World) {
    let source = world.pushed("source");
    for round in 0..3 {
        source.switch("topic").commit("d", format!("{round}\n"));
        source.ok(&["push", "-q", "origin", "topic"]);
        source.ok(&["push", "-q", "origin", ":topic"]);
        source.ok(&["push", "-q", "origin", "topic"]);
    }
    // The same objects now lie in several packs.
    let mirror = world.mirror();
    assert_eq!(mirror.id("refs/heads/topic"), source.id("topic"));
}

fn a_clone_checks_objects_when_the_user_asks(world: &World) {
    a_branch_that_was_deleted_and_pushed_again_is_whole(world);
    for (name, args) in [
        ("one", &["-c", "fetch.fsckObjects=true"][..]),
        ("two", &["-c", "transfer.fsckObjects=true"]),
        (
            "three",
            &[
                "-c",
                "fetch.fsckObjects=true",
                "-c",
                "fetch.fsck.missingEmail=warn",
            ],
        ),
    ] {
        let target = world.text(name);
        world
            .git()
            .ok(&[args, &["clone", "-q", &world.url(), &target]].concat());
        Repo::at(world.git(), target).fsck();
    }
}
