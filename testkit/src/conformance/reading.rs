//! What is read is what was written.

use super::{bytes, drain, get, key, promise, read, text, write};
use pail::ErrorKind;
use pail::store::{Got, Store, Want};
use std::ops::Range;
use std::sync::Arc;

pub(super) async fn all(make: &impl Fn() -> Arc<dyn Store>) {
    what_is_not_there_is_an_answer(&*make()).await;
    a_file_is_read_back(&*make()).await;
    a_large_body_comes_whole_and_in_order(&*make()).await;
    ranges_are_cut_at_the_end(&*make()).await;
    a_known_version_is_not_sent_again(&*make()).await;
    strange_keys_are_keys(&*make()).await;
}

async fn what_is_not_there_is_an_answer(store: &dyn Store) {
    promise("what is not there is an answer");
    for name in ["missing", "no/such/folder", "missing/too"] {
        let head = store.head(&key(name)).await;
        assert!(matches!(head, Ok(None)), "head of {name}: {head:?}");
        let got = get(store, name, Want::all()).await;
        assert!(matches!(got, Got::Missing), "get of {name}: {got:?}");
        let got = get(store, name, Want::range(0..1)).await;
        assert!(matches!(got, Got::Missing), "range of {name}: {got:?}");
    }
}

async fn a_file_is_read_back(store: &dyn Store) {
    promise("a file is read back, with its size and version");
    for (name, body) in [("one", "hello"), ("a/b/c", "deeper"), ("empty", "")] {
        let version = write(store, name, bytes(body)).await;
        let head = store.head(&key(name)).await;
        let head = head.unwrap_or_else(|error| panic!("head of {name}: {error}"));
        let head = head.unwrap_or_else(|| panic!("{name} was written and is not there"));
        assert_eq!(head.size, body.len() as u64, "size of {name}");
        assert_eq!(head.version, version, "head tells the version of the write");
        let (content, read_version) = read(store, name).await.expect("it was written");
        assert_eq!(content, body.as_bytes());
        assert_eq!(read_version, version, "get tells the version of the write");
    }
}

async fn a_large_body_comes_whole_and_in_order(store: &dyn Store) {
    promise("a large body comes whole and in order");
    // Odd, and more than the chunk of any adapter.
    let body = crate::seed::Chance::new(7).bytes(3 * 1024 * 1024 + 17);
    let version = write(store, "large", body.clone()).await;
    let (content, read_version) = read(store, "large").await.expect("it was written");
    assert!(content == body, "{} of {} bytes", content.len(), body.len());
    assert_eq!(version, read_version);
    let middle = 1024 * 1024 - 3..2 * 1024 * 1024 + 5;
    let (at, end) = (middle.start as usize, middle.end as usize);
    let got = range(store, "large", middle).await.expect("a good range");
    assert!(got == body[at..end], "a range of {} bytes", got.len());
}

async fn ranges_are_cut_at_the_end(store: &dyn Store) {
    promise("ranges are cut at the end of the file");
    write(store, "f", bytes("0123456789")).await;
    for (want, expected) in [
        (0..10, "0123456789"),
        (0..1, "0"),
        (3..7, "3456"),
        (9..10, "9"),
        (7..1000, "789"),
        (0..u64::from(u32::MAX) * 4, "0123456789"),
    ] {
        let got = range(store, "f", want.clone()).await;
        assert_eq!(got.as_deref(), Some(expected.as_bytes()), "{want:?}");
    }
    for past in [10..11, 1000..2000] {
        let got = range(store, "f", past.clone()).await;
        assert!(got.is_none_or(|bytes| bytes.is_empty()), "{past:?}");
    }
}

/// The bytes of a range, or nothing if it was refused as one past the end may be.
async fn range(store: &dyn Store, name: &str, want: Range<u64>) -> Option<Vec<u8>> {
    match store.get(&key(name), Want::range(want.clone())).await {
        Ok(Got::Found(body)) => {
            let whole = store.head(&key(name)).await;
            let whole = whole.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(Some(&body.info), whole.as_ref(), "info of the whole file");
            Some(drain(name, body).await)
        }
        Err(error) if error.kind() == ErrorKind::Invalid => None,
        other => panic!("{want:?} of {name}: {other:?}"),
    }
}

async fn a_known_version_is_not_sent_again(store: &dyn Store) {
    promise("a known version is not sent again");
    let unless = |version| Want {
        range: None,
        unless: Some(version),
    };
    let first = write(store, "f", bytes("one")).await;
    let got = get(store, "f", unless(first.clone())).await;
    assert!(matches!(got, Got::NotModified), "{got:?}");
    let second = write(store, "f", bytes("two")).await;
    match get(store, "f", unless(first.clone())).await {
        Got::Found(body) => {
            assert_eq!(body.info.version, second);
            assert_eq!(drain("f", body).await, b"two");
        }
        other => panic!("the file has changed, and yet: {other:?}"),
    }
    let deleted = store.delete(&key("f")).await;
    deleted.unwrap_or_else(|error| panic!("delete: {error}"));
    let got = get(store, "f", unless(second)).await;
    assert!(matches!(got, Got::Missing), "{got:?}");
}

async fn strange_keys_are_keys(store: &dyn Store) {
    promise("keys may hold spaces, other scripts and signs that URLs use");
    let names = [
        "a b/c d",
        "plus+and%20percent%",
        "query?x=1&y=2#z",
        "quotes'\"`",
        "<brackets>[]{}|^~",
        "umlaut-ä-ß",
        "日本語/ファイル",
        "🪣",
        ":;,@!$&'()*",
        "...dots/..x/x..",
        ".hidden",
    ];
    for name in names {
        write(store, name, bytes(name)).await;
    }
    for name in names {
        assert_eq!(text(store, name).await.as_deref(), Some(name));
    }
    let mut sorted = names.map(str::to_owned);
    sorted.sort();
    assert_eq!(super::listed(store, "", None).await, sorted);
    for name in names {
        let deleted = store.delete(&key(name)).await;
        deleted.unwrap_or_else(|error| panic!("delete {name}: {error}"));
        assert_eq!(text(store, name).await, None, "{name} was deleted");
    }
}
