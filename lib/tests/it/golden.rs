//! Bytes of layout v1, written by hand from `docs/format/v1.md`, read back on every run.
//!
//! The files under `golden/v1` are never edited. The packed ones were made by the `zstd`
//! command, so that they also show what another writer's files look like.

use pail::format::manifest::{Holds, PackSource, RefMove};
use pail::format::refs::BaseTable;
use pail::format::{Manifest, aside, log, pack};
use pail::refs::{RefName, RefValue};
use pail::{ErrorKind, ObjectFormat, ObjectId};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/v1")
        .join(name)
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The text of `docs/format/v1.md`.
fn document() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/format/v1.md");
    std::fs::read_to_string(path).unwrap()
}

fn oid(digit: char) -> ObjectId {
    digit.to_string().repeat(40).parse().unwrap()
}

fn name(bytes: &[u8]) -> RefName {
    RefName::new(bytes).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_a_writer_writes_comes_back_byte_by_byte() {
    for file in [
        "manifest-push.json",
        "manifest-init.json",
        "manifest-full.json",
        "manifest-aside.json",
        "manifest-example.json",
    ] {
        let bytes = golden(file);
        let manifest = Manifest::decode(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        let again = manifest.encode().unwrap();
        assert_eq!(String::from_utf8(again), String::from_utf8(bytes), "{file}");
    }
}

#[test]
fn a_first_push_is_read() {
    let manifest = Manifest::decode(&golden("manifest-push.json")).unwrap();
    assert_eq!(manifest.repository, "0123456789abcdef0123456789abcdef");
    assert_eq!(manifest.object_format, ObjectFormat::Sha1);
    assert_eq!(
        (manifest.generation, manifest.epoch, manifest.covered()),
        (1, 0, 1)
    );
    assert_eq!(manifest.head, Some(name(b"refs/heads/main")));
    assert_eq!(
        manifest.updates[&name(b"refs/heads/main")],
        Some(RefValue::plain(oid('a')))
    );
    assert_eq!(manifest.packs.len(), 1);
    assert_eq!(manifest.packs[0].index, None);
    assert_eq!(manifest.log.entries[0].write_id, manifest.write_id);
}

#[test]
fn fields_with_a_default_may_be_left_out() {
    let manifest = Manifest::decode(&golden("manifest-least.json")).unwrap();
    assert_eq!(manifest.object_format, ObjectFormat::Sha256);
    assert_eq!((manifest.generation, manifest.covered()), (7, 0));
    assert!(manifest.head.is_none() && manifest.base.is_none());
    assert!(manifest.condemned.is_empty() && manifest.settings.is_empty());
    assert!(manifest.requires.is_empty() && manifest.optional.is_empty());
    let again = Manifest::decode(&manifest.encode().unwrap()).unwrap();
    assert_eq!(again, manifest);
}

#[test]
fn every_field_is_read() {
    let manifest = Manifest::decode(&golden("manifest-full.json")).unwrap();
    assert_eq!(
        (manifest.generation, manifest.epoch, manifest.covered()),
        (45, 2, 44)
    );
    let base = manifest.base.as_ref().unwrap();
    assert_eq!(
        (base.id.as_str(), base.count),
        ("11111111111111111111111111111111", 3)
    );
    let updates: Vec<_> = manifest
        .updates
        .iter()
        .map(|(name, value)| (name.as_bytes(), *value))
        .collect();
    let tag = RefValue {
        oid: oid('d'),
        peeled: Some(oid('c')),
    };
    assert_eq!(
        updates,
        [
            (&b"refs/heads/caf\xe9"[..], Some(RefValue::plain(oid('b')))),
            (b"refs/heads/main", Some(RefValue::plain(oid('c')))),
            (b"refs/heads/old", None),
            (
                "refs/heads/über".as_bytes(),
                Some(RefValue::plain(oid('d')))
            ),
            (b"refs/tags/100%", Some(tag)),
        ]
    );
    let packs: Vec<_> = manifest
        .packs
        .iter()
        .map(|pack| (pack.from, pack.to, pack.holds, pack.source, pack.index))
        .collect();
    assert_eq!(
        packs,
        [
            (
                0,
                40,
                Holds::CommitsAndTrees,
                PackSource::Base,
                Some(3_000_000)
            ),
            (0, 40, Holds::Blobs, PackSource::Base, Some(1_500_000)),
            (32, 40, Holds::All, PackSource::Merge, Some(60_000)),
            (40, 41, Holds::All, PackSource::Push, None),
            (41, 44, Holds::All, PackSource::Push, None),
        ]
    );
    assert_eq!(
        (manifest.packs[3].size, manifest.packs[3].objects),
        (1_048_575, 9)
    );
    assert_eq!(manifest.packs[3].unknown["x-colour"], "blue");
    let segments: Vec<_> = manifest
        .log
        .segments
        .iter()
        .map(|part| (part.first, part.last))
        .collect();
    assert_eq!(segments, [(1, 30), (31, 40)]);
    let entries = &manifest.log.entries;
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0].moves.len(), 2);
    assert_eq!(entries[0].options, ["ci.skip"]);
    assert_eq!(entries[0].unknown["x-mood"][0], "calm");
    assert_eq!(entries[1].time, -1);
    assert_eq!(entries[1].moves_file.as_ref().unwrap().count, 3);
    assert_eq!(
        (entries[3].what.as_str(), entries[3].moves.len()),
        ("set-head", 0)
    );
    assert_eq!(
        manifest.condemned[0].key,
        format!("objects/pack/pack-{}.pack", oid('6'))
    );
    assert_eq!(
        (manifest.condemned[0].generation, manifest.condemned[0].time),
        (39, 1_767_225_000)
    );
    assert_eq!(manifest.settings["retention"], 2_592_000);
    assert_eq!(manifest.optional, ["bitmaps"]);
    assert_eq!(manifest.unknown["x-future"]["a"][0], 2.5);
}

#[test]
fn the_files_that_the_manifest_names_have_the_hashes_that_it_names() {
    let manifest = Manifest::decode(&golden("manifest-full.json")).unwrap();
    let base = manifest.base.unwrap();
    let moves = manifest.log.entries[1].moves_file.clone().unwrap();
    for (file, sha256, size) in [
        ("refs.zst", base.sha256, base.size),
        (
            "log-segment.zst",
            manifest.log.segments[1].sha256.clone(),
            manifest.log.segments[1].size,
        ),
        ("moves.zst", moves.sha256, moves.size),
    ] {
        let bytes = golden(file);
        assert_eq!(
            (hex(&Sha256::digest(&bytes)), bytes.len() as u64),
            (sha256, size),
            "{file}"
        );
    }
}

#[test]
fn a_base_table_is_read_and_written_as_git_writes_packed_refs() {
    let packed = golden("refs.zst");
    let table = BaseTable::decode(&packed, ObjectFormat::Sha1).unwrap();
    assert_eq!(table.count(), 3);
    let tag = RefValue {
        oid: oid('c'),
        peeled: Some(oid('a')),
    };
    assert_eq!(table.get(b"refs/tags/v1"), Some(tag));
    assert_eq!(
        table.get(b"refs/heads/old"),
        Some(RefValue::plain(oid('a')))
    );
    assert_eq!(table.get(b"refs/heads/main"), None);
    let refs: Vec<_> = table
        .iter_from(b"")
        .map(|(bytes, value)| (name(bytes), value))
        .collect();
    let (_, again) = BaseTable::encode(refs.into_iter()).unwrap();
    assert_eq!(unpacked(&again), unpacked(&packed));
    // One byte less, or of another format, is no table.
    for broken in [&packed[..packed.len() - 1], &packed[1..], b""] {
        let error = BaseTable::decode(broken, ObjectFormat::Sha1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
    let error = BaseTable::decode(&packed, ObjectFormat::Sha256).unwrap_err();
    assert!(error.to_string().contains("object format"), "{error}");
}

#[test]
fn a_list_of_packs_aside_is_read_and_written_line_by_line() {
    let manifest = Manifest::decode(&golden("manifest-aside.json")).unwrap();
    let list = manifest.aside.clone().unwrap();
    let packed = golden("aside.zst");
    assert_eq!(
        (hex(&Sha256::digest(&packed)), packed.len() as u64),
        (list.sha256, list.size)
    );
    let packs = aside::decode(&packed, &manifest).unwrap();
    let told: Vec<_> = packs
        .iter()
        .map(|pack| (pack.from, pack.to, pack.source, pack.size, pack.index))
        .collect();
    assert_eq!(
        told,
        [
            (3, 9, PackSource::Merge, 300_000, None),
            (9, 20, PackSource::Merge, 1_200_000, Some(4000)),
            (19, 20, PackSource::Push, 700, None),
        ]
    );
    assert_eq!((packs.len() as u64, packs[1].to), (list.count, list.to));
    assert_eq!(packs[2].unknown["x-colour"], "blue");
    let again = aside::encode(&packs).unwrap();
    assert_eq!(unpacked(&again), unpacked(&packed));
    // What the manifest itself could not name.
    let mut older = manifest;
    older.generation = 19;
    let error = aside::decode(&packed, &older).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let twice = [&packs[..], &packs[..1]].concat();
    older.generation = 22;
    let twice = aside::encode(&twice).unwrap();
    let error = aside::decode(&twice, &older).unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
}

#[test]
fn a_log_segment_is_read_and_written_line_by_line() {
    let packed = golden("log-segment.zst");
    let entries = log::decode(&packed).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].generation, entries[1].generation), (31, 40));
    assert_eq!(entries[1].options, ["ci.skip", "reviewer=Zoë"]);
    assert_eq!(entries[1].unknown["x-seen"], true);
    assert_eq!(unpacked(&log::encode(&entries).unwrap()), unpacked(&packed));
    assert_eq!(
        log::decode(&packed[..packed.len() / 2]).unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}

#[test]
fn a_moves_file_is_read_and_written_line_by_line() {
    let packed = golden("moves.zst");
    let moves = log::decode_moves(&packed).unwrap();
    let one = |bytes: &[u8], old, new| RefMove {
        name: name(bytes),
        old,
        new,
    };
    assert_eq!(
        moves,
        [
            one(b"refs/heads/caf\xe9", Some(oid('b')), None),
            one(b"refs/heads/main", Some(oid('b')), Some(oid('c'))),
            one(b"refs/tags/100%", None, Some(oid('d'))),
        ]
    );
    assert_eq!(
        unpacked(&log::encode_moves(&moves).unwrap()),
        unpacked(&packed)
    );
}

fn unpacked(packed: &[u8]) -> String {
    String::from_utf8(zstd::bulk::decompress(packed, 1 << 20).unwrap()).unwrap()
}

#[test]
fn each_damage_is_refused_with_its_kind_and_its_reason() {
    use ErrorKind::{Corrupt, Unsupported};
    let cases = [
        ("empty", Corrupt, "cut short"),
        ("truncated", Corrupt, "cut short"),
        ("not-json", Corrupt, "no manifest"),
        ("newer-version", Unsupported, "version 2"),
        ("unknown-required-feature", Unsupported, "'split-packs'"),
        ("unknown-object-format", Unsupported, "'sha3'"),
        ("unknown-holds", Unsupported, "'tags'"),
        ("unknown-source", Unsupported, "'import'"),
        ("missing-field", Corrupt, "`epoch`"),
        ("wrong-type", Corrupt, "string"),
        ("negative-size", Corrupt, "-300"),
        ("generation-zero", Corrupt, "'generation' is 0"),
        ("climbing-pack-name", Corrupt, "no checksum"),
        ("short-pack-name", Corrupt, "no checksum"),
        ("upper-case-pack-name", Corrupt, "no checksum"),
        ("duplicate-pack", Corrupt, "twice"),
        ("interval-backwards", Corrupt, "(1, 1]"),
        ("interval-beyond-the-generation", Corrupt, "(0, 2]"),
        ("climbing-table-id", Corrupt, "base table"),
        ("table-hash-too-short", Corrupt, "base table"),
        ("climbing-segment-id", Corrupt, "segment"),
        ("segments-out-of-order", Corrupt, "30-40"),
        ("climbing-moves-id", Corrupt, "moves file"),
        ("log-out-of-order", Corrupt, "generation 42"),
        ("log-beyond-the-generation", Corrupt, "generation 46"),
        ("ref-name-climbing", Corrupt, "no ref name"),
        ("ref-name-without-refs", Corrupt, "no ref name"),
        ("ref-name-with-a-control-character", Corrupt, "no ref name"),
        ("climbing-aside-id", Corrupt, "'aside' is not hex"),
        ("aside-beyond-the-generation", Corrupt, "out of bounds"),
        ("ref-name-badly-encoded", Corrupt, "no encoded name"),
        ("id-too-short", Corrupt, "no"),
        ("id-null", Corrupt, "not one of sha1"),
        ("id-of-another-format", Corrupt, "not one of sha1"),
        ("deleted-without-a-table", Corrupt, "no base table"),
        ("head-is-a-tag", Corrupt, "no branch"),
        ("repository-too-short", Corrupt, "'repository'"),
        ("write-id-not-hex", Corrupt, "'write_id'"),
    ];
    for (file, kind, word) in cases {
        let error = match Manifest::decode(&golden(&format!("bad/{file}.json"))) {
            Ok(_) => panic!("{file} was accepted"),
            Err(error) => error,
        };
        assert_eq!(error.kind(), kind, "{file}: {error}");
        assert!(error.to_string().contains(word), "{file}: {error}");
    }
    let files = path("bad").read_dir().unwrap().count();
    assert_eq!(files, cases.len(), "a file that no case names");
}

#[test]
fn nothing_is_written_that_could_not_be_read() {
    let mut manifest = Manifest::decode(&golden("manifest-push.json")).unwrap();
    manifest.packs[0].to = 9;
    let error = manifest.encode().unwrap_err();
    assert!(error.to_string().contains("refusing to write"), "{error}");
}

#[test]
fn the_worked_example_of_the_document_is_the_golden_one() {
    let text = document();
    let example = text.split("## Worked example").nth(1).unwrap();
    let block = example
        .split("```json\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_str(block).unwrap();
    let stored: serde_json::Value =
        serde_json::from_slice(&golden("manifest-example.json")).unwrap();
    assert_eq!(shown, stored);
    // Lines of `od -A d -t x1`: an offset, then bytes.
    let dump = example
        .split("```text\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let pack = golden("example.pack");
    let mut end = 0;
    for line in dump.lines() {
        let mut words = line.split_whitespace();
        let offset: usize = words.next().unwrap().parse().unwrap();
        let bytes: Vec<_> = words
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect();
        assert_eq!(
            hex(&pack[offset..offset + bytes.len()]),
            hex(&bytes),
            "at {offset}"
        );
        end = offset + bytes.len();
    }
    assert_eq!(end, pack.len());
}

#[test]
fn the_pack_of_the_example_carries_its_salt_and_its_name() {
    let manifest = Manifest::decode(&golden("manifest-example.json")).unwrap();
    let bytes = golden("example.pack");
    let entry = &manifest.packs[0];
    assert_eq!(entry.size, bytes.len() as u64);
    assert_eq!(
        pack::parse_header(&bytes).map(u64::from),
        Some(entry.objects)
    );
    let (body, trailer) = bytes.split_at(bytes.len() - 20);
    assert_eq!(hex(&Sha1::digest(body)), entry.name);
    assert_eq!(hex(trailer), entry.name);
    // The blob at byte 185: one byte of opening, two of zlib header, sixteen empty blocks.
    let start = 185 + pack::stream_start(&bytes[185..], ObjectFormat::Sha1).unwrap() + 2;
    for block in bytes[start..start + 80].chunks(5) {
        assert_eq!((block[0] & 7, &block[1..]), (0, &[0, 0, 0xff, 0xff][..]));
    }
}
