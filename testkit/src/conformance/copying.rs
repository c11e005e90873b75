//! Copies that a service makes by itself.

use super::{bytes, key, promise, read, text, write};
use pail::store::adapter::memory::Memory;
use pail::store::{Copied, Store, Whereabouts};
use std::sync::Arc;

/// Names that an address, a header or a document must spell in some other way.
const ODD: [&str; 4] = ["a b/c+d", "é/日", "100%/a%20b", "q?x=1&y='2'#z"];

pub(super) async fn all(make: &impl Fn() -> Arc<dyn Store>) {
    what_nobody_else_can_read_is_not_copied(&*make()).await;
    if !make().capabilities().copies {
        let found = make().whereabouts(&key("f")).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{error}")), None);
        return;
    }
    a_copy_is_the_same_file_under_another_name(&*make()).await;
    odd_names_are_copied(&*make()).await;
    a_copy_takes_the_place_of_what_is_there(&*make()).await;
    what_is_not_there_is_not_copied(&*make()).await;
    what_has_another_size_is_no_copy(&*make()).await;
}

async fn place(store: &dyn Store, name: &str) -> Whereabouts {
    let found = store.whereabouts(&key(name)).await;
    let found = found.unwrap_or_else(|error| panic!("whereabouts of {name}: {error}"));
    found.expect("a store that copies says where its files lie")
}

async fn copy(store: &dyn Store, from: &Whereabouts, size: usize, to: &str) -> Copied {
    let copied = store.copy(from, size as u64, &key(to)).await;
    copied.unwrap_or_else(|error| panic!("copy to {to}: {error}"))
}

async fn a_copy_is_the_same_file_under_another_name(store: &dyn Store) {
    promise("a copy has the bytes of the other file, which stays");
    for size in [0, 1, 70_001, 1 << 20] {
        let whole = crate::seed::Chance::new(size as u64).bytes(size);
        write(store, "from/f", whole.clone()).await;
        let from = place(store, "from/f").await;
        assert_eq!(copy(store, &from, size, "to/g").await, Copied::Done);
        for name in ["to/g", "from/f"] {
            let (found, version) = read(store, name).await.expect("it is there");
            assert!(found == whole, "{name}: {} bytes of {size}", found.len());
            let head = store.head(&key(name)).await;
            let head = head.unwrap_or_else(|error| panic!("head: {error}"));
            let head = head.expect("it is there");
            assert_eq!((head.size, head.version), (size as u64, version));
        }
    }
}

async fn odd_names_are_copied(store: &dyn Store) {
    promise("names are copied as they are");
    for name in ODD {
        write(store, name, bytes(name)).await;
        let from = place(store, name).await;
        let to = format!("copies/{name}");
        assert_eq!(copy(store, &from, name.len(), &to).await, Copied::Done);
        assert_eq!(text(store, &to).await.as_deref(), Some(name));
    }
}

async fn a_copy_takes_the_place_of_what_is_there(store: &dyn Store) {
    promise("a copy takes the place of what is there");
    write(store, "new", bytes("after")).await;
    let before = write(store, "old", bytes("before")).await;
    let from = place(store, "new").await;
    assert_eq!(copy(store, &from, 5, "old").await, Copied::Done);
    let (found, version) = read(store, "old").await.expect("it is there");
    assert_eq!(found, b"after");
    assert_ne!(version, before);
}

async fn what_is_not_there_is_not_copied(store: &dyn Store) {
    promise("what is not there is not copied, and nothing is lost by trying");
    write(store, "old", bytes("before")).await;
    let from = place(store, "nothing").await;
    assert_eq!(copy(store, &from, 5, "old").await, Copied::NotHere);
    assert_eq!(copy(store, &from, 5, "new").await, Copied::NotHere);
    assert_eq!(text(store, "old").await.as_deref(), Some("before"));
    assert_eq!(text(store, "new").await, None);
}

async fn what_has_another_size_is_no_copy(store: &dyn Store) {
    promise("a copy of another size than was expected does not pass for one");
    write(store, "f", bytes("seven..")).await;
    let from = place(store, "f").await;
    for size in [6, 8] {
        assert_eq!(copy(store, &from, size, "g").await, Copied::NotHere);
    }
}

async fn what_nobody_else_can_read_is_not_copied(store: &dyn Store) {
    promise("what lies at another service is not copied");
    let other = Memory::new();
    write(&other, "f", bytes("there")).await;
    let from = place(&other, "f").await;
    assert_eq!(copy(store, &from, 5, "f").await, Copied::NotHere);
    assert_eq!(text(store, "f").await, None);
}
