//! Writes without rivals: conditions, overwriting, deletion.

use super::{bytes, key, listed, promise, put, text, write};
use pail::store::{Precondition, Put, Store};
use std::sync::Arc;

pub(super) async fn all(make: &impl Fn() -> Arc<dyn Store>) {
    plain(make).await;
    absent_writes_once(&*make()).await;
    unchanged_writes_over_that_version_only(&*make()).await;
    a_deleted_file_has_no_version(&*make()).await;
}

/// Without conditions.
pub(super) async fn plain(make: &impl Fn() -> Arc<dyn Store>) {
    a_write_replaces_the_whole_file(&*make()).await;
    what_was_deleted_is_absent(&*make()).await;
    readers_see_all_of_a_write_or_none(make()).await;
}

async fn a_write_replaces_the_whole_file(store: &dyn Store) {
    promise("a write replaces the whole file, at once for every reader");
    for body in ["long enough to be cut", "short", "", "and longer again"] {
        write(store, "f", bytes(body)).await;
        assert_eq!(text(store, "f").await.as_deref(), Some(body));
        assert_eq!(listed(store, "", None).await, ["f"]);
    }
}

async fn absent_writes_once(store: &dyn Store) {
    promise("a write of what must be absent happens once");
    let first = put(store, "f", bytes("one"), Precondition::Absent).await;
    assert!(matches!(first, Put::Written(_)), "{first:?}");
    let second = put(store, "f", bytes("two"), Precondition::Absent).await;
    assert_eq!(second, Put::Lost);
    let same = put(store, "f", bytes("one"), Precondition::Absent).await;
    assert_eq!(same, Put::Lost, "the same bytes are still a second write");
    assert_eq!(text(store, "f").await.as_deref(), Some("one"));
    let deep = put(store, "a/b/f", bytes("x"), Precondition::Absent).await;
    assert!(matches!(deep, Put::Written(_)), "{deep:?}");
}

async fn unchanged_writes_over_that_version_only(store: &dyn Store) {
    promise("a write over a version happens over that version only");
    let first = write(store, "f", bytes("one")).await;
    let missing = put(store, "g", bytes("x"), Precondition::Unchanged(&first)).await;
    assert_eq!(missing, Put::Lost, "no such file");
    assert_eq!(text(store, "g").await, None);
    let won = put(store, "f", bytes("two"), Precondition::Unchanged(&first)).await;
    let Put::Written(second) = won else {
        panic!("nobody else wrote, and yet: {won:?}");
    };
    assert_ne!(first, second);
    let stale = put(store, "f", bytes("three"), Precondition::Unchanged(&first)).await;
    assert_eq!(stale, Put::Lost);
    assert_eq!(text(store, "f").await.as_deref(), Some("two"));
    let head = store.head(&key("f")).await;
    let head = head.unwrap_or_else(|error| panic!("head: {error}"));
    let version = head.expect("it is there").version;
    let next = put(store, "f", bytes("four"), Precondition::Unchanged(&version)).await;
    assert!(
        matches!(next, Put::Written(_)),
        "a version that `head` told"
    );
    assert_eq!(text(store, "f").await.as_deref(), Some("four"));
}

async fn what_was_deleted_is_absent(store: &dyn Store) {
    promise("what was deleted is absent");
    let gone = || async {
        let deleted = store.delete(&key("d/f")).await;
        deleted.unwrap_or_else(|error| panic!("delete: {error}"));
    };
    gone().await;
    write(store, "d/f", bytes("one")).await;
    write(store, "d/g", bytes("stays")).await;
    gone().await;
    gone().await;
    assert_eq!(text(store, "d/f").await, None);
    assert_eq!(listed(store, "", None).await, ["d/g"]);
}

async fn a_deleted_file_has_no_version(store: &dyn Store) {
    promise("no version of a deleted file can be written over");
    let old = write(store, "d/f", bytes("one")).await;
    let deleted = store.delete(&key("d/f")).await;
    deleted.unwrap_or_else(|error| panic!("delete: {error}"));
    let stale = put(store, "d/f", bytes("two"), Precondition::Unchanged(&old)).await;
    assert_eq!(stale, Put::Lost);
    let new = put(store, "d/f", bytes("three"), Precondition::Absent).await;
    assert!(matches!(new, Put::Written(_)), "{new:?}");
    let stale = put(store, "d/f", bytes("four"), Precondition::Unchanged(&old)).await;
    assert_eq!(stale, Put::Lost, "the version of a deleted file");
    assert_eq!(text(store, "d/f").await.as_deref(), Some("three"));
}

async fn readers_see_all_of_a_write_or_none(store: Arc<dyn Store>) {
    promise("readers see all of a write or none of it");
    const SIZE: usize = 300 * 1024;
    let whole = |letter: u8| vec![letter; SIZE + usize::from(letter)];
    write(&*store, "f", whole(b'a')).await;
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for letter in b'b'..=b'z' {
                write(&*store, "f", whole(letter)).await;
            }
        })
    };
    let mut last = 0;
    loop {
        let done = writer.is_finished();
        let (content, _) = super::read(&*store, "f").await.expect("never absent");
        let letter = content.first().copied().unwrap_or(0);
        assert!(content == whole(letter), "a torn read after '{letter}'");
        assert!(letter >= last, "'{letter}' was read after '{last}'");
        last = letter;
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer met no error");
    assert_eq!(last, b'z', "the last write was acknowledged and not read");
}
