//! What the bucket lists, compared with what git's own server lists for the same refs.

use crate::it::world::{World, on_every_bucket};

on_every_bucket!(
    ls_remote_says_what_gits_own_server_says,
    ls_remote_works_outside_of_a_repository,
    set_head_follows_the_bucket,
);

fn ls_remote_says_what_gits_own_server_says(world: &World) {
    let source = world.pushed("source");
    source.annotated_tag("v1");
    source.tag("light");
    source.branch("side").branch("feature/one");
    source.ok(&["notes", "add", "-m", "note"]);
    source.ok(&["push", "-q", "origin", "--all"]);
    source.ok(&["push", "-q", "origin", "--tags", "refs/notes/commits"]);
    source.ok(&["remote", "remove", "origin"]);
    let theirs = format!("file://{}", world.text("source"));
    let cases: [&[&str]; 10] = [
        &[],
        &["--symref"],
        &["--heads"],
        &["--tags"],
        &["--refs"],
        &["--sort=-refname"],
        &["--symref", "HEAD"],
        &["main", "v*"],
        &["refs/heads/feature/*"],
        &["--exit-code", "side"],
    ];
    for args in cases {
        let (options, patterns): (Vec<&str>, Vec<&str>) =
            args.iter().partition(|arg| arg.starts_with("--"));
        let ask = |url: &str| {
            world
                .git()
                .ok(&[&["ls-remote"], &options[..], &[url], &patterns[..]].concat())
        };
        assert_eq!(ask(&world.url()), ask(&theirs), "{args:?}");
    }
    let out = world
        .git()
        .run(&["ls-remote", "--exit-code", &world.url(), "nothing"]);
    assert_eq!((out.status, out.stdout.as_str()), (2, ""));
}

fn ls_remote_works_outside_of_a_repository(world: &World) {
    let source = world.pushed("source");
    let out = world
        .git()
        .run(&["ls-remote", &world.url(), "refs/heads/main"]);
    assert_eq!(out.stdout, format!("{}\trefs/heads/main", source.head()));
    assert_eq!(out.stderr, "");
}

fn set_head_follows_the_bucket(world: &World) {
    let source = world.pushed("source");
    source.ok(&["remote", "set-head", "origin", "-a"]);
    let head = ["symbolic-ref", "refs/remotes/origin/HEAD"];
    assert_eq!(source.ok(&head), "refs/remotes/origin/main");
    // The default branch is renamed: the bucket's HEAD goes with it.
    source.ok(&["branch", "-m", "main", "trunk"]);
    source.ok(&["push", "-q", "origin", "trunk", ":main"]);
    source.ok(&["fetch", "-q", "--prune"]);
    source.ok(&["remote", "set-head", "origin", "-a"]);
    assert_eq!(source.ok(&head), "refs/remotes/origin/trunk");
}
