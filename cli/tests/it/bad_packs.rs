//! Packs that are not what they should be: no fetch takes them in.

use crate::it::world::{World, leftovers, on_every_bucket};

on_every_bucket!(
    packs_that_are_not_what_the_manifest_says_are_refused,
    a_flipped_bit_is_found_in_every_fetch,
    an_index_that_is_wrong_harms_nobody_who_checks,
);

/// A way to break a pack, whose key it is given.
type Break<'a> = &'a dyn Fn(&World, &str);

/// Breaks one of two packs in one way after the other; to fetch must fail, with a message.
fn broken_pack(world: &World, edits: &[(&str, Break<'_>)], words: &[&str]) {
    let source = world.pushed("source");
    source.grow("more", 10, 4, 300);
    source.ok(&["push", "-q", "origin", "more"]);
    let good = world.bucket().everything();
    let packs = world.bucket().packs();
    for (what, edit) in edits {
        for pack in &packs {
            edit(world, pack);
            for (limit, options) in [
                ("1", &[][..]),
                ("100", &[]),
                ("1", &["-c", "pail.verify=checksum"][..]),
            ] {
                let other = world.repo("other");
                other.ok(&["config", "fetch.unpackLimit", limit]);
                let out = other.git().run(&[options, &["fetch", "origin"]].concat());
                let said = &out.stderr;
                assert!(!out.ok(), "{what}: {said}");
                assert!(said.contains("error: "), "{what}: {said}");
                assert!(
                    words.iter().any(|word| said.contains(word)),
                    "{what}: {said}"
                );
                assert!(
                    !said.contains("panicked") && said.len() < 3000,
                    "{what}: {said}"
                );
                assert!(other.refs().is_empty(), "{what}");
                assert_eq!(leftovers(&other), Vec::<String>::new(), "{what}: {said}");
                std::fs::remove_dir_all(other.path()).unwrap();
            }
            let out = world
                .git()
                .run(&["clone", "-q", &world.url(), &world.text("clone")]);
            assert_eq!(out.status, 128, "{what}: {}", out.stderr);
            assert!(!world.path("clone").exists());
            for (key, bytes) in &good {
                world.bucket().write(key, bytes);
            }
        }
    }
    world.mirror();
}

fn packs_that_are_not_what_the_manifest_says_are_refused(world: &World) {
    let cut = |keep: usize| {
        move |world: &World, key: &str| {
            let bytes = world.bucket().read(key).unwrap();
            world.bucket().write(key, &bytes[..keep.min(bytes.len())]);
        }
    };
    let number = |field: &'static str, by: i64| {
        move |world: &World, key: &str| {
            world.bucket().edit_manifest(|manifest| {
                for pack in manifest["packs"].as_array_mut().unwrap() {
                    if key.contains(pack["name"].as_str().unwrap()) {
                        pack[field] = (pack[field].as_i64().unwrap() + by).into();
                    }
                }
            });
        }
    };
    broken_pack(
        world,
        &[
            ("empty", &cut(0)),
            ("a header", &cut(12)),
            ("cut", &cut(100)),
            ("longer", &|world, key| {
                let mut bytes = world.bucket().read(key).unwrap();
                bytes.extend(b"and more");
                world.bucket().write(key, &bytes);
            }),
            ("another file", &|world, key| {
                let size = world.bucket().read(key).unwrap().len();
                world.bucket().write(key, &vec![b'x'; size]);
            }),
            ("more objects", &number("objects", 1)),
            ("fewer objects", &number("objects", -1)),
            ("larger", &number("size", 7)),
            ("smaller", &number("size", -7)),
            ("tiny", &|world, key| {
                world.bucket().write(key, b"PACK");
                world.bucket().edit_manifest(|manifest| {
                    for pack in manifest["packs"].as_array_mut().unwrap() {
                        if key.contains(pack["name"].as_str().unwrap()) {
                            pack["size"] = 4.into();
                        }
                    }
                });
            }),
        ],
        &["pack"],
    );
}

fn a_flipped_bit_is_found_in_every_fetch(world: &World) {
    let flip = |at: fn(usize) -> usize| {
        move |world: &World, key: &str| {
            let mut bytes = world.bucket().read(key).unwrap();
            let at = at(bytes.len());
            bytes[at] ^= 1;
            world.bucket().write(key, &bytes);
        }
    };
    broken_pack(
        world,
        &[
            ("magic", &flip(|_| 0)),
            ("version", &flip(|_| 7)),
            ("count", &flip(|_| 11)),
            ("first entry", &flip(|_| 13)),
            ("middle", &flip(|len| len / 2)),
            ("last entry", &flip(|len| len - 22)),
            ("checksum", &flip(|len| len - 1)),
        ],
        &["pack"],
    );
}

fn an_index_that_is_wrong_harms_nobody_who_checks(world: &World) {
    let source = world.pushed("source");
    let mut chance = testkit::seed::Chance::new(3);
    let bytes = chance.bytes(1_200_000);
    source.commit("large", bytes);
    source.ok(&["push", "-q"]);
    let keys = world.bucket().keys();
    let index = keys.iter().find(|key| key.ends_with(".idx")).unwrap();
    let good = world.bucket().read(index).unwrap();
    for bad in [
        vec![b'x'; good.len()],
        Vec::new(),
        good[..good.len() - 1].to_vec(),
    ] {
        world.bucket().write(index, &bad);
        world.mirror();
        let args = ["-c", "pail.verify=checksum", "clone", "-q"];
        let out = world
            .git()
            .run(&[&args[..], &[&world.url(), &world.text("clone")]].concat());
        assert_eq!(out.status, 128, "{}", out.stderr);
        assert!(out.stderr.starts_with("error: "), "{}", out.stderr);
        assert!(!world.path("clone").exists());
    }
}
