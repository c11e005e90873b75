//! A manifest that is not what it should be, or none of ours: one clear message, nothing lost.

use crate::it::world::{World, leftovers, on_every_bucket};
use serde_json::{Value, json};
use testkit::repo::Repo;

on_every_bucket!(
    a_manifest_that_is_cut_is_named,
    a_manifest_of_a_newer_version_is_left_alone,
    a_manifest_that_requires_more_is_left_alone,
    what_a_newer_program_adds_is_kept,
    refs_that_git_would_refuse_are_refused,
    numbers_out_of_every_bound_are_refused,
    a_key_that_climbs_is_refused,
    a_ref_that_is_a_file_and_a_folder_harms_no_clone,
    a_ref_to_an_object_that_is_nowhere_is_found,
    a_base_table_that_is_wrong_is_named,
    layouts_of_others_are_named_and_left_alone,
    a_bucket_of_unrelated_files_is_used,
);

/// Everything that reads or writes, on a bucket that is broken: each must end with one
/// clear error that holds one of `words`, and write nothing.
pub(super) fn refused(world: &World, source: &Repo, what: &str, words: &[&str]) {
    let before = world.bucket().everything();
    let target = world.text("refused");
    let other = world.repo("refused-other");
    let (url, spec) = (world.url(), "HEAD:refs/heads/extra".to_owned());
    let cases: [(&Repo, Vec<&str>); 5] = [
        (source, vec!["ls-remote", &url]),
        (source, vec!["clone", "-q", &url, &target]),
        (source, vec!["push", "origin", &spec]),
        (source, vec!["push", "--force", "origin", ":main"]),
        (&other, vec!["fetch", "origin"]),
    ];
    for (repo, args) in cases {
        let out = repo.git().run(&args);
        assert!(
            matches!(out.status, 1 | 128),
            "{what}, {args:?}: {} {}",
            out.status,
            out.stderr
        );
        let said = &out.stderr;
        let errors: Vec<_> = said
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert!(!errors.is_empty(), "{what}, {args:?}: {said}");
        assert!(
            words.iter().any(|word| said.contains(word)),
            "{what}, {args:?}: {said}"
        );
        assert!(
            said.len() < 2000 && !said.contains("panicked"),
            "{what}: {said}"
        );
        assert!(!world.path("refused").exists(), "{what}");
        assert_eq!(leftovers(repo), Vec::<String>::new(), "{what}, {args:?}");
    }
    assert!(other.refs().is_empty());
    std::fs::remove_dir_all(other.path()).unwrap();
    assert_eq!(world.bucket().everything(), before, "{what}");
}

/// A way to break a manifest.
type Edit = Box<dyn FnOnce(&mut Value)>;

/// Breaks the manifest in one way after the other.
fn each(world: &World, cases: Vec<(&str, Edit)>, words: &[&str]) {
    let source = world.pushed("source");
    source.annotated_tag("v1");
    source.ok(&["push", "-q", "origin", "v1"]);
    let good = world.bucket().read("pail/manifest.json").unwrap();
    for (what, edit) in cases {
        world.bucket().edit_manifest(edit);
        refused(world, &source, what, words);
        world.bucket().write("pail/manifest.json", &good);
    }
    world.mirror();
}

fn a_manifest_that_is_cut_is_named(world: &World) {
    let source = world.pushed("source");
    let good = world.bucket().read("pail/manifest.json").unwrap();
    let cuts = [0, 1, 10, good.len() / 2, good.len() - 3];
    for cut in cuts {
        world.bucket().write("pail/manifest.json", &good[..cut]);
        refused(world, &source, &format!("cut at {cut}"), &["the manifest"]);
    }
    let others: [&[u8]; 7] = [
        b"not JSON at all",
        b"<html>404</html>",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b"{\"pail\":\"1\"}",
        b"{\"pail\":1}",
    ];
    for bytes in others {
        world.bucket().write("pail/manifest.json", bytes);
        refused(world, &source, &format!("{bytes:?}"), &["the manifest"]);
    }
    // Deep enough to end a parser that goes down without a bound.
    world
        .bucket()
        .write("pail/manifest.json", "[".repeat(1 << 20).as_bytes());
    refused(world, &source, "deep", &["the manifest"]);
    world.bucket().write("pail/manifest.json", &good);
    world.mirror();
}

fn a_manifest_of_a_newer_version_is_left_alone(world: &World) {
    each(
        world,
        vec![
            (
                "version 2",
                Box::new(|manifest| manifest["pail"] = 2.into()),
            ),
            // A newer layout may look like nothing that is known.
            (
                "version 9",
                Box::new(|manifest| *manifest = json!({"pail": 9, "other": []})),
            ),
        ],
        &["update"],
    );
}

fn a_manifest_that_requires_more_is_left_alone(world: &World) {
    each(
        world,
        vec![(
            "a feature",
            Box::new(|manifest| manifest["requires"] = json!(["rot13"])),
        )],
        &["rot13"],
    );
}

fn what_a_newer_program_adds_is_kept(world: &World) {
    let source = world.pushed("source");
    world.bucket().edit_manifest(|manifest| {
        manifest["colour"] = json!({"of": ["the", "day"]});
        manifest["packs"][0]["bitmap"] = 17.into();
        manifest["log"]["entries"][0]["agent"] = "later".into();
        manifest["settings"] = json!({"protected": ["main"]});
        manifest["optional"] = json!(["sparkle"]);
    });
    source.commit("a", "three\n");
    source.ok(&["push", "-q"]);
    let manifest = world.bucket().manifest();
    assert_eq!(manifest["colour"], json!({"of": ["the", "day"]}));
    assert_eq!(manifest["packs"][0]["bitmap"], 17);
    assert_eq!(manifest["log"]["entries"][0]["agent"], "later");
    assert_eq!(manifest["settings"], json!({"protected": ["main"]}));
    assert_eq!(manifest["optional"], json!(["sparkle"]));
    world.mirror();
}

fn refs_that_git_would_refuse_are_refused(world: &World) {
    let names = [
        "HEAD",
        "refs/heads/",
        "refs/heads/a..b",
        "refs/heads/../../../etc/passwd",
        "refs/heads/.hidden",
        "refs/heads/a.lock",
        "refs/heads/a b",
        "refs/heads/a\nb",
        "refs/heads/a%0A%0Aok",
        "refs/heads/a%zz",
        "refs/heads/a~1",
        "/refs/heads/a",
        "refs/heads/a^{}",
    ];
    let mut cases: Vec<(&str, Edit)> = Vec::new();
    for name in names {
        cases.push((
            name,
            Box::new(move |manifest| {
                let value = manifest["refs"]["updates"]["refs/heads/main"].clone();
                manifest["refs"]["updates"][name] = value;
            }),
        ));
    }
    for id in [
        "",
        "zz",
        "0000000000000000000000000000000000000000",
        "12 34",
    ] {
        cases.push((
            "an id",
            Box::new(move |manifest| manifest["refs"]["updates"]["refs/heads/x"] = id.into()),
        ));
    }
    for head in ["refs/tags/v1", "refs/heads/a..b", "main", ""] {
        cases.push((
            "a head",
            Box::new(move |manifest| manifest["head"] = head.into()),
        ));
    }
    each(world, cases, &["the manifest"]);
}

fn numbers_out_of_every_bound_are_refused(world: &World) {
    let max = u64::MAX;
    each(
        world,
        vec![
            (
                "generation",
                Box::new(move |manifest| manifest["generation"] = max.into()),
            ),
            (
                "no generation",
                Box::new(|manifest| manifest["generation"] = 0.into()),
            ),
            (
                "negative",
                Box::new(|manifest| manifest["generation"] = json!(-1)),
            ),
            (
                "epoch",
                Box::new(|manifest| manifest["epoch"] = json!(1e300)),
            ),
            (
                "size",
                Box::new(move |manifest| {
                    manifest["packs"][0]["size"] = max.into();
                    manifest["packs"][1]["size"] = max.into();
                }),
            ),
            (
                "objects",
                Box::new(move |manifest| {
                    manifest["packs"][0]["objects"] = max.into();
                    manifest["packs"][1]["objects"] = max.into();
                }),
            ),
            (
                "size of an index",
                Box::new(move |manifest| manifest["packs"][0]["index"] = max.into()),
            ),
            (
                "interval",
                Box::new(|manifest| manifest["packs"][0]["to"] = 99.into()),
            ),
            (
                "empty interval",
                Box::new(|manifest| manifest["packs"][0]["to"] = 0.into()),
            ),
            (
                "kind",
                Box::new(|manifest| manifest["packs"][0]["holds"] = "nothing".into()),
            ),
        ],
        &["the manifest"],
    );
}

fn a_key_that_climbs_is_refused(world: &World) {
    let id = "0123456789abcdef0123456789abcdef";
    let sum = format!("{id}{id}");
    let table = move |id: &str| json!({"id": id, "sha256": sum, "size": 10, "count": 1});
    let names = [
        "../../../../etc/passwd",
        "..",
        "/etc/passwd",
        "",
        "0123456789ABCDEF0123456789ABCDEF01234567",
        "0123456789abcdef0123456789abcdef0123456/",
        "%2e%2e%2f",
    ];
    let mut cases: Vec<(&str, Edit)> = Vec::new();
    for name in names {
        let (one, two) = (table(name), table(name));
        cases.push((name, Box::new(move |m| m["packs"][0]["name"] = name.into())));
        cases.push((name, Box::new(move |m| m["refs"]["base"] = one)));
        cases.push((
            name,
            Box::new(move |m| m["log"]["entries"][0]["moves_file"] = two),
        ));
    }
    each(world, cases, &["the manifest"]);
}

fn a_ref_that_is_a_file_and_a_folder_harms_no_clone(world: &World) {
    let source = world.pushed("source");
    world.bucket().edit_manifest(|manifest| {
        let value = manifest["refs"]["updates"]["refs/heads/main"].clone();
        manifest["refs"]["updates"]["refs/heads/main/sub"] = value;
    });
    // Nothing of ours writes such a thing; git itself says what is wrong with it.
    let said = world
        .git()
        .fails(&["clone", "-q", &world.url(), &world.text("clone")]);
    assert!(said.contains("refs/remotes/origin/main"), "{said}");
    assert!(!world.path("clone").exists());
    // And it can be mended from here.
    source.ok(&["push", "-q", "origin", ":refs/heads/main/sub"]);
    world.mirror();
}

fn a_ref_to_an_object_that_is_nowhere_is_found(world: &World) {
    let source = world.pushed("source");
    let absent = "1234567890123456789012345678901234567890";
    world.bucket().edit_manifest(|manifest| {
        manifest["refs"]["updates"]["refs/heads/main"] = absent.into();
    });
    let target = world.text("clone");
    let out = world.git().run(&["clone", "-q", &world.url(), &target]);
    assert_eq!(out.status, 128, "{}", out.stderr);
    assert!(!world.path("clone").exists());
    let said = source.fails(&["fetch", "origin"]);
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(source.id("origin/main"), Some(source.head()));
    source.fsck();
}

fn a_base_table_that_is_wrong_is_named(world: &World) {
    let source = world.repo("source");
    source.commit("a", "one\n");
    let tip = source.head();
    let lines: String = (0..1500)
        .map(|at| format!("create refs/heads/b{at:04} {tip}\n"))
        .collect();
    source
        .git()
        .ok_with(&["update-ref", "--stdin"], lines.as_bytes());
    source.ok(&["push", "-q", "--all", "origin"]);
    let table = world
        .bucket()
        .keys()
        .into_iter()
        .find(|key| key.starts_with("pail/refs/"));
    let table = table.expect("so many refs have a table of their own");
    let good = world.bucket().read(&table).unwrap();
    assert_eq!(world.refs().len(), 1501);
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for bad in [
        Some(&flipped[..]),
        Some(&good[..good.len() / 2]),
        Some(b""),
        None,
    ] {
        match bad {
            Some(bad) => world.bucket().write(&table, bad),
            None => world.bucket().remove(&table),
        }
        // Whoever has no copy of the table from before.
        let fresh = world.git().with_env("PAIL_CACHE", world.text("no-cache"));
        let out = fresh.run(&["ls-remote", &world.url()]);
        assert_eq!(out.status, 128, "{}", out.stderr);
        assert!(out.stderr.contains(&table), "{}", out.stderr);
        // And who has one needs no other.
        assert_eq!(world.refs().len(), 1501);
    }
    world.bucket().write(&table, &good);
    // A copy that was spoiled is read again.
    let cache = world.git().home().join(".cache/pail");
    for entry in cache.read_dir().unwrap() {
        std::fs::write(entry.unwrap().path(), "spoiled").unwrap();
    }
    assert_eq!(world.refs().len(), 1501);
}

fn layouts_of_others_are_named_and_left_alone(world: &World) {
    let id = "0123456789abcdef0123456789abcdef01234567";
    let bundle = format!("refs/heads/main/{id}.bundle");
    let pack = format!("objects/pack/pack-{id}.pack");
    let source = world.repo("source");
    source.commit("a", "one\n");
    let cases: [(&[&str], &str); 4] = [
        (&["HEAD", &bundle], "git-remote-s3"),
        (&["FORMAT", "HEAD", &bundle], "bundle"),
        (
            &["FORMAT", "HEAD", &bundle, "refs/heads/main/chain.json"],
            "packchain",
        ),
        (
            &["HEAD", "config", "info/refs", &pack, "refs/heads/main"],
            "bare git repository",
        ),
    ];
    for (keys, word) in cases {
        for key in keys {
            world.bucket().write(key, b"theirs");
        }
        let before = world.bucket().everything();
        let url = world.url();
        for args in [
            &["ls-remote", &url][..],
            &["push", &url, "main"],
            &["push", "--mirror", &url],
            &["fetch", &url],
            &["clone", "-q", &url, "clone"],
        ] {
            let said = source.fails(args);
            assert!(
                said.contains(word) && said.contains("hint: "),
                "{args:?}: {said}"
            );
        }
        assert_eq!(world.bucket().everything(), before);
        world.bucket().clear();
    }
}

fn a_bucket_of_unrelated_files_is_used(world: &World) {
    world.bucket().write("readme.txt", b"hello");
    world.bucket().write("lfs/0123", b"large");
    world.pushed("source");
    assert_eq!(
        world.bucket().read("readme.txt").as_deref(),
        Some(&b"hello"[..])
    );
    world.mirror();
}
