use super::*;

fn oid(n: u64) -> ObjectId {
    ObjectId::from_hex(format!("{n:040x}").as_bytes()).unwrap()
}

fn name(text: &str) -> RefName {
    RefName::new(text).unwrap()
}

fn table(count: u64) -> BaseTable {
    let refs = (0..count).map(|n| {
        let peeled = (n % 3 == 0).then(|| oid(n + 1_000_000));
        (
            name(&format!("refs/tags/v{n:06}")),
            RefValue {
                oid: oid(n + 1),
                peeled,
            },
        )
    });
    let (_, packed) = BaseTable::encode(refs).unwrap();
    BaseTable::decode(&packed, ObjectFormat::Sha1).unwrap()
}

#[test]
fn every_ref_of_a_table_is_found_and_no_other() {
    for count in [0, 1, 2, 3, 10, 1000] {
        let table = table(count);
        assert_eq!(table.count(), count);
        for n in 0..count {
            let value = table.get(format!("refs/tags/v{n:06}").as_bytes()).unwrap();
            assert_eq!(
                (value.oid, value.peeled.is_some()),
                (oid(n + 1), n % 3 == 0)
            );
        }
        for absent in [
            "refs/heads/a",
            "refs/tags/v0000005",
            "refs/tags/v",
            "refs/tags/w",
            "refs/z",
        ] {
            assert_eq!(table.get(absent.as_bytes()), None, "{absent} in {count}");
        }
    }
}

#[test]
fn git_reads_the_form_of_a_table() {
    // What `git pack-refs --all` writes for a branch and an annotated tag.
    let text = format!(
        "{}{} refs/heads/main\n{} refs/tags/v1\n^{}\n",
        String::from_utf8_lossy(HEADER),
        oid(1),
        oid(2),
        oid(1)
    );
    let packed = zstd::bulk::compress(text.as_bytes(), 3).unwrap();
    let table = BaseTable::decode(&packed, ObjectFormat::Sha1).unwrap();
    assert_eq!(
        table.get(b"refs/tags/v1"),
        Some(RefValue {
            oid: oid(2),
            peeled: Some(oid(1))
        })
    );
    let (_, written) =
        BaseTable::encode(table.iter_from(b"").map(|(n, v)| (RefName::trusted(n), v))).unwrap();
    assert_eq!(
        zstd::bulk::decompress(&written, 10_000).unwrap(),
        text.as_bytes()
    );
}

#[test]
fn a_broken_table_is_refused() {
    let line = format!("{} refs/heads/b\n", oid(1));
    for text in [
        format!("{line}{} refs/heads/a\n", oid(2)),
        format!("{line}{line}"),
        format!("{} refs/heads/a..b\n", oid(2)),
        format!("{} refs/heads/cut", oid(2)),
        "zz refs/heads/a\n".to_owned(),
        format!("{} refs/heads/a\n^xyz\n", oid(2)),
    ] {
        let packed = zstd::bulk::compress(text.as_bytes(), 3).unwrap();
        assert!(
            BaseTable::decode(&packed, ObjectFormat::Sha1).is_err(),
            "{text}"
        );
    }
    assert!(BaseTable::decode(b"not zstd", ObjectFormat::Sha1).is_err());
}

#[test]
fn updates_lie_over_the_base() {
    let mut refs = RefTable {
        base: table(10),
        updates: Updates::new(),
    };
    refs.updates.insert(name("refs/tags/v000003"), None);
    refs.updates
        .insert(name("refs/tags/v000004"), Some(RefValue::plain(oid(77))));
    refs.updates
        .insert(name("refs/heads/main"), Some(RefValue::plain(oid(78))));
    refs.updates
        .insert(name("refs/zzz"), Some(RefValue::plain(oid(79))));
    let all: Vec<_> = refs.iter().map(|(n, v)| (n.to_string(), v.oid)).collect();
    assert_eq!(all.len(), 11);
    assert_eq!(refs.count(), 11);
    assert_eq!(all[0], ("refs/heads/main".to_owned(), oid(78)));
    assert!(all.is_sorted());
    assert!(!all.iter().any(|(n, _)| n == "refs/tags/v000003"));
    assert_eq!(refs.get(&name("refs/tags/v000004")).unwrap().oid, oid(77));
    assert_eq!(refs.updates_over(&refs.base), refs.updates);
    let whole = refs.updates_over(&BaseTable::default());
    assert_eq!(whole.len(), 11);
}

#[test]
fn a_ref_and_a_folder_of_its_name_conflict() {
    let mut refs = RefTable::default();
    refs.updates
        .insert(name("refs/heads/a/b"), Some(RefValue::plain(oid(1))));
    assert_eq!(
        refs.conflict(&name("refs/heads/a")),
        Some(name("refs/heads/a/b"))
    );
    assert_eq!(
        refs.conflict(&name("refs/heads/a/b/c")),
        Some(name("refs/heads/a/b"))
    );
    assert_eq!(refs.conflict(&name("refs/heads/a-b")), None);
    assert_eq!(refs.conflict(&name("refs/heads/a/c")), None);
}
