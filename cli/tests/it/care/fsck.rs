//! `fsck`: every kind of damage is found, and the refs that it hurts are named.

use super::{fails, pail, shown};
use crate::it::world::{World, on_every_bucket};
use serde_json::{Value, json};
use testkit::repo::Repo;
use testkit::seed::Chance;

on_every_bucket!(
    a_sound_repository_has_no_findings,
    a_missing_pack_hurts_the_refs_that_moved_since,
    a_flipped_bit_in_a_pack_is_found,
    a_flipped_bit_in_an_index_hurts_no_ref,
    a_truncated_ref_table_is_found,
    a_log_segment_that_is_gone_hurts_no_ref,
    a_manifest_that_names_a_key_twice_is_found,
    a_hole_between_the_packs_is_found,
    what_nobody_names_is_told_and_is_no_error,
    a_pack_of_another_content_is_found,
);

/// Three pushes: `main`; `side` with a pack that is large enough for an index; `late`.
fn three(world: &World) -> Repo {
    let repo = world.pushed("repo");
    repo.ok(&["switch", "-q", "-c", "side"]);
    repo.commit("large", Chance::new(7).bytes(1_300_000));
    repo.ok(&["push", "-q", "origin", "side"]);
    repo.ok(&["switch", "-q", "-c", "late", "main"]);
    repo.commit("a", "late\n");
    repo.annotated_tag("v1");
    repo.ok(&["push", "-q", "origin", "late", "v1"]);
    repo
}

/// Enough refs for a table, and enough pushes for a segment.
fn many(world: &World) -> Repo {
    let repo = world.pushed("repo");
    let head = repo.head();
    let refs: String = (0..700)
        .map(|n| format!("create refs/heads/many/{n:04} {head}\n"))
        .collect();
    repo.git()
        .ok_with(&["update-ref", "--stdin"], refs.as_bytes());
    repo.ok(&["push", "-q", "--all", "origin"]);
    let option = "x".repeat(3000);
    for n in 0..6 {
        let to = format!("main:refs/heads/more{n}");
        repo.ok(&["push", "-q", "-o", &option, "origin", &to]);
    }
    assert!(world.bucket().manifest()["refs"]["base"].is_object());
    assert!(!segments(world).is_empty());
    repo
}

fn segments(world: &World) -> Vec<String> {
    let keys = world.bucket().keys();
    let is_segment = |key: &String| key.starts_with("pail/log/") && !key.contains("moves-");
    keys.into_iter().filter(is_segment).collect()
}

fn flip(world: &World, key: &str, at: usize) {
    let mut bytes = world.bucket().read(key).unwrap();
    bytes[at] ^= 0x10;
    world.bucket().write(key, &bytes);
}

/// Runs it twice, quick and full: the exit codes must be these. The objects.
fn both(world: &World, codes: [i32; 2]) -> [Value; 2] {
    let url = world.url();
    let before = world.bucket().everything();
    let quick = vec!["fsck", &url, "--json"];
    let mut full = quick.clone();
    full.push("--full");
    let out = [quick, full].map(|args| pail(world, &args));
    assert_eq!(world.bucket().everything(), before, "nothing is changed");
    for (out, code) in out.iter().zip(codes) {
        assert_eq!(out.status, code, "{}{}", out.stdout, out.stderr);
    }
    out.map(|out| serde_json::from_str(&out.stdout).unwrap())
}

/// The finding with this code.
fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    let mut all = report["findings"].as_array().unwrap().iter();
    all.find(|one| one["code"] == code)
        .unwrap_or_else(|| panic!("{code}: {report}"))
}

fn a_sound_repository_has_no_findings(world: &World) {
    let repo = three(world);
    let objects = repo.reachable().len();
    let [quick, full] = both(world, [0, 0]);
    for report in [&quick, &full] {
        assert_eq!(report["findings"], json!([]));
        assert_eq!(report["hurt"], json!([]));
        assert_eq!(report["checked"]["refs"], 4);
        assert_eq!(report["checked"]["packs"], 3);
        assert_eq!(report["checked"]["files"], 5, "manifest, packs, one index");
    }
    assert_eq!(quick["checked"]["objects"], 0);
    assert_eq!(full["checked"]["objects"], objects);
    let text = shown(world, &["fsck", &world.url(), "--full"]);
    assert!(text.ends_with("nothing is wrong"), "{text}");
    let nowhere = world.text("nowhere");
    assert!(fails(world, 1, &["fsck", &nowhere]).contains("no repository"));
    fails(world, 2, &["fsck", &world.url(), "--temp", "x"]);
}

fn a_missing_pack_hurts_the_refs_that_moved_since(world: &World) {
    three(world);
    let pack = world.bucket().packs()[1].clone();
    world.bucket().remove(&pack);
    let [quick, full] = both(world, [3, 3]);
    assert_eq!(finding(&quick, "missing-file")["subject"], *pack);
    // By the log alone: what moved before is whole, what moved since may not be.
    let since = json!(["refs/heads/late", "refs/heads/side", "refs/tags/v1"]);
    assert_eq!((&quick["hurt"], &quick["certain"]), (&since, &json!(false)));
    // Git knows which of them reach into it.
    let hurt = json!(["refs/heads/side"]);
    assert_eq!((&full["hurt"], &full["certain"]), (&hurt, &json!(true)));
    assert_eq!(
        finding(&full, "incomplete-ref")["subject"],
        "refs/heads/side"
    );
    let out = pail(world, &["fsck", &world.url()]);
    assert_eq!(out.status, 3);
    assert!(out.stdout.contains("hurt: 3 refs may"), "{}", out.stdout);
    assert!(out.stdout.contains("  mend: restore it"), "{}", out.stdout);
}

fn a_flipped_bit_in_a_pack_is_found(world: &World) {
    three(world);
    let pack = world.bucket().packs()[1].clone();
    for at in [600_000, 13, 1_300_100] {
        flip(world, &pack, at);
        let [quick, full] = both(world, [0, 3]);
        assert_eq!(quick["findings"], json!([]), "its size is right");
        assert_eq!(finding(&full, "broken-pack")["subject"], *pack, "{at}");
        assert_eq!(full["hurt"], json!(["refs/heads/side"]), "{at}");
        flip(world, &pack, at);
    }
    both(world, [0, 0]);
}

fn a_flipped_bit_in_an_index_hurts_no_ref(world: &World) {
    three(world);
    let index = world.bucket().packs()[1].replace(".pack", ".idx");
    // The fan-out table, an id, a checksum of an entry, the index's own checksum.
    let end = world.bucket().read(&index).unwrap().len();
    for at in [500, 1040, end - 50, end - 1] {
        flip(world, &index, at);
        let [_, full] = both(world, [0, 3]);
        assert_eq!(finding(&full, "broken-index")["subject"], *index, "{at}");
        assert_eq!(full["hurt"], json!([]));
        flip(world, &index, at);
    }
    world.bucket().remove(&index);
    let [quick, full] = both(world, [3, 3]);
    assert_eq!(finding(&quick, "missing-file")["subject"], *index);
    assert_eq!((&quick["hurt"], &full["hurt"]), (&json!([]), &json!([])));
}

fn a_truncated_ref_table_is_found(world: &World) {
    many(world);
    let id = world.bucket().manifest()["refs"]["base"]["id"].clone();
    let table = format!("pail/refs/{}", id.as_str().unwrap());
    let bytes = world.bucket().read(&table).unwrap();
    for broken in [
        &bytes[..bytes.len() / 2],
        b"",
        &[bytes.clone(), vec![0]].concat(),
    ] {
        world.bucket().write(&table, broken);
        for report in both(world, [3, 3]) {
            assert_eq!(finding(&report, "ref-table")["subject"], *table);
            // The log still knows the names.
            let hurt = report["hurt"].as_array().unwrap();
            assert_eq!(hurt.len(), 707, "all of them");
            assert!(hurt.contains(&json!("refs/heads/many/0699")));
        }
    }
    let mut other = bytes.clone();
    other[20] ^= 1;
    world.bucket().write(&table, &other);
    assert_eq!(
        finding(&both(world, [3, 3])[0], "ref-table")["subject"],
        *table
    );
    world.bucket().remove(&table);
    assert_eq!(
        finding(&both(world, [3, 3])[0], "ref-table")["subject"],
        *table
    );
    world.bucket().write(&table, &bytes);
    both(world, [0, 0]);
}

fn a_log_segment_that_is_gone_hurts_no_ref(world: &World) {
    many(world);
    let moves = world.bucket().keys();
    let moves = moves.iter().find(|key| key.contains("moves-")).unwrap();
    for key in [&segments(world)[0], moves] {
        let bytes = world.bucket().read(key).unwrap();
        world.bucket().remove(key);
        for report in both(world, [3, 3]) {
            assert_eq!(finding(&report, "log")["subject"], *key);
            assert_eq!(report["hurt"], json!([]));
            let mend = finding(&report, "log")["mend"].as_str().unwrap();
            assert!(mend.contains("no ref is hurt"), "{mend}");
        }
        world.bucket().write(key, &bytes);
        flip(world, key, bytes.len() / 2);
        assert_eq!(finding(&both(world, [3, 3])[0], "log")["subject"], *key);
        world.bucket().write(key, &bytes);
    }
    both(world, [0, 0]);
}

fn a_manifest_that_names_a_key_twice_is_found(world: &World) {
    three(world);
    let sound = world.bucket().read("pail/manifest.json").unwrap();
    world.bucket().edit_manifest(|manifest| {
        let first = manifest["packs"][0].clone();
        manifest["packs"].as_array_mut().unwrap().push(first);
    });
    let every = json!([
        "refs/heads/late",
        "refs/heads/main",
        "refs/heads/side",
        "refs/tags/v1"
    ]);
    for report in both(world, [3, 3]) {
        let found = finding(&report, "manifest");
        assert!(found["reason"].as_str().unwrap().contains("named twice"));
        assert_eq!(report["hurt"], every);
        assert_eq!(report["checked"]["generation"], 0);
    }
    // A file that is named and that gc is about to delete.
    world.bucket().write("pail/manifest.json", &sound);
    let pack = world.bucket().packs()[0].clone();
    world.bucket().edit_manifest(|manifest| {
        manifest["condemned"] = json!([{"key": pack, "generation": 1, "time": 0}]);
    });
    for report in both(world, [3, 3]) {
        assert_eq!(finding(&report, "condemned")["subject"], *pack);
    }
    // Two entries that name one file of moves.
    world.bucket().write("pail/manifest.json", &sound);
    let file = json!({"id": "0".repeat(32), "sha256": "0".repeat(64), "size": 1, "count": 1});
    world.bucket().edit_manifest(|manifest| {
        manifest["log"]["entries"][0]["moves_file"] = file.clone();
        manifest["log"]["entries"][1]["moves_file"] = file.clone();
    });
    let twice = &both(world, [3, 3])[0];
    let key = format!("pail/log/moves-{}", "0".repeat(32));
    assert_eq!(finding(twice, "named-twice")["subject"], *key);
    // A bit that is turned over.
    world.bucket().write("pail/manifest.json", &sound);
    flip(world, "pail/manifest.json", 100);
    assert_eq!(both(world, [3, 3])[0]["certain"], true);
    // A newer version is not judged.
    world.bucket().write("pail/manifest.json", &sound);
    world.bucket().edit_manifest(|manifest| {
        manifest["requires"] = json!(["time-travel"]);
    });
    let newer = fails(world, 1, &["fsck", &world.url()]);
    assert!(newer.contains("time-travel"), "{newer}");
}

fn a_hole_between_the_packs_is_found(world: &World) {
    three(world);
    world.bucket().edit_manifest(|manifest| {
        manifest["packs"].as_array_mut().unwrap().remove(0);
    });
    for report in both(world, [3, 3]) {
        assert_eq!(finding(&report, "cover")["subject"], "pail/manifest.json");
    }
    let full = &both(world, [3, 3])[1];
    assert_eq!(
        full["hurt"].as_array().map(Vec::len),
        Some(4),
        "all need it"
    );
}

fn what_nobody_names_is_told_and_is_no_error(world: &World) {
    three(world);
    let leftover = format!("objects/pack/pack-{}.pack", "0".repeat(40));
    world.bucket().write(&leftover, b"PACK");
    world.bucket().write("readme.txt", b"hello");
    world.bucket().write("lfs/00", b"hello");
    for report in both(world, [0, 0]) {
        let found = finding(&report, "leftovers");
        assert_eq!(
            (&found["severity"], &found["subject"]),
            (&json!("note"), &json!(leftover))
        );
        let found = finding(&report, "unknown-files");
        assert_eq!(found["severity"], "warning");
        assert_eq!(found["subject"], "readme.txt");
        assert_eq!(report["findings"].as_array().map(Vec::len), Some(2));
    }
}

fn a_pack_of_another_content_is_found(world: &World) {
    three(world);
    // Sound packs of git's, each in the other's place, and a manifest that says so.
    let packs = world.bucket().packs();
    let (a, b) = (
        world.bucket().read(&packs[0]).unwrap(),
        world.bucket().read(&packs[2]).unwrap(),
    );
    world.bucket().write(&packs[0], &b);
    world.bucket().write(&packs[2], &a);
    world.bucket().edit_manifest(|manifest| {
        let sizes = [0, 2].map(|at| manifest["packs"][at]["size"].clone());
        manifest["packs"][0]["size"] = sizes[1].clone();
        manifest["packs"][2]["size"] = sizes[0].clone();
    });
    let [_, full] = both(world, [0, 3]);
    let found = finding(&full, "broken-pack");
    assert!(
        found["reason"]
            .as_str()
            .unwrap()
            .contains("not the one in its name")
    );
}
