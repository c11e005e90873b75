//! `git pail lfs`: what is there, what is broken, what goes, and copies.

use crate::it::world::{World, on_every_bucket};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::time::{Duration, SystemTime};
use testkit::git::{Git, Output};

fn oid(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes).into_iter();
    digits.map(|byte| format!("{byte:02x}")).collect()
}

/// A pointer file, as the specification of git-lfs has it.
fn pointer(bytes: &[u8]) -> String {
    let (oid, size) = (oid(bytes), bytes.len());
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n")
}

/// Puts an object into the bucket; its key.
fn put(world: &World, bytes: &[u8]) -> String {
    let key = format!("lfs/{}", oid(bytes));
    world.bucket().write(&key, bytes);
    key
}

fn json(git: &Git, args: &[&str]) -> (Output, Value) {
    let args = [&["pail", "lfs"], args, &["--json"]].concat();
    let out = git.run(&args);
    let value = serde_json::from_str(&out.stdout);
    (
        out.clone(),
        value.unwrap_or_else(|_| panic!("{}", out.stderr)),
    )
}

fn codes(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = report["findings"].as_array().unwrap().iter();
    let mut all: Vec<_> = all
        .map(|one| (text(&one["code"]), text(&one["subject"])))
        .collect();
    all.sort();
    all
}

on_every_bucket!(
    what_is_there_and_what_is_broken_is_told,
    objects_are_copied_that_are_not_there_and_no_broken_one,
    within_a_service_objects_do_not_pass_through_this_machine,
);

fn what_is_there_and_what_is_broken_is_told(world: &World) {
    let repo = world.repo("repo");
    for text in ["good", "short", "flipped", "missing"] {
        repo.commit(text, pointer(text.as_bytes()));
    }
    repo.ok(&["push", "-q", "origin", "main"]);
    let git = repo.git();
    let url = world.url();
    put(world, b"good");
    world
        .bucket()
        .write(&format!("lfs/{}", oid(b"short")), b"sho");
    world
        .bucket()
        .write(&format!("lfs/{}", oid(b"flipped")), b"flippeD");
    world.bucket().write("lfs/readme.txt", b"hello");

    let (_, list) = json(git, &["ls"]);
    assert_eq!(list["objects"].as_array().unwrap().len(), 3);
    assert_eq!(list["bytes"], 4 + 3 + 7);
    assert_eq!(list["strange"], serde_json::json!(["lfs/readme.txt"]));

    let expected = |code: &str, text: &str| (code.to_owned(), format!("lfs/{text}"));
    let quick = [
        expected("missing-object", &oid(b"missing")),
        expected("strange-file", "readme.txt"),
        expected("wrong-size", &oid(b"short")),
    ];
    let (out, report) = json(git, &["fsck", &url]);
    assert_eq!((out.status, codes(&report)), (3, quick.to_vec()));
    assert_eq!(report["checked"]["named"], 4);
    let (out, report) = json(git, &["fsck", "--full", &url]);
    let full = codes(&report);
    assert_eq!(out.status, 3);
    assert!(
        full.contains(&expected("wrong-object", &oid(b"flipped"))),
        "{full:?}"
    );
    assert!(
        !full.iter().any(|(_, key)| key.ends_with(&oid(b"good"))),
        "{full:?}"
    );

    world.bucket().remove("lfs/readme.txt");
    for text in ["short", "flipped", "missing"] {
        put(world, text.as_bytes());
    }
    let out = git.run(&["pail", "lfs", "fsck", "--full", &url]);
    assert!(
        out.ok() && out.stdout.contains("nothing is wrong"),
        "{out:?}"
    );
}

fn objects_are_copied_that_are_not_there_and_no_broken_one(world: &World) {
    let other = World::folder();
    let there = other.url();
    for text in ["one", "two", ""] {
        put(world, text.as_bytes());
    }
    put(&other, b"one");
    let git = world.git();
    let copy = ["copy", &world.url(), &there];
    let (_, plan) = json(git, &[&copy[..], &["--dry-run"]].concat());
    assert_eq!((&plan["present"], &plan["objects"]), (&1.into(), &2.into()));
    assert_eq!(other.bucket().keys().len(), 1);
    json(git, &copy);
    assert_eq!(
        other
            .bucket()
            .read(&format!("lfs/{}", oid(b"two")))
            .unwrap(),
        b"two"
    );
    let (_, again) = json(git, &copy);
    assert_eq!(
        (&again["present"], &again["objects"]),
        (&3.into(), &0.into())
    );

    let broken = format!("lfs/{}", oid(b"broken"));
    world.bucket().write(&broken, b"brokeN");
    // What a service copies by itself is read afterwards.
    let out = git.run(&["pail", "lfs", "copy", "--verify", &world.url(), &there]);
    assert!(
        !out.ok() && out.stderr.contains("is not the object"),
        "{}",
        out.stderr
    );
    assert_eq!(other.bucket().read(&broken), None);
}

fn within_a_service_objects_do_not_pass_through_this_machine(world: &World) {
    let texts = ["one", "two", "and three"];
    for text in texts {
        put(world, text.as_bytes());
    }
    let url = world.url();
    let (place, query) = url.split_once('?').unwrap_or((&url, ""));
    let there = format!("{place}/copies?{query}");
    let there = there.trim_end_matches('?');
    let (_, sum) = json(world.git(), &["copy", &url, there, "--verify"]);
    let bytes = texts.map(str::len).iter().sum::<usize>();
    for (field, value) in [("objects", 3), ("by_service", bytes), ("by_machine", 0)] {
        assert_eq!(sum[field], value, "{field}: {sum}");
    }
    for text in texts.map(str::as_bytes) {
        let copy = world.bucket().read(&format!("copies/lfs/{}", oid(text)));
        assert_eq!(copy.as_deref(), Some(text));
    }
}

/// Makes a file of a folder look as if it were two months old.
fn age(world: &World, key: &str) {
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let file = File::options()
        .write(true)
        .open(world.bucket().path().join(key));
    file.unwrap().set_modified(old).unwrap();
}

/// The list of the condemned, as docs/format/v1.md has it.
fn list(world: &World) -> Value {
    let text = world.bucket().read("pail/lfs-condemned.json").unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Writes the list anew, as if all on it had been condemned two days earlier.
fn two_days_later(world: &World) {
    let mut list = list(world);
    for group in list["groups"].as_array_mut().unwrap() {
        group["since"] = (group["since"].as_i64().unwrap() - 2 * 86_400).into();
    }
    let text = list.to_string();
    world
        .bucket()
        .write("pail/lfs-condemned.json", text.as_bytes());
}

#[test]
fn gc_shows_its_plan_condemns_what_is_old_and_not_named_and_takes_it_later() {
    let world = World::folder();
    let repo = world.repo("repo");
    repo.commit("kept", pointer(b"kept"));
    repo.ok(&["push", "-q", "origin", "main"]);
    let [kept, old, young] = ["kept", "old", "young"].map(|text| put(&world, text.as_bytes()));
    age(&world, &kept);
    age(&world, &old);
    let (_, none) = json(repo.git(), &["gc", "--older-than", "36500d"]);
    assert_eq!(none["condemned"], 0);
    assert_eq!(world.bucket().read("pail/lfs-condemned.json"), None);
    let (_, first) = json(repo.git(), &["gc"]);
    assert_eq!(
        (&first["condemned"], &first["deleted"]),
        (&1.into(), &0.into())
    );
    let now = list(&world);
    assert_eq!(now["groups"][0]["oids"], serde_json::json!([oid(b"old")]));
    let (_, early) = json(repo.git(), &["gc"]);
    assert_eq!(
        (&early["waiting"], &early["deleted"]),
        (&1.into(), &0.into())
    );

    two_days_later(&world);
    let plan = repo.ok(&["pail", "lfs", "gc", "--dry-run"]);
    assert!(
        plan.contains(&format!("nobody needs {}", oid(b"old"))),
        "{plan}"
    );
    assert!(
        plan.contains("of 3 objects 1 are needed, 1 are younger than 14d, 1 can go"),
        "{plan}"
    );
    assert!(world.bucket().read(&old).is_some());
    let (_, done) = json(repo.git(), &["gc"]);
    assert_eq!((&done["garbage"], &done["deleted"]), (&1.into(), &1.into()));
    assert!(world.bucket().read(&old).is_none());
    assert!(world.bucket().read(&kept).is_some() && world.bucket().read(&young).is_some());
    assert_eq!(list(&world)["groups"], serde_json::json!([]));
}

#[test]
fn a_list_that_is_broken_or_of_a_run_that_died_is_told() {
    let world = World::folder();
    let repo = world.repo("repo");
    repo.commit("a", "a");
    repo.ok(&["push", "-q", "origin", "main"]);
    put(&world, b"x");
    let subject = "pail/lfs-condemned.json".to_owned();
    let codes = || {
        let doctor = repo.git().run(&["pail", "doctor", "--json", "origin"]);
        let doctor: Value = serde_json::from_str(&doctor.stdout).unwrap();
        let (_, fsck) = json(repo.git(), &["fsck"]);
        let mut all = [codes(&doctor), codes(&fsck)].concat();
        all.retain(|(_, about)| *about == subject);
        all
    };
    let told = |code: &str| vec![(code.to_owned(), subject.clone()); 2];
    assert_eq!(codes(), []);
    world.bucket().write(&subject, b"[]");
    assert_eq!(codes(), told("condemned-list"));
    let dead = serde_json::json!({
        "version": 1, "write_id": "1", "groups": [],
        "going": { "id": "2", "since": 1, "groups": [{ "since": 1, "oids": [oid(b"x")] }] },
    });
    world.bucket().write(&subject, dead.to_string().as_bytes());
    assert_eq!(codes(), told("dead-lfs-gc"));
    repo.ok(&["pail", "lfs", "gc"]);
    assert_eq!(codes(), []);
    assert!(world.bucket().read(&format!("lfs/{}", oid(b"x"))).is_some());
}

#[test]
fn a_place_that_is_shared_is_collected_when_all_who_share_it_can_be_read() {
    let (place, one, two) = (World::folder(), World::folder(), World::folder());
    let shared = place.url();
    let git = place.git();
    let out = git.run(&["pail", "lfs", "gc", &shared]);
    assert!(
        !out.ok() && out.stderr.contains("git pail lfs share"),
        "{}",
        out.stderr
    );
    let mut urls = Vec::new();
    for (world, name) in [(&one, "one"), (&two, "two")] {
        let repo = world.repo(name);
        repo.commit("a", pointer(name.as_bytes()));
        repo.ok(&["push", "-q", "origin", "main"]);
        urls.push(world.url().replacen("pail::", "pail://", 1));
    }
    for text in ["one", "two", "three"] {
        age(&place, &put(&place, text.as_bytes()));
    }
    let relative = git.run(&["pail", "lfs", "share", &shared, "./one"]);
    assert!(!relative.ok());
    git.ok(&["pail", "lfs", "share", &shared, &urls[0], &urls[1]]);
    let (_, list) = json(git, &["share", &shared]);
    assert_eq!(list["repositories"].as_array().unwrap().len(), 2);
    let (_, plan) = json(git, &["gc", "--dry-run", &shared]);
    assert_eq!(
        (&plan["needed"], &plan["condemned"]),
        (&2.into(), &1.into())
    );

    let manifest = two.bucket().read("pail/manifest.json").unwrap();
    two.bucket().remove("pail/manifest.json");
    let before = place.bucket().everything();
    let out = git.run(&["pail", "lfs", "gc", &shared]);
    assert!(
        !out.ok() && out.stderr.contains("there is no repository"),
        "{}",
        out.stderr
    );
    assert_eq!(place.bucket().everything(), before);
    two.bucket().write("pail/manifest.json", &manifest);
    git.ok(&["pail", "lfs", "share", "--remove", &shared, &urls[1]]);
    let (_, done) = json(git, &["gc", "--at-once", &shared]);
    assert_eq!(done["deleted"], 2);
    assert!(
        place
            .bucket()
            .read(&format!("lfs/{}", oid(b"one")))
            .is_some()
    );
}
