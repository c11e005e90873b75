//! `doctor`: what stands in the way, and what mends it.

use super::own_bucket::OwnBucket;
use super::{fails, json, pail, shown};
use crate::it::world::{Bucket, World, on_every_bucket};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use testkit::git::run;

on_every_bucket!(
    a_healthy_place_has_nothing_in_the_way,
    what_dead_writers_left_is_told_and_removed,
    what_is_young_is_let_alone,
    what_dead_transfers_left_here_is_told_and_removed,
    a_place_that_is_not_ours_is_told,
    nothing_is_asked_and_nothing_is_changed_without_a_flag,
    packs_without_a_manifest_are_an_error_and_stay,
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
    let has_rules = !matches!(world.bucket(), Bucket::Folder(_));
    for fact in ["lifecycle rules", "old versions", "locks"] {
        assert_eq!(
            report["facts"][fact].is_string(),
            has_rules,
            "{fact}: {report}"
        );
    }
    let repository = report["facts"]["repository"].as_str().unwrap();
    assert!(
        repository.starts_with("sha1, generation 1, epoch 0, 1 ref, "),
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

fn what_dead_transfers_left_here_is_told_and_removed(world: &World) {
    let repo = world.pushed("repo");
    let git = repo.path().join(".git");
    let write = |path: &Path, bytes: &[u8]| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let cache = world.path("cache");
    let doctor = |args: &[&str]| -> (Vec<Value>, u64) {
        let asker = repo.git().with_env("PAIL_CACHE", &cache);
        let mut command = asker.program("git-pail");
        command.args(["doctor", "origin", "--json"]).args(args);
        let out = run(command, b"");
        assert!(out.ok(), "{}{}", out.stdout, out.stderr);
        let report: Value = serde_json::from_str(&out.stdout).unwrap();
        let all = report["findings"].as_array().unwrap().iter();
        let here = all.filter(|one| codes(&serde_json::json!({ "findings": [one] })) != [""; 0]);
        (here.cloned().collect(), report["removed"].as_u64().unwrap())
    };
    assert_eq!(doctor(&[]), (Vec::new(), 0));
    // A push that died before its note was written, one to another place, and a live one.
    let broken = git.join("pail/uploads/new-0");
    write(&broken.join("lock"), b"");
    write(&broken.join("pack"), &[0; 1234]);
    let elsewhere = git.join("pail/uploads/1");
    let note = serde_json::json!({
        "version": 1, "location": "s3://elsewhere/repo", "made": 1, "repository": null,
        "plan": "", "refs": [], "haves": [], "pack": "a".repeat(40), "objects": 1,
        "salt-at": 0, "salt": "", "end": 0, "uploads": {},
    });
    write(&elsewhere.join("lock"), b"");
    write(&elsewhere.join("journal.json"), note.to_string().as_bytes());
    let live = git.join("pail/uploads/2");
    write(&live.join("lock"), b"");
    let lock = std::fs::File::open(live.join("lock")).unwrap();
    lock.lock().unwrap();
    let spool = git.join("objects/tmp_objdir-pail-0");
    write(&spool.join("pack/tmp_pack_0"), &[0; 2345]);
    let download = cache.join("downloads/0/1.pack");
    write(&download, b"PACK");
    write(&download.with_extension("ranges"), b"");
    let (found, _) = doctor(&[]);
    let told: BTreeSet<_> = found
        .iter()
        .map(|one| ["severity", "code", "subject"].map(|key| one[key].as_str().unwrap()))
        .collect();
    let text = |path: &Path| path.canonicalize().unwrap().to_str().unwrap().to_owned();
    let paths = [&broken, &elsewhere, &spool, &download].map(|path| text(path));
    assert_eq!(
        told,
        BTreeSet::from([
            ["warning", "kept-pack", &*paths[0]],
            ["note", "kept-pack", &*paths[1]],
            ["note", "spool", &*paths[2]],
            ["note", "kept-download", &*paths[3]],
        ])
    );
    let reason = |code: &str| {
        let one = found.iter().find(|one| one["code"] == code);
        one.unwrap()["reason"].as_str().unwrap().to_owned()
    };
    assert!(reason("spool").contains("2345 bytes"), "{found:?}");
    // By its age nobody can be at work on what is broken; all else is young, or another's.
    let (left, removed) = doctor(&["--remove-leftovers"]);
    assert_eq!((left.len(), removed), (3, 1), "{left:?}");
    assert!(!broken.exists());
    let (left, removed) = doctor(&["--remove-leftovers", "--older-than", "0s"]);
    assert_eq!(removed, 2, "{left:?}");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["subject"], paths[1].as_str());
    assert!(elsewhere.exists() && live.exists());
    assert!(!spool.exists() && !cache.join("downloads").exists());
    assert!(shown(world, &["fsck", &world.url()]).contains("nothing is wrong"));
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

fn packs_without_a_manifest_are_an_error_and_stay(world: &World) {
    let repo = world.pushed("repo");
    let url = world.url();
    let manifest = world.bucket().read("pail/manifest.json").unwrap();
    // One pack may be that of a first push that died.
    world.bucket().remove("pail/manifest.json");
    let args = ["doctor", &url, "--older-than", "0s"];
    assert_eq!(codes(&json(world, &args)), ["leftovers"]);
    world.bucket().write("pail/manifest.json", &manifest);
    repo.commit("a", "more\n");
    repo.ok(&["push", "-q", "origin", "main"]);
    let manifest = world.bucket().read("pail/manifest.json").unwrap();
    world.bucket().remove("pail/manifest.json");
    let before = world.bucket().keys();
    let out = pail(world, &[&args[..], &["--remove-leftovers"]].concat());
    assert_eq!(out.status, 3, "{}", out.stdout);
    assert!(
        out.stdout.contains("2 packs lie here without it"),
        "{}",
        out.stdout
    );
    assert_eq!(codes(&json(world, &args)), ["no-manifest"]);
    assert_eq!(world.bucket().keys(), before);
    world.bucket().write("pail/manifest.json", &manifest);
    world.mirror();
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

#[test]
fn what_a_killed_fetch_and_killed_maintenance_left_here_is_told_and_removed() {
    let world = World::folder();
    let repo = world.pushed("repo");
    let packs = repo.path().join(".git/objects/pack");
    let (ours, other) = (packs.join("pack-0.keep"), packs.join("pack-1.keep"));
    std::fs::create_dir_all(&packs).unwrap();
    std::fs::write(&ours, "pail 4711\n").unwrap();
    std::fs::write(&other, "mine\n").unwrap();
    let cache = world.path("cache");
    let shop = |name: &str| {
        let shop = cache.join("maintenance").join(name);
        std::fs::create_dir_all(shop.join("work.git")).unwrap();
        std::fs::write(shop.join("work.git/pack"), [0; 3456]).unwrap();
        std::fs::write(shop.join("lock"), b"").unwrap();
        shop
    };
    let (dead, live) = (shop("0"), shop("1"));
    let lock = std::fs::File::open(live.join("lock")).unwrap();
    lock.lock().unwrap();
    let doctor = |args: &[&str]| -> Value {
        let asker = repo.git().with_env("PAIL_CACHE", &cache);
        let mut command = asker.program("git-pail");
        command.args(["doctor", "origin", "--json"]).args(args);
        let out = run(command, b"");
        assert!(out.ok(), "{}{}", out.stdout, out.stderr);
        serde_json::from_str(&out.stdout).unwrap()
    };
    // A mark that is young may be that of a fetch that is under way.
    assert_eq!(codes(&doctor(&[])), ["workshop"]);
    let report = doctor(&["--older-than", "0s"]);
    assert_eq!(codes(&report), ["kept-mark", "workshop"], "{report}");
    assert!(report.to_string().contains("3456 bytes"), "{report}");
    let report = doctor(&["--older-than", "0s", "--remove-leftovers"]);
    assert_eq!(
        (codes(&report), &report["removed"]),
        (Vec::new(), &Value::from(2))
    );
    assert!(!ours.exists() && other.exists());
    assert!(!dead.join("work.git").exists() && live.join("work.git").exists());
}

#[test]
fn a_lifecycle_rule_that_would_eat_packs_is_an_error() {
    let world = World::s3();
    let bucket = OwnBucket::make(&world);
    let url = bucket.url("team/repo");
    shown(&world, &["init", &url]);
    let report = json(&world, &["doctor", &url]);
    assert_eq!(codes(&report), [""; 0], "{report}");
    assert_eq!(report["facts"]["lifecycle rules"], "none here");
    let rule = |prefix: &str| {
        format!(
            "<LifecycleConfiguration><Rule><ID>old</ID><Status>Enabled</Status>\
             <Filter><Prefix>{prefix}</Prefix></Filter>\
             <Expiration><Days>3650</Days></Expiration></Rule></LifecycleConfiguration>"
        )
    };
    bucket.put("?lifecycle=", rule("tmp/").as_bytes());
    let report = json(&world, &["doctor", &url]);
    assert_eq!(codes(&report), [""; 0], "{report}");
    bucket.put("?lifecycle=", rule("team/").as_bytes());
    let out = pail(&world, &["doctor", &url]);
    assert_eq!(out.status, 3, "{}{}", out.stdout, out.stderr);
    assert!(
        out.stdout.contains("deletes files after 3650 days"),
        "{}",
        out.stdout
    );
    let versions = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    bucket.put("?versioning=", versions.as_bytes());
    let report = json(&world, &["doctor", &url]);
    assert_eq!(
        codes(&report),
        ["lifecycle-deletes", "versions-pile-up"],
        "{report}"
    );
    assert_eq!(report["facts"]["old versions"], "kept");
}
