//! Many refs.

use crate::it::world::{World, on_every_bucket};
use testkit::repo::Repo;

on_every_bucket!(
    ten_thousand_refs_are_pushed_and_cloned,
    three_hundred_refs_are_one_commit_to_the_bucket,
    refs_beyond_the_inline_bound_behave_like_all_others,
);

/// Makes `count` branches in folders of a hundred, on three commits in turn.
fn branches(world: &World, count: usize) -> Repo {
    // Without a remote of its own: a mirror would push its tracking refs, too.
    let source = world.repo("source");
    source.ok(&["remote", "remove", "origin"]);
    let tips = [
        source.commit("a", "one\n"),
        source.commit("a", "two\n"),
        source.commit("a", "three\n"),
    ];
    source.pack_refs((0..count).map(|at| {
        let name = format!("refs/heads/b/{:03}/{at:06}", at / 100);
        (name, &*tips[at % 3])
    }));
    source
}

fn many(world: &World, count: usize) {
    let source = branches(world, count);
    source.ok(&["push", "-q", "--mirror", &world.url()]);
    let clone = world.clone("clone");
    let listed = clone.ok(&[
        "for-each-ref",
        "--format=%(objectname)",
        "refs/remotes/origin/b",
    ]);
    assert_eq!(listed.lines().count(), count);
    assert_eq!(clone.id("origin/b/000/000004"), source.id("HEAD~1"));
    clone.fsck();
    // The manifest stays small, and one more push moves one ref.
    assert!(world.bucket().read("pail/manifest.json").unwrap().len() < 64 << 10);
    source.commit("a", "four\n");
    source.ok(&["push", "-q", &world.url(), "main"]);
    clone.ok(&["fetch", "-q"]);
    assert_eq!(clone.id("origin/main"), Some(source.head()));
    // All of them go again, but for one.
    source.ok(&[
        "push",
        "-q",
        "--prune",
        &world.url(),
        "refs/heads/main:refs/heads/main",
    ]);
    let specs = [
        "push",
        "-q",
        &world.url(),
        "--prune",
        "refs/heads/m*:refs/heads/m*",
    ];
    source.ok(&specs);
    assert_eq!(world.refs().len(), count + 1);
    // A repository that has one branch, and makes the bucket like itself.
    let (url, one) = (world.url(), world.text("one"));
    let only = ["--bare", "--single-branch", "--branch", "main", "--no-tags"];
    let one = Repo::clone_of(source.git(), &url, one, &only);
    one.ok(&["push", "-q", "--mirror", &url]);
    assert_eq!(
        world.refs().into_keys().collect::<Vec<_>>(),
        ["refs/heads/main"]
    );
}

fn ten_thousand_refs_are_pushed_and_cloned(world: &World) {
    many(world, 10_000);
}

#[test]
fn heavy_a_hundred_thousand_refs_are_pushed_and_cloned() {
    many(&World::folder(), 100_000);
}

fn three_hundred_refs_are_one_commit_to_the_bucket(world: &World) {
    let source = branches(world, 300);
    source.ok(&["push", "-q", "--mirror", &world.url()]);
    assert_eq!(world.bucket().manifest()["generation"], 1);
    assert_eq!(world.bucket().packs().len(), 1);
    assert_eq!(world.refs(), source.refs());
    world.mirror();
}

fn refs_beyond_the_inline_bound_behave_like_all_others(world: &World) {
    let source = branches(world, 2000);
    source.ok(&["push", "-q", "--mirror", &world.url()]);
    assert!(
        world
            .bucket()
            .keys()
            .iter()
            .any(|key| key.starts_with("pail/refs/"))
    );
    // A ref of the table is moved, deleted, and stands in another's way.
    let name = "refs/heads/b/000/000000";
    source.ok(&["update-ref", name, "HEAD"]);
    let said = source.git().run(&["push", &world.url(), name]).stderr;
    assert!(said.contains("b/000/000000 -> b/000/000000"), "{said}");
    assert_eq!(world.tip(name), Some(source.head()));
    let said = source.fails(&["push", &world.url(), &format!("main:{name}/sub")]);
    assert!(said.contains("cannot create"), "{said}");
    let said = source.fails(&["push", &world.url(), "main:refs/heads/b/000"]);
    assert!(said.contains("cannot create"), "{said}");
    source.ok(&[
        "push",
        "-q",
        &world.url(),
        &format!(":{name}"),
        &format!("main:{name}/sub"),
    ]);
    assert_eq!(world.tip(name), None);
    assert_eq!(world.tip(&format!("{name}/sub")), Some(source.head()));
    assert_eq!(world.refs().len(), 2001);
    world.mirror();
}
