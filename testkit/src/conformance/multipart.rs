//! Large files in parts.

use super::{bytes, key, listed, promise, read, text, write};
use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use pail::ErrorKind;
use pail::store::{Resumed, Store, Unfinished, Upload};
use std::sync::Arc;

pub(super) async fn all(make: &impl Fn() -> Arc<dyn Store>) {
    parts_may_come_in_any_order(&*make()).await;
    parts_may_come_at_the_same_time(&*make()).await;
    one_part_is_enough(&*make()).await;
    nothing_is_seen_before_the_end(&*make()).await;
    an_aborted_upload_leaves_nothing(&*make()).await;
    if make().capabilities().uploads_apart {
        of_two_uploads_the_later_end_stands(&*make()).await;
    } else {
        of_two_uploads_one_stands_whole(&*make()).await;
    }
    if begin(&*make(), "f").await.token().is_some() {
        a_dropped_upload_is_taken_up_again(&*make()).await;
        a_part_that_comes_again_replaces_the_first(&*make()).await;
        an_upload_that_has_ended_is_not_taken_up(&*make()).await;
        unfinished_uploads_are_listed_and_thrown_away(&*make()).await;
    }
    nothing_unfinished_is_no_error(&*make()).await;
}

/// A body of three whole parts and a shorter one, and its parts.
fn body(store: &dyn Store, seed: u64) -> (Vec<u8>, Vec<Bytes>) {
    let part = usize::try_from(store.capabilities().min_part).expect("parts fit into memory");
    // Not a round number, where the bucket leaves us free.
    let part = part.max(70_001);
    let whole = crate::seed::Chance::new(seed).bytes(3 * part + 1234);
    let parts = whole.chunks(part).map(Bytes::copy_from_slice).collect();
    (whole, parts)
}

async fn begin(store: &dyn Store, name: &str) -> Box<dyn Upload> {
    let upload = store.begin(&key(name)).await;
    upload.unwrap_or_else(|error| panic!("begin {name}: {error}"))
}

async fn part(upload: &dyn Upload, number: usize, body: &Bytes) {
    let written = upload.part(number as u32, body.clone()).await;
    written.unwrap_or_else(|error| panic!("part {number}: {error}"));
}

async fn complete(upload: &dyn Upload) {
    let done = upload.complete().await;
    done.unwrap_or_else(|error| panic!("complete: {error}"));
}

async fn expect(store: &dyn Store, name: &str, whole: &[u8]) {
    let (content, version) = read(store, name).await.expect("it was completed");
    assert!(content == whole, "{name}: {} bytes", content.len());
    let head = store.head(&key(name)).await;
    let head = head.unwrap_or_else(|error| panic!("head: {error}"));
    let head = head.expect("it was completed");
    assert_eq!(head.size, whole.len() as u64);
    assert_eq!(head.version, version);
}

async fn parts_may_come_in_any_order(store: &dyn Store) {
    promise("parts may come in any order");
    for (seed, order) in [[0, 1, 2, 3], [3, 2, 1, 0], [3, 0, 2, 1], [2, 3, 0, 1]]
        .iter()
        .enumerate()
    {
        let (whole, parts) = body(store, seed as u64);
        let name = format!("d/f{seed}");
        let upload = begin(store, &name).await;
        for &number in order {
            part(&*upload, number, &parts[number]).await;
        }
        complete(&*upload).await;
        expect(store, &name, &whole).await;
    }
}

async fn parts_may_come_at_the_same_time(store: &dyn Store) {
    promise("parts may come at the same time");
    let (whole, parts) = body(store, 5);
    let upload = begin(store, "f").await;
    let numbered = parts.iter().enumerate().rev();
    join_all(numbered.map(|(number, body)| part(&*upload, number, body))).await;
    complete(&*upload).await;
    expect(store, "f", &whole).await;
}

async fn one_part_is_enough(store: &dyn Store) {
    promise("one part is enough, and may be small");
    let upload = begin(store, "f").await;
    part(&*upload, 0, &bytes("tiny")).await;
    complete(&*upload).await;
    expect(store, "f", b"tiny").await;
}

async fn nothing_is_seen_before_the_end(store: &dyn Store) {
    promise("nothing is seen of an upload before it is complete");
    write(store, "old", bytes("before")).await;
    let (whole, parts) = body(store, 6);
    for name in ["new", "old"] {
        let before = text(store, name).await;
        let upload = begin(store, name).await;
        for (number, body) in parts.iter().enumerate() {
            part(&*upload, number, body).await;
            assert_eq!(text(store, name).await, before);
        }
        assert_eq!(
            listed(store, name, None).await.len(),
            usize::from(before.is_some())
        );
        complete(&*upload).await;
        expect(store, name, &whole).await;
    }
    assert_eq!(listed(store, "", None).await, ["new", "old"]);
}

async fn an_aborted_upload_leaves_nothing(store: &dyn Store) {
    promise("an upload that is aborted or dropped leaves nothing to see");
    let (_, parts) = body(store, 7);
    let upload = begin(store, "aborted").await;
    part(&*upload, 0, &parts[0]).await;
    part(&*upload, 1, &parts[1]).await;
    let aborted = upload.abort().await;
    aborted.unwrap_or_else(|error| panic!("abort: {error}"));
    let upload = begin(store, "dropped").await;
    part(&*upload, 0, &parts[0]).await;
    drop(upload);
    let upload = begin(store, "empty").await;
    let aborted = upload.abort().await;
    aborted.unwrap_or_else(|error| panic!("abort of nothing: {error}"));
    assert!(listed(store, "", None).await.is_empty());
    assert_eq!(text(store, "aborted").await, None);
}

async fn of_two_uploads_the_later_end_stands(store: &dyn Store) {
    promise("of two uploads of one key, the one that ends later stands, whole");
    let (first_whole, first_parts) = body(store, 8);
    let (second_whole, second_parts) = body(store, 9);
    let first = begin(store, "f").await;
    let second = begin(store, "f").await;
    for number in 0..first_parts.len() {
        part(&*first, number, &first_parts[number]).await;
        part(&*second, number, &second_parts[number]).await;
    }
    complete(&*second).await;
    expect(store, "f", &second_whole).await;
    complete(&*first).await;
    expect(store, "f", &first_whole).await;
}

async fn of_two_uploads_one_stands_whole(store: &dyn Store) {
    promise(
        "of two uploads of one key, the one that ends first stands, whole, and the other fails",
    );
    let (first_whole, first_parts) = body(store, 8);
    let (_, second_parts) = body(store, 9);
    let first = begin(store, "f").await;
    let second = begin(store, "f").await;
    for number in 0..first_parts.len() {
        part(&*second, number, &second_parts[number]).await;
        part(&*first, number, &first_parts[number]).await;
    }
    complete(&*first).await;
    expect(store, "f", &first_whole).await;
    let late = second.complete().await;
    let late = late.expect_err("its parts have gone");
    assert_eq!(late.kind(), ErrorKind::Missing, "{late}");
    expect(store, "f", &first_whole).await;
}

fn token(upload: &dyn Upload) -> String {
    let token = upload.token().expect("every upload has one, or none");
    assert!(!token.chars().any(char::is_control), "{token:?}");
    token.to_owned()
}

async fn resume(store: &dyn Store, name: &str, token: &str) -> Option<Resumed> {
    let found = store.resume(&key(name), token).await;
    found.unwrap_or_else(|error| panic!("resume {name}: {error}"))
}

async fn unfinished(store: &dyn Store, prefix: &str) -> Vec<Unfinished> {
    let found: Result<Vec<_>, _> = store.unfinished(prefix).try_collect().await;
    found.unwrap_or_else(|error| panic!("unfinished '{prefix}': {error}"))
}

async fn a_dropped_upload_is_taken_up_again(store: &dyn Store) {
    promise("an upload that was dropped is taken up again, with the parts that are there");
    let (whole, parts) = body(store, 10);
    let upload = begin(store, "d/f").await;
    for number in [2, 0] {
        part(&*upload, number, &parts[number]).await;
    }
    let token = token(&*upload);
    drop(upload);
    let taken = resume(store, "d/f", &token).await.expect("it is there");
    let there: Vec<_> = taken.parts.into_iter().collect();
    let size = parts[0].len() as u64;
    assert_eq!(there, [(0, size), (2, size)]);
    assert_eq!(taken.upload.token(), Some(&*token));
    assert!(listed(store, "", None).await.is_empty());
    part(&*taken.upload, 3, &parts[3]).await;
    drop(taken.upload);
    let taken = resume(store, "d/f", &token).await.expect("it is there");
    assert_eq!(taken.parts.len(), 3);
    part(&*taken.upload, 1, &parts[1]).await;
    complete(&*taken.upload).await;
    expect(store, "d/f", &whole).await;
}

async fn a_part_that_comes_again_replaces_the_first(store: &dyn Store) {
    promise("a part that comes again, in another process, replaces the first");
    let (whole, parts) = body(store, 11);
    let upload = begin(store, "f").await;
    for wrong in [3, 2, 1, 0] {
        part(&*upload, wrong, &parts[0]).await;
    }
    let token = token(&*upload);
    drop(upload);
    let taken = resume(store, "f", &token).await.expect("it is there");
    for (number, body) in parts.iter().enumerate().skip(1) {
        part(&*taken.upload, number, body).await;
    }
    complete(&*taken.upload).await;
    expect(store, "f", &whole).await;
}

async fn an_upload_that_has_ended_is_not_taken_up(store: &dyn Store) {
    promise("an upload that has ended is not taken up");
    let upload = begin(store, "f").await;
    part(&*upload, 0, &bytes("tiny")).await;
    let completed = token(&*upload);
    complete(&*upload).await;
    assert!(resume(store, "f", &completed).await.is_none());
    let upload = begin(store, "f").await;
    part(&*upload, 0, &bytes("gone")).await;
    let aborted = token(&*upload);
    let done = upload.abort().await;
    done.unwrap_or_else(|error| panic!("abort: {error}"));
    assert!(resume(store, "f", &aborted).await.is_none());
    assert!(resume(store, "never", &aborted).await.is_none());
    expect(store, "f", b"tiny").await;
}

async fn unfinished_uploads_are_listed_and_thrown_away(store: &dyn Store) {
    promise("unfinished uploads are listed by prefix, and thrown away by name");
    write(store, "a/finished", bytes("x")).await;
    let mut begun = Vec::new();
    for name in ["a/b", "a/c", "ab", "b/a"] {
        let upload = begin(store, name).await;
        part(&*upload, 0, &bytes("part")).await;
        begun.push((name.to_owned(), token(&*upload)));
    }
    for (prefix, count) in [("", 4), ("a", 3), ("a/", 2), ("a/b", 1), ("nothing", 0)] {
        let mut found: Vec<_> = unfinished(store, prefix)
            .await
            .into_iter()
            .map(|found| (found.key, found.token))
            .collect();
        found.sort();
        let below = begun.iter().filter(|(name, _)| name.starts_with(prefix));
        assert_eq!(
            found,
            below.cloned().collect::<Vec<_>>(),
            "below '{prefix}'"
        );
        assert_eq!(found.len(), count);
    }
    let (name, token) = &begun[1];
    // Once more: what is gone counts as thrown away.
    for _ in 0..2 {
        let done = store.abandon(name, token).await;
        done.unwrap_or_else(|error| panic!("abandon {name}: {error}"));
    }
    assert!(resume(store, name, token).await.is_none());
    let left = unfinished(store, "a/").await;
    let left: Vec<_> = left.iter().map(|found| &*found.key).collect();
    assert_eq!(left, ["a/b"]);
    let taken = resume(store, "a/b", &begun[0].1).await;
    let taken = taken.expect("another one was thrown away");
    complete(&*taken.upload).await;
    expect(store, "a/b", b"part").await;
    assert!(unfinished(store, "a/").await.is_empty());
}

async fn nothing_unfinished_is_no_error(store: &dyn Store) {
    promise("where nothing is unfinished, nothing is listed");
    assert!(unfinished(store, "").await.is_empty());
    write(store, "a/b", bytes("x")).await;
    assert!(unfinished(store, "a/").await.is_empty());
}
