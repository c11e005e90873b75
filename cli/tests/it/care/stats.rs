//! `stats`: what lies in the bucket, how it grew, and what that costs.

use super::{fails, json, shown};
use crate::it::world::{World, on_every_bucket};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};
use std::fs;

on_every_bucket!(
    every_file_is_counted_once,
    days_and_dollars_are_told_and_drawn,
);

/// Files and bytes of the keys that fit, as another program finds them.
fn counted(world: &World, fits: impl Fn(&str) -> bool) -> Value {
    let everything = world.bucket().everything().into_iter();
    let sizes = everything.filter(|(key, _)| fits(key));
    let sizes: Vec<usize> = sizes.map(|(_, bytes)| bytes.len()).collect();
    json!({"files": sizes.len(), "bytes": sizes.iter().sum::<usize>()})
}

fn every_file_is_counted_once(world: &World) {
    let repo = world.pushed("repo");
    for number in 0..5 {
        repo.commit("f", format!("{number}\n"));
        repo.ok(&["push", "-q", "origin", "main"]);
    }
    let url = world.url();
    shown(world, &["maintenance", "run", &url]);
    let leftover = format!("objects/pack/pack-{}.pack", "0".repeat(40));
    world.bucket().write(&leftover, b"PACK");
    world.bucket().write("lfs/aa", b"large");
    world.bucket().write("readme.txt", b"hello");
    let stats = json(world, &["stats", &url]);
    let kinds = &stats["kinds"];
    let condemned = world.bucket().manifest()["condemned"].clone();
    let condemned = condemned.as_array().unwrap();
    let gone = |key: &str| condemned.iter().any(|one| one["key"] == key);
    assert_eq!(
        kinds["manifest"],
        counted(world, |key| key == "pail/manifest.json"
            || key.starts_with("pail/aside/") && !gone(key))
    );
    assert_eq!(kinds["leftovers"], json!({"files": 1, "bytes": 4}));
    assert_eq!(kinds["lfs"], json!({"files": 1, "bytes": 5}));
    assert_eq!(kinds["other"], json!({"files": 1, "bytes": 5}));
    assert_eq!(kinds["condemned"], counted(world, gone));
    assert_eq!(stats["total"], counted(world, |_| true));
    // Each pack of the manifest, and each that lies aside, stands in one level.
    let levels = stats["levels"].as_array().unwrap();
    let sum = |part: &str| -> u64 {
        let files = levels.iter().map(|level| level[part]["files"].as_u64());
        files.map(Option::unwrap).sum()
    };
    assert_eq!(kinds["packs"]["files"], sum("clone"));
    let manifest = world.bucket().manifest();
    let aside = manifest["aside"]["count"].as_u64().unwrap_or(0);
    let packs = world.bucket().packs().len() as u64 + aside;
    assert_eq!(sum("clone") + sum("beside"), packs);
    assert!(sum("clone") < 6, "they were merged: {stats}");
}

fn days_and_dollars_are_told_and_drawn(world: &World) {
    let repo = world.pushed("repo");
    repo.commit("f", "more\n");
    repo.ok(&["push", "-q", "origin", "main"]);
    let url = world.url();
    let file = world.path("growth.svg");
    let svg = file.to_str().unwrap();
    let stats = json(world, &["stats", &url, "--prices", "s3", "--svg", svg]);
    let days = stats["growth"]["days"].as_array().unwrap();
    let pushes: u64 = days.iter().map(|day| day["pushes"].as_u64().unwrap()).sum();
    assert_eq!(pushes, 2, "{stats}");
    assert_eq!(stats["growth"]["before"], 0);
    let packs = stats["kinds"]["packs"]["bytes"].clone();
    assert_eq!(days.last().unwrap()["bytes"], packs);
    assert_eq!(stats["growth"]["bytes"], packs);
    // Two pushes: four PUT and two GET, at 0.005 and 0.0004 dollars for a thousand.
    let dollars = |key: &str| stats["cost"][key].as_f64().unwrap();
    assert!((dollars("requests") - 0.000_020_8).abs() < 1e-9, "{stats}");
    let bytes = stats["total"]["bytes"].as_f64().unwrap();
    let storage = bytes / f64::from(1 << 30) * 0.023;
    assert!((dollars("storage") - storage).abs() < 1e-9, "{stats}");
    assert_eq!(stats["cost"]["currency"], "USD");
    let text = shown(world, &["stats", &url, "--prices", "google"]);
    assert!(
        text.contains("2 pushes") && text.contains("us-central1"),
        "{text}"
    );
    // It is XML to another program, and draws both pushes.
    let picture = fs::read_to_string(&file).unwrap();
    let mut reader = Reader::from_str(&picture);
    let mut open = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(_) => open += 1,
            Event::End(_) => open -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0);
    assert!(picture.contains("pushes a day"), "{picture}");
    let nowhere = world.path("no/such/folder.svg");
    let said = fails(
        world,
        1,
        &["stats", &url, "--svg", nowhere.to_str().unwrap()],
    );
    assert!(said.contains("folder.svg"), "{said}");
}

#[test]
fn a_folder_has_no_price_and_no_repository_has_no_stats() {
    let world = World::folder();
    let said = fails(&world, 1, &["stats", &world.url()]);
    assert!(said.contains("no repository"), "{said}");
    world.pushed("repo");
    assert_eq!(json(&world, &["stats", &world.url()])["cost"], Value::Null);
    fails(&world, 2, &["stats", &world.url(), "--since", "someday"]);
}
