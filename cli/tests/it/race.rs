//! Two clones of one bucket, and git at its most unlucky moment: between the reading of the
//! refs and the writing of them.

use crate::it::world::{World, before_push, on_every_service};
use testkit::repo::Repo;

on_every_service!(
    who_pushes_second_is_told_to_fetch_first,
    a_race_on_one_branch_has_one_winner,
    a_race_on_two_branches_has_two_winners,
    a_force_replaces_only_what_the_user_was_shown,
    a_lease_that_becomes_stale_in_the_race_is_refused,
    an_atomic_push_that_loses_one_ref_moves_none,
    a_tag_that_appears_in_the_race_is_not_replaced,
    a_branch_that_is_deleted_in_the_race_is_not_made_again,
    a_folder_that_appears_in_the_race_is_refused,
    two_first_pushes_make_one_repository,
    both_push_the_same_commit,
    many_at_once_all_get_in,
);

/// Two clones; when the first one pushes, the second one runs `text` in between.
fn two(world: &World, text: &str) -> (Repo, Repo) {
    world.pushed("seed");
    let (one, two) = (world.clone("one"), world.clone("two"));
    one.commit("mine", "one\n");
    two.commit("theirs", "two\n");
    before_push(&one, &format!("cd '{}' && {text}", two.path().display()));
    (one, two)
}

fn who_pushes_second_is_told_to_fetch_first(world: &World) {
    world.pushed("seed");
    let (one, two) = (world.clone("one"), world.clone("two"));
    one.commit("mine", "one\n");
    two.commit("theirs", "two\n");
    two.ok(&["push", "-q"]);
    let said = one.fails(&["push"]);
    assert!(
        said.contains("! [rejected]        main -> main (fetch first)"),
        "{said}"
    );
    assert!(said.contains("hint: Updates were rejected"), "{said}");
    one.ok(&["pull", "-q", "--rebase"]);
    one.ok(&["push", "-q"]);
    assert_eq!(world.mirror().ok(&["rev-list", "--count", "main"]), "4");
}

fn a_race_on_one_branch_has_one_winner(world: &World) {
    let (one, two) = two(world, "git push -q");
    let said = one.fails(&["push"]);
    assert!(
        said.contains("! [rejected]        main -> main (fetch first)"),
        "{said}"
    );
    assert_eq!(world.tip("refs/heads/main"), Some(two.head()));
    assert_eq!(one.id("origin/main"), one.id("HEAD~1"));
    world.mirror();
}

fn a_race_on_two_branches_has_two_winners(world: &World) {
    let (one, two) = two(world, "git push -q");
    one.ok(&["push", "-q", "origin", "main:topic"]);
    assert_eq!(world.tip("refs/heads/main"), Some(two.head()));
    assert_eq!(world.tip("refs/heads/topic"), Some(one.head()));
    world.mirror();
}

fn a_force_replaces_only_what_the_user_was_shown(world: &World) {
    let (one, two) = two(world, "git push -q");
    let said = one.fails(&["push", "--force"]);
    assert!(said.contains("! [rejected]"), "{said}");
    assert_eq!(world.tip("refs/heads/main"), Some(two.head()));
}

fn a_lease_that_becomes_stale_in_the_race_is_refused(world: &World) {
    let (one, two) = two(world, "git push -q");
    let said = one.fails(&["push", "--force-with-lease"]);
    assert!(said.contains("(stale info)"), "{said}");
    assert_eq!(world.tip("refs/heads/main"), Some(two.head()));
}

fn an_atomic_push_that_loses_one_ref_moves_none(world: &World) {
    let (one, two) = two(world, "git push -q");
    let said = one.fails(&[
        "push",
        "--atomic",
        "origin",
        "main",
        "main:new",
        "main:other",
    ]);
    assert!(said.contains("main -> main (fetch first)"), "{said}");
    assert!(said.contains("main -> new (atomic push failed)"), "{said}");
    assert!(
        said.contains("main -> other (atomic push failed)"),
        "{said}"
    );
    assert_eq!(world.refs().len(), 1);
    assert_eq!(world.tip("refs/heads/main"), Some(two.head()));
}

fn a_tag_that_appears_in_the_race_is_not_replaced(world: &World) {
    let (one, two) = two(world, "git tag v1 && git push -q origin v1");
    one.tag("v1");
    let said = one.fails(&["push", "origin", "v1", "main"]);
    assert!(
        said.contains("! [rejected]        v1 -> v1 (already exists)"),
        "{said}"
    );
    assert_eq!(world.tip("refs/tags/v1"), Some(two.head()));
    assert_eq!(world.tip("refs/heads/main"), Some(one.head()));
}

fn a_branch_that_is_deleted_in_the_race_is_not_made_again(world: &World) {
    let (one, _) = two(world, "git push -q origin :main");
    let said = one.fails(&["push"]);
    assert!(said.contains("! [rejected]"), "{said}");
    assert!(world.refs().is_empty());
}

fn a_folder_that_appears_in_the_race_is_refused(world: &World) {
    let (one, two) = two(world, "git push -q origin main:x/y");
    let said = one.fails(&["push", "origin", "main:x"]);
    assert!(said.contains("cannot create 'refs/heads/x'"), "{said}");
    assert_eq!(world.tip("refs/heads/x/y"), Some(two.head()));
}

fn two_first_pushes_make_one_repository(world: &World) {
    let (one, two) = (world.repo("one"), world.repo("two"));
    one.commit("mine", "one\n");
    two.commit("theirs", "two\n");
    before_push(
        &one,
        &format!(
            "cd '{}' && git push -q origin main:two",
            two.path().display()
        ),
    );
    one.ok(&["push", "-q", "origin", "main"]);
    assert_eq!(world.tip("refs/heads/main"), Some(one.head()));
    assert_eq!(world.tip("refs/heads/two"), Some(two.head()));
    let mirror = world.mirror();
    // Who was first made the repository, and with it the default branch.
    assert_eq!(mirror.ok(&["symbolic-ref", "HEAD"]), "refs/heads/two");
}

fn both_push_the_same_commit(world: &World) {
    world.pushed("seed");
    let (one, two) = (world.clone("one"), world.clone("two"));
    one.commit("mine", "one\n");
    two.ok(&["fetch", "-q", one.path().to_str().unwrap(), "main"]);
    two.ok(&["reset", "-q", "--hard", "FETCH_HEAD"]);
    before_push(
        &one,
        &format!("cd '{}' && git push -q", two.path().display()),
    );
    one.ok(&["push", "-q"]);
    assert_eq!(world.tip("refs/heads/main"), Some(one.head()));
    world.mirror();
}

fn many_at_once_all_get_in(world: &World) {
    world.pushed("seed");
    let clones: Vec<_> = (0..6)
        .map(|number| {
            let clone = world.clone(&format!("c{number}"));
            clone.commit(&format!("f{number}"), "x\n");
            clone
        })
        .collect();
    let mut pushes: Vec<_> = (0..clones.len())
        .map(|number| {
            let spec = format!("main:b{number}");
            clones[number].git().start(&["push", "-q", "origin", &spec])
        })
        .collect();
    for push in &mut pushes {
        assert!(push.wait().unwrap().success());
    }
    let mirror = world.mirror();
    for (number, clone) in clones.iter().enumerate() {
        assert_eq!(mirror.id(&format!("b{number}")), Some(clone.head()));
    }
}
