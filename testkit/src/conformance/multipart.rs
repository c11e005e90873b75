//! Large files in parts.

use super::{bytes, key, listed, promise, read, text, write};
use bytes::Bytes;
use futures_util::future::join_all;
use pail::store::{Store, Upload};
use std::sync::Arc;

pub(super) async fn all(make: &impl Fn() -> Arc<dyn Store>) {
    parts_may_come_in_any_order(&*make()).await;
    parts_may_come_at_the_same_time(&*make()).await;
    one_part_is_enough(&*make()).await;
    nothing_is_seen_before_the_end(&*make()).await;
    an_aborted_upload_leaves_nothing(&*make()).await;
    of_two_uploads_the_later_end_stands(&*make()).await;
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
