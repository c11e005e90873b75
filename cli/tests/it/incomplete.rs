//! A push from a shallow or partial clone leaves a complete history or is refused.

use crate::it::world::{World, on_every_bucket};
use testkit::repo::Repo;

on_every_bucket!(
    a_shallow_history_with_a_hole_is_refused,
    a_shallow_clone_pushes_what_the_bucket_can_complete,
    one_ref_with_a_hole_does_not_stop_the_others,
    an_atomic_push_with_a_hole_moves_nothing,
    tags_and_trees_of_a_shallow_clone_are_judged_too,
    a_dry_run_shows_the_hole,
    a_partial_clone_pushes_a_complete_history,
    a_partial_clone_without_its_source_is_refused,
    a_repository_with_a_lost_object_is_refused,
);

/// A repository of four commits, and a clone of it that has the last one only.
fn shallow(world: &World) -> (Repo, Repo) {
    let full = world.repo("full");
    for round in 0..4 {
        full.commit("a", format!("{round}\n"));
    }
    let url = format!("file://{}", world.text("full"));
    world
        .git()
        .ok(&["clone", "-q", "--depth=1", &url, &world.text("shallow")]);
    let shallow = Repo::at(world.git(), world.path("shallow"));
    shallow.ok(&["remote", "set-url", "origin", &world.url()]);
    (full, shallow)
}

fn a_shallow_history_with_a_hole_is_refused(world: &World) {
    let (_, shallow) = shallow(world);
    shallow.commit("b", "mine\n");
    let said = shallow.fails(&["push", "origin", "main"]);
    assert!(
        said.contains("! [remote rejected] main -> main (shallow update not allowed)"),
        "{said}"
    );
    assert!(world.bucket().keys().is_empty());
    // The bucket has some history, and not the parent of where this one ends.
    let full = Repo::at(world.git(), world.path("full"));
    full.ok(&["push", "-q", "origin", "main~2:refs/heads/main"]);
    let before = world.bucket().everything();
    let said = shallow.fails(&["push", "--force", "origin", "main"]);
    assert!(said.contains("(shallow update not allowed)"), "{said}");
    assert_eq!(world.bucket().everything(), before);
}

fn a_shallow_clone_pushes_what_the_bucket_can_complete(world: &World) {
    let (full, shallow) = shallow(world);
    // The bucket has the commit at which the shallow history ends.
    full.ok(&["push", "-q", "origin", "main"]);
    shallow.commit("b", "mine\n");
    shallow.ok(&["push", "-q", "origin", "main"]);
    let mirror = world.mirror();
    assert_eq!(mirror.ok(&["rev-list", "--count", "main"]), "5");
    // Or the commit before that.
    full.ok(&["push", "-q", "origin", "main~1:refs/heads/before", ":main"]);
    shallow.commit("b", "again\n");
    shallow.ok(&["push", "-q", "origin", "main:other"]);
    let mirror = world.mirror();
    assert_eq!(mirror.ok(&["rev-list", "--count", "other"]), "6");
}

fn one_ref_with_a_hole_does_not_stop_the_others(world: &World) {
    let (_, shallow) = shallow(world);
    shallow.ok(&["checkout", "-q", "--orphan", "whole"]);
    let whole = shallow.commit("w", "whole\n");
    let said = shallow.fails(&["push", "origin", "main", "whole"]);
    assert!(
        said.contains("main -> main (shallow update not allowed)"),
        "{said}"
    );
    assert!(said.contains("[new branch]      whole -> whole"), "{said}");
    assert_eq!(world.mirror().id("whole"), Some(whole));
    assert_eq!(world.refs().len(), 1);
}

fn an_atomic_push_with_a_hole_moves_nothing(world: &World) {
    let (_, shallow) = shallow(world);
    shallow.ok(&["checkout", "-q", "--orphan", "whole"]);
    shallow.commit("w", "whole\n");
    let said = shallow.fails(&["push", "--atomic", "origin", "main", "whole"]);
    assert!(
        said.contains("main -> main (shallow update not allowed)"),
        "{said}"
    );
    assert!(
        said.contains("whole -> whole (atomic push failed)"),
        "{said}"
    );
    assert!(world.bucket().keys().is_empty());
}

fn tags_and_trees_of_a_shallow_clone_are_judged_too(world: &World) {
    let (_, shallow) = shallow(world);
    shallow.annotated_tag("v1");
    shallow.tag("light");
    let said = shallow.fails(&["push", "origin", "v1", "light", "HEAD:a:refs/blobs/a"]);
    assert!(
        said.contains("v1 -> v1 (shallow update not allowed)"),
        "{said}"
    );
    assert!(
        said.contains("light -> light (shallow update not allowed)"),
        "{said}"
    );
    assert_eq!(
        world.refs().into_keys().collect::<Vec<_>>(),
        ["refs/blobs/a"]
    );
    world.mirror();
}

fn a_dry_run_shows_the_hole(world: &World) {
    let (_, shallow) = shallow(world);
    let said = shallow.fails(&["push", "--dry-run", "origin", "main"]);
    assert!(said.contains("(shallow update not allowed)"), "{said}");
    assert!(world.bucket().keys().is_empty());
}

/// A partial clone of a local repository, which then pushes into the bucket.
fn partial(world: &World, filter: &str) -> (Repo, Repo) {
    let full = world.repo("full");
    for round in 0..4 {
        full.commit("a", format!("{round}\n"));
        full.commit(&format!("d{round}/f"), format!("other {round}\n"));
    }
    full.ok(&["config", "uploadpack.allowFilter", "true"]);
    full.ok(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let url = format!("file://{}", world.text("full"));
    let filter = format!("--filter={filter}");
    world
        .git()
        .ok(&["clone", "-q", &filter, &url, &world.text("partial")]);
    let partial = Repo::at(world.git(), world.path("partial"));
    partial.ok(&["remote", "add", "bucket", &world.url()]);
    (full, partial)
}

fn a_partial_clone_pushes_a_complete_history(world: &World) {
    for filter in ["blob:none", "tree:0"] {
        let (full, partial) = partial(world, filter);
        let tip = partial.commit("mine", format!("{filter}\n"));
        partial.ok(&["push", "-q", "bucket", "main"]);
        let mirror = world.mirror();
        assert_eq!(mirror.id("main"), Some(tip));
        assert_eq!(mirror.ok(&["show", "main~8:a"]), "0");
        assert_eq!(mirror.ok(&["rev-list", "--count", "main"]), "9");
        partial.ok(&["push", "-q", "bucket", ":main"]);
        for repo in [full, partial] {
            std::fs::remove_dir_all(repo.path()).unwrap();
        }
    }
}

fn a_partial_clone_without_its_source_is_refused(world: &World) {
    let (full, partial) = partial(world, "blob:none");
    partial.commit("mine", "x\n");
    std::fs::rename(full.path(), world.path("gone")).unwrap();
    let said = partial.fails(&["push", "bucket", "main"]);
    assert!(said.contains("main -> main"), "{said}");
    assert!(
        !world
            .bucket()
            .keys()
            .contains(&"pail/manifest.json".to_owned())
    );
}

fn a_repository_with_a_lost_object_is_refused(world: &World) {
    let source = world.pushed("source");
    let before = world.bucket().everything();
    source.commit("a", "three\n");
    let blob = source.id("HEAD:a").unwrap();
    source.commit("z", "four\n");
    let file = format!(".git/objects/{}/{}", &blob[..2], &blob[2..]);
    std::fs::remove_file(source.path().join(file)).unwrap();
    let said = source.fails(&["push", "origin", "main"]);
    assert!(said.contains("cannot pack the objects to push"), "{said}");
    assert_eq!(world.bucket().everything(), before);
}
