//! The policies that `doctor --policy` prints, in force: the account may do what they allow
//! and nothing else.

use super::own_bucket::OwnBucket;
use super::shown;
use crate::it::world::World;
use serde_json::Value;
use testkit::git::{Git, Output, run};
use testkit::repo::Repo;
use testkit::services::s3_limited;

/// The printed policy as that of the bucket, for everybody.
fn apply(world: &World, bucket: &OwnBucket<'_>, url: &str, access: &str) {
    let text = shown(world, &["doctor", url, "--policy", access]);
    let mut policy: Value = serde_json::from_str(&text).unwrap();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        statement["Principal"] = "*".into();
    }
    bucket.put("?policy=", policy.to_string().as_bytes());
}

/// An account that may do nothing by itself.
fn limited(world: &World) -> Git {
    let (key, secret) = s3_limited();
    world
        .git()
        .with_env("AWS_ACCESS_KEY_ID", key)
        .with_env("AWS_SECRET_ACCESS_KEY", secret)
}

fn pail(git: &Git, args: &[&str]) -> Output {
    let mut command = git.program("git-pail");
    command.args(args);
    run(command, b"")
}

fn codes(git: &Git, args: &[&str]) -> Vec<String> {
    let out = pail(git, args);
    let report: Value = serde_json::from_str(&out.stdout)
        .unwrap_or_else(|error| panic!("{args:?}: {error}: {}{}", out.stdout, out.stderr));
    let all = report["findings"].as_array().unwrap().iter();
    let codes = all.map(|one| one["code"].as_str().unwrap().to_owned());
    codes
        .filter(|code| !["no-link", "other-link"].contains(&&**code))
        .collect()
}

#[test]
fn a_writer_may_do_everything_below_the_prefix_and_nothing_beside_it() {
    let world = World::s3();
    let bucket = OwnBucket::make(&world);
    let url = bucket.url("team/repo");
    let git = limited(&world);
    let repo = Repo::init_with(&git, world.path("work"), &[]);
    repo.ok(&["remote", "add", "origin", &url]);
    repo.commit("a", "one\n");
    repo.fails(&["push", "-q", "origin", "main"]);
    apply(&world, &bucket, &url, "write");
    for number in 0..5 {
        repo.commit("a", format!("{number}\n"));
        repo.ok(&["push", "-q", "origin", "main"]);
    }
    // Scratch files, uploads in parts, and the listing of those that were not ended.
    let doctor = ["doctor", &url, "--probe", "--remove-leftovers", "--json"];
    assert_eq!(codes(&git, &doctor), [""; 0]);
    for args in [
        &[
            "maintenance",
            "run",
            &url,
            "--task",
            "merge",
            "--task",
            "base",
        ][..],
        &["fsck", &url, "--full"],
        &["stats", &url],
        &["protect", &url, "main"],
        &["delete-branch", &url, "main", "--override-protection"],
        &["restore", &url, "main"],
    ] {
        let out = pail(&git, args);
        assert!(out.ok(), "{args:?}: {}{}", out.stdout, out.stderr);
    }
    let beside = bucket.url("team/other");
    let said = repo.fails(&["push", "-q", &beside, "main"]);
    assert!(said.contains("access denied"), "{said}");
    assert!(!pail(&git, &["ls", &beside]).ok());
}

#[test]
fn a_reader_may_clone_and_not_push() {
    let world = World::s3();
    let bucket = OwnBucket::make(&world);
    let url = bucket.url("team/repo");
    let writer = world.repo("work");
    writer.commit("a", "one\n");
    writer.ok(&["push", "-q", &url, "main"]);
    apply(&world, &bucket, &url, "read");
    let git = limited(&world);
    let clone = Repo::clone_of(&git, &url, world.path("clone"), &["-q"]);
    assert_eq!(clone.head(), writer.head());
    clone.commit("a", "two\n");
    let said = clone.fails(&["push", "-q", "origin", "main"]);
    assert!(
        said.contains("s3:PutObject"),
        "it says what is missing: {said}"
    );
    assert!(pail(&git, &["fsck", &url]).ok());
    // Uploads that were not ended are the writers' matter.
    assert_eq!(
        codes(&git, &["doctor", &url, "--json"]),
        ["uploads-unknown"]
    );
    let out = pail(&git, &["doctor", &url]);
    assert!(
        out.stdout.contains("lifecycle rules     cannot be seen"),
        "{}",
        out.stdout
    );
    assert!(!pail(&git, &["ls", &bucket.url("team")]).ok());
}
