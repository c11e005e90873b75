use super::*;
use crate::format::manifest::{Holds, PackSource, RefMove};
use serde_json::Map;

fn pack(name: &str, from: u64, to: u64, size: u64) -> PackEntry {
    let (index, objects, holds, source) = (None, 1, Holds::All, PackSource::Push);
    PackEntry {
        name: name.to_owned(),
        size,
        index,
        objects,
        from,
        to,
        holds,
        source,
        unknown: Map::new(),
    }
}

fn names(packs: Option<Vec<&PackEntry>>) -> Option<Vec<&str>> {
    packs.map(|packs| packs.into_iter().map(|pack| pack.name.as_str()).collect())
}

#[test]
fn a_reader_slightly_behind_takes_the_small_pack_and_a_clone_the_merged_one() {
    let packs = [
        pack("a", 0, 1, 9000),
        pack("b", 1, 2, 9000),
        pack("c", 2, 3, 9000),
        pack("abc", 0, 3, 20_000),
        pack("d", 3, 4, 10),
    ];
    assert_eq!(names(cover(&packs, 0, 4)), Some(vec!["abc", "d"]));
    assert_eq!(names(cover(&packs, 2, 4)), Some(vec!["c", "d"]));
    assert_eq!(names(cover(&packs, 4, 4)), Some(vec![]));
}

#[test]
fn a_start_inside_an_interval_takes_the_whole_of_it() {
    let packs = [pack("a", 0, 3, 100), pack("b", 3, 6, 100)];
    assert_eq!(names(cover(&packs, 4, 6)), Some(vec!["b"]));
    assert_eq!(names(cover(&packs, 2, 6)), Some(vec!["a", "b"]));
}

#[test]
fn overlapping_intervals_serve_and_gaps_do_not() {
    let packs = [pack("a", 0, 5, 100), pack("b", 3, 8, 100)];
    assert_eq!(names(cover(&packs, 0, 8)), Some(vec!["a", "b"]));
    assert_eq!(
        names(cover(&[pack("a", 0, 2, 1), pack("b", 3, 4, 1)], 0, 4)),
        None
    );
    assert_eq!(names(cover(&[], 0, 0)), Some(vec![]));
}

#[test]
fn the_halves_of_a_base_come_together() {
    let mut commits = pack("commits", 0, 4, 10);
    let mut blobs = pack("blobs", 0, 4, 90);
    (commits.holds, commits.source) = (Holds::CommitsAndTrees, PackSource::Base);
    (blobs.holds, blobs.source) = (Holds::Blobs, PackSource::Base);
    assert_eq!(
        names(cover(&[commits, blobs], 0, 4)),
        Some(vec!["commits", "blobs"])
    );
}

fn oid(n: u64) -> ObjectId {
    ObjectId::from_hex(format!("{n:040x}").as_bytes()).unwrap()
}

fn entry(generation: u64, moves: &[(&str, Option<u64>, Option<u64>)]) -> LogEntry {
    let moves = moves.iter().map(|(name, old, new)| RefMove {
        name: RefName::new(*name).unwrap(),
        old: old.map(oid),
        new: new.map(oid),
    });
    LogEntry {
        generation,
        time: 0,
        who: String::new(),
        what: "push".to_owned(),
        write_id: String::new(),
        moves: moves.collect(),
        moves_file: None,
        options: Vec::new(),
        unknown: Map::new(),
    }
}

fn start(lacking: &[&str], entries: &[LogEntry], has: &[u64]) -> Option<u64> {
    let mut start = Start::new(
        9,
        lacking
            .iter()
            .map(|name| RefName::new(*name).unwrap())
            .collect(),
    );
    let has: BTreeSet<_> = has.iter().map(|n| oid(*n)).collect();
    start.step(entries, |oid| has.contains(oid));
    start.found()
}

#[test]
fn a_reader_starts_where_it_last_had_what_its_refs_named() {
    let main = "refs/heads/main";
    let log = [
        entry(5, &[(main, Some(1), Some(2))]),
        entry(6, &[("refs/heads/other", Some(50), Some(51))]),
        entry(7, &[(main, Some(2), Some(3))]),
        entry(8, &[("refs/heads/topic", None, Some(60))]),
        entry(9, &[(main, Some(3), Some(4))]),
    ];
    assert_eq!(start(&[main], &log, &[1, 2, 3]), Some(8));
    assert_eq!(start(&[main], &log, &[1, 2]), Some(6));
    assert_eq!(start(&[main], &log, &[1]), Some(4));
    assert_eq!(
        start(&[main], &log, &[]),
        None,
        "the log does not reach back far enough"
    );
    assert_eq!(start(&["refs/heads/topic"], &log, &[]), Some(7));
    assert_eq!(start(&[], &log, &[]), Some(9));
}
