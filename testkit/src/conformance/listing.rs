//! Listings: all of it, once, in order.

use super::deleting::delete;
use super::{bytes, listed, promise, write};
use futures_util::{StreamExt, TryStreamExt, stream};
use pail::store::Store;
use std::sync::Arc;

/// More than one page of any service.
const MANY: usize = 1050;

/// How many files are written at once.
const PARALLEL: usize = 16;

pub(super) async fn all(make: &impl Fn() -> Arc<dyn Store>) {
    an_empty_bucket_lists_nothing(&*make()).await;
    a_prefix_is_text(&*make()).await;
    if make().capabilities().ordered {
        keys_come_in_the_order_of_their_bytes(&*make()).await;
    }
    every_page_is_listed(&*make()).await;
    other_bytes_are_another_state(&*make()).await;
}

async fn an_empty_bucket_lists_nothing(store: &dyn Store) {
    promise("an empty bucket lists nothing");
    assert!(listed(store, "", None).await.is_empty());
    assert!(listed(store, "a/", Some("a/b")).await.is_empty());
}

async fn a_prefix_is_text(store: &dyn Store) {
    promise("a prefix is text, and every file below it comes once");
    let all = ["a-b", "a.b", "a/b", "a/c/d", "a0", "ab", "b/a", "é"];
    for name in all {
        write(store, name, bytes(name)).await;
    }
    for prefix in ["", "a", "a/", "a/c", "a/c/d", "a/c/d/", "nothing", "é"] {
        let mut found = listed(store, prefix, None).await;
        found.sort();
        let below = all.iter().filter(|name| name.starts_with(prefix));
        assert_eq!(
            found,
            below.copied().collect::<Vec<_>>(),
            "below '{prefix}'"
        );
    }
}

async fn keys_come_in_the_order_of_their_bytes(store: &dyn Store) {
    promise("keys come in the order of their bytes");
    // In order: '-' and '.' stand before '/', which stands before the digits.
    let all = [
        "A", "a-b", "a.b", "a/b", "a/c/d", "a0", "ab", "b/a", "é", "日",
    ];
    for name in all.iter().rev() {
        write(store, name, bytes(name)).await;
    }
    assert_eq!(listed(store, "", None).await, all);
    assert_eq!(listed(store, "a", None).await, &all[1..7]);
    assert_eq!(listed(store, "a/", None).await, ["a/b", "a/c/d"]);
    assert_eq!(listed(store, "a/c", None).await, ["a/c/d"]);
    assert_eq!(listed(store, "a/c/d", None).await, ["a/c/d"]);
    assert!(listed(store, "a/c/d/", None).await.is_empty());
    assert!(listed(store, "nothing", None).await.is_empty());
    for (at, name) in all.iter().enumerate() {
        let rest = listed(store, "", Some(name)).await;
        assert_eq!(rest, &all[at + 1..], "after {name}");
    }
    assert_eq!(listed(store, "a", Some("a/b")).await, &all[4..7]);
    assert_eq!(listed(store, "a", Some("a/bb")).await, &all[4..7]);
    assert_eq!(listed(store, "a", Some("a/")).await, &all[3..7]);
    assert_eq!(listed(store, "b", Some("a")).await, ["b/a"]);
    assert!(listed(store, "a", Some("b")).await.is_empty());
    let files: Vec<_> = store
        .list("a/c", None)
        .try_collect()
        .await
        .unwrap_or_else(|error| panic!("list: {error}"));
    assert_eq!(files[0].size, "a/c/d".len() as u64);
}

async fn every_page_is_listed(store: &dyn Store) {
    promise("every file of a long listing comes once, and at once");
    let names: Vec<String> = (0..MANY).map(|n| format!("d{}/f{n:05}", n / 400)).collect();
    stream::iter(&names)
        .map(|name| async move {
            write(store, name, bytes("x")).await;
        })
        .buffer_unordered(PARALLEL)
        .collect::<Vec<()>>()
        .await;
    assert_eq!(listed(store, "", None).await, names);
    assert_eq!(listed(store, "", Some(&names[1020])).await, &names[1021..]);
    assert_eq!(
        listed(store, "d1/", Some(&names[500])).await,
        &names[501..800]
    );
    delete(store, &names[..20]).await;
    assert_eq!(listed(store, "", None).await, &names[20..]);
    delete(store, &names[20..]).await;
    assert!(listed(store, "", None).await.is_empty());
}

async fn other_bytes_are_another_state(store: &dyn Store) {
    promise("a listing that tells states apart tells a file of as many other bytes");
    let state = async || {
        let files: Vec<_> = store.list("f", None).try_collect().await?;
        Ok::<_, pail::Error>(files[0].state.clone())
    };
    let state = async || {
        state()
            .await
            .unwrap_or_else(|error| panic!("list: {error}"))
    };
    write(store, "f", bytes("one")).await;
    let first = state().await;
    assert_eq!(state().await, first);
    write(store, "f", bytes("two")).await;
    let second = state().await;
    assert_eq!(second.is_some(), first.is_some());
    assert!(second.is_none() || second != first, "{second:?}");
}
