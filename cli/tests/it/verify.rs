//! What comes from a bucket is looked at before it is believed.

use crate::it::world::{World, leftovers, on_every_bucket};
use testkit::repo::Repo;

on_every_bucket!(
    a_missing_email_is_judged_as_git_judges_it,
    a_zero_padded_mode_is_judged_as_git_judges_it,
    fsck_objects_looks_at_small_fetches_too,
    fsck_skiplists_and_severities_are_honoured,
    unpack_limit_decides_between_loose_objects_and_a_pack,
    checksum_verification_takes_large_packs_as_they_are,
    checksum_verification_finds_a_flipped_bit,
    a_pack_that_was_replaced_is_found_in_the_new_manifest,
    a_pack_that_is_gone_is_named,
    an_unknown_way_to_verify_is_refused,
);

/// Objects that git's fsck refuses, and a branch that holds one of them.
fn odd(world: &World, name: &str) -> Repo {
    let source = world.repo("source");
    source.commit("a", "one\n");
    let tree = source.ok(&["rev-parse", "HEAD^{tree}"]);
    let blob = source.ok(&["rev-parse", "HEAD:a"]);
    let write = |kind: &str, bytes: &[u8]| {
        let args = ["hash-object", "-t", kind, "-w", "--stdin", "--literally"];
        source.git().ok_with(&args, bytes)
    };
    let made = match name {
        "missing email" => {
            let text = format!("tree {tree}\nauthor A 1 +0000\ncommitter C <c@d> 1 +0000\n\nodd\n");
            write("commit", text.as_bytes())
        }
        "zero-padded mode" => {
            let mut bytes = b"0100644 a\0".to_vec();
            bytes.extend((0..20).map(|at| u8::from_str_radix(&blob[at * 2..][..2], 16).unwrap()));
            let tree = write("tree", &bytes);
            source.ok(&["commit-tree", "-m", "odd", &tree])
        }
        other => panic!("{other}"),
    };
    source.ok(&["update-ref", "refs/heads/odd", &made]);
    source.ok(&["push", "-q", "--force", "origin", "main", "odd"]);
    source
}

fn a_missing_email_is_judged_as_git_judges_it(world: &World) {
    judged(world, "missing email", "missingEmail");
}

fn a_zero_padded_mode_is_judged_as_git_judges_it(world: &World) {
    judged(world, "zero-padded mode", "zeroPaddedFilemode");
}

/// Accepted by default, and refused when the user asks for a closer look.
fn judged(world: &World, name: &str, id: &str) {
    let source = odd(world, name);
    let theirs = format!("file://{}", source.path().display());
    let target = world.text("clone");
    for url in [&world.url(), &theirs] {
        for (setting, accepted) in [
            ("fetch.fsckObjects=false", true),
            ("fetch.fsckObjects=true", false),
            ("transfer.fsckObjects=true", false),
        ] {
            let out = world
                .git()
                .run(&["-c", setting, "clone", "-q", url, &target]);
            assert_eq!(out.ok(), accepted, "{url} {setting}: {}", out.stderr);
            assert!(accepted || out.stderr.contains(id), "{}", out.stderr);
            assert_eq!(world.path("clone").exists(), accepted);
            if accepted {
                std::fs::remove_dir_all(&target).unwrap();
            }
        }
    }
}

fn fsck_objects_looks_at_small_fetches_too(world: &World) {
    odd(world, "missing email");
    for limit in ["1", "100"] {
        let other = world.repo(&format!("other-{limit}"));
        other.ok(&["config", "fetch.unpackLimit", limit]);
        let said = other.fails(&["-c", "fetch.fsckObjects=true", "fetch", "origin"]);
        assert!(said.contains("missingEmail"), "{said}");
        assert_eq!(leftovers(&other), Vec::<String>::new());
        assert!(other.refs().is_empty());
        other.ok(&["fetch", "-q", "origin"]);
        assert_eq!(other.refs().len(), 2);
    }
}

fn fsck_skiplists_and_severities_are_honoured(world: &World) {
    let source = odd(world, "missing email");
    let skip = world.text("skip");
    std::fs::write(&skip, format!("{}\n", source.id("odd").unwrap())).unwrap();
    for (name, setting) in [
        ("one", "fetch.fsck.missingEmail=ignore".to_owned()),
        ("two", format!("fetch.fsck.skipList={skip}")),
    ] {
        let args = [
            "-c",
            "fetch.fsckObjects=true",
            "-c",
            &setting,
            "clone",
            "-q",
        ];
        world
            .git()
            .ok(&[&args[..], &[&world.url(), &world.text(name)]].concat());
    }
}

fn count(repo: &Repo, what: &str) -> u32 {
    let counts = repo.ok(&["count-objects", "-v"]);
    let line = counts
        .lines()
        .find_map(|line| line.strip_prefix(what))
        .unwrap();
    line.trim_start_matches(": ").parse().unwrap()
}

fn unpack_limit_decides_between_loose_objects_and_a_pack(world: &World) {
    let source = world.pushed("source");
    let clone = world.clone("clone");
    assert_eq!((count(&clone, "count"), count(&clone, "packs")), (0, 1));
    let fetch = |settings: &[&str]| {
        let before = (count(&clone, "count"), count(&clone, "packs"));
        source.commit("a", format!("{settings:?}\n"));
        source.ok(&["push", "-q"]);
        clone.ok(&[settings, &["fetch", "-q"]].concat());
        (
            count(&clone, "count") - before.0,
            count(&clone, "packs") - before.1,
        )
    };
    // A commit, a tree and a blob.
    assert_eq!(fetch(&[]), (3, 0));
    assert_eq!(fetch(&["-c", "fetch.unpackLimit=3"]), (0, 1));
    assert_eq!(fetch(&["-c", "fetch.unpackLimit=4"]), (3, 0));
    assert_eq!(fetch(&["-c", "transfer.unpackLimit=1"]), (0, 1));
    assert_eq!(
        fetch(&["-c", "transfer.unpackLimit=1", "-c", "fetch.unpackLimit=9"]),
        (3, 0)
    );
    clone.fsck();
}

/// A repository whose second push is a pack above a mebibyte, stored with its index.
fn large(world: &World) -> Repo {
    let source = world.pushed("source");
    let mut chance = testkit::seed::Chance::new(7);
    let bytes = chance.bytes(1_500_000);
    source.commit("large", bytes);
    source.ok(&["push", "-q"]);
    let keys = world.bucket().keys();
    assert_eq!(
        keys.iter().filter(|key| key.ends_with(".idx")).count(),
        1,
        "{keys:?}"
    );
    source
}

fn checksum_verification_takes_large_packs_as_they_are(world: &World) {
    let source = large(world);
    let clone = world.clone_with("clone", &["-c", "pail.verify=checksum"]);
    clone.fsck();
    assert_eq!(clone.head(), source.head());
    assert_eq!(leftovers(&clone), Vec::<String>::new());
    let large = world.bucket().packs().pop().unwrap();
    let here = clone.path().join(".git").join(&large);
    assert_eq!(std::fs::read(here).ok(), world.bucket().read(&large));
    // The same by default, made anew by git.
    let checked = world.clone("checked");
    checked.fsck();
}

fn checksum_verification_finds_a_flipped_bit(world: &World) {
    large(world);
    let pack = world.bucket().packs().pop().unwrap();
    let index = pack.replace(".pack", ".idx");
    for key in [pack, index] {
        let good = world.bucket().read(&key).unwrap();
        for at in [20, good.len() / 2, good.len() - 30, good.len() - 5] {
            let mut bad = good.clone();
            bad[at] ^= 4;
            world.bucket().write(&key, &bad);
            let target = world.text("clone");
            let args = ["-c", "pail.verify=checksum", "clone", "-q"];
            let out = world
                .git()
                .run(&[&args[..], &[&world.url(), &target]].concat());
            assert_eq!(out.status, 128, "{key} at {at}: {}", out.stderr);
            assert!(out.stderr.starts_with("error: "), "{}", out.stderr);
            assert!(
                out.stderr.contains("checksum"),
                "{key} at {at}: {}",
                out.stderr
            );
            assert!(!world.path("clone").exists());
        }
        world.bucket().write(&key, &good);
    }
    world.mirror();
}

fn a_pack_that_was_replaced_is_found_in_the_new_manifest(world: &World) {
    let source = world.pushed("source");
    source.commit("a", "three\n");
    source.ok(&["push", "-q"]);
    let other = world.repo("other");
    let mut talk = world.talk(&other.path().join(".git"));
    talk.ask_all("capabilities\n");
    assert!(talk.ask_all("list\n").len() >= 3);
    // Git knows the refs; now maintenance puts one pack in the place of two.
    let merged = Repo::clone_of(
        world.git(),
        &world.text("source"),
        world.path("m.git"),
        &["--bare"],
    );
    merged.ok(&["repack", "-qadF"]);
    let packs = merged.path().join("objects/pack");
    let name = packs.read_dir().unwrap().find_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        Some(
            name.strip_prefix("pack-")?
                .strip_suffix(".pack")?
                .to_owned(),
        )
    });
    let name = name.unwrap();
    let bytes = std::fs::read(packs.join(format!("pack-{name}.pack"))).unwrap();
    world
        .bucket()
        .write(&format!("objects/pack/pack-{name}.pack"), &bytes);
    let old = world.bucket().packs();
    world.bucket().edit_manifest(|manifest| {
        let objects = u32::from_be_bytes(bytes[8..12].try_into().unwrap());
        manifest["packs"] = serde_json::json!([{
            "name": name, "size": bytes.len(), "objects": objects,
            "from": 0, "to": manifest["generation"], "holds": "all", "source": "merge",
        }]);
        manifest["write_id"] = "0123456789abcdef0123456789abcdef".into();
    });
    for key in old {
        world.bucket().remove(&key);
    }
    let tip = source.head();
    let said = talk.ask_all(&format!("fetch {tip} refs/heads/main\n\n"));
    assert!(
        said.iter().all(|line| line.starts_with("lock ")),
        "{said:?}"
    );
    let out = talk.end();
    assert_eq!((out.status, out.stderr.as_str()), (0, ""));
    other.ok(&["update-ref", "refs/heads/main", &tip]);
    other.fsck();
    assert_eq!(leftovers(&other), Vec::<String>::new());
}

fn a_pack_that_is_gone_is_named(world: &World) {
    let source = world.pushed("source");
    source.commit("a", "three\n");
    source.ok(&["push", "-q"]);
    for key in world.bucket().packs() {
        let bytes = world.bucket().read(&key).unwrap();
        world.bucket().remove(&key);
        let out = world
            .git()
            .run(&["clone", "-q", &world.url(), &world.text("clone")]);
        assert_eq!(out.status, 128);
        assert!(out.stderr.contains(&key), "{}", out.stderr);
        assert!(out.stderr.contains("hint: "), "{}", out.stderr);
        assert!(!world.path("clone").exists());
        world.bucket().write(&key, &bytes);
    }
    world.mirror();
}

fn an_unknown_way_to_verify_is_refused(world: &World) {
    let source = world.pushed("source");
    source.ok(&["remote", "update"]);
    let other = world.repo("other");
    let said = other.fails(&["-c", "pail.verify=never", "fetch", "origin"]);
    assert!(said.contains("pail.verify is 'never'"), "{said}");
}
