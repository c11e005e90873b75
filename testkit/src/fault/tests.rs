use super::{Fault, FaultStore, Rule};
use crate::tap::Verb;
use bytes::Bytes;
use futures_util::TryStreamExt;
use pail::store::adapter::memory::Memory;
use pail::store::{Got, Precondition, Put, Store, Want};
use pail::{Error, ErrorKind, Key, Result};
use std::sync::Arc;

fn key() -> Key {
    Key::new("a/f").unwrap()
}

async fn put(store: &FaultStore, when: Precondition<'_>) -> Result<Put> {
    store
        .put(&key(), Bytes::from_static(b"0123456789"), when)
        .await
}

async fn read(store: &FaultStore) -> Result<Vec<u8>> {
    match store.get(&key(), Want::all()).await? {
        Got::Found(body) => {
            let chunks: Vec<Bytes> = body.bytes.try_collect().await?;
            Ok(chunks.concat())
        }
        other => panic!("{other:?}"),
    }
}

fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().as_ref().map(Error::kind)
}

#[tokio::test]
async fn a_refused_write_is_not_made_and_a_lost_reply_is_of_one_that_was() {
    let memory = Memory::new();
    let store = FaultStore::scripted(
        Arc::new(memory.clone()),
        [
            Rule::throttle(2).verb(Verb::Put),
            Rule::new(Fault::After).verb(Verb::Put).times(2),
        ],
    );
    let unavailable = Some(ErrorKind::Unavailable);
    assert_eq!(kind(put(&store, Precondition::Absent).await), unavailable);
    assert_eq!(kind(put(&store, Precondition::Always).await), unavailable);
    assert!(memory.files().is_empty());
    let lost = put(&store, Precondition::Absent).await;
    assert_eq!(kind(lost), Some(ErrorKind::InDoubt));
    assert_eq!(memory.files().len(), 1);
    assert_eq!(kind(put(&store, Precondition::Always).await), unavailable);
    assert_eq!(put(&store, Precondition::Absent).await.unwrap(), Put::Lost);
    assert_eq!((store.faults(), store.calls().len()), (4, 5));
}

#[tokio::test]
async fn bodies_are_cut_and_bits_turned_over() {
    let store = FaultStore::scripted(Arc::new(Memory::new()), []);
    let _ = put(&store, Precondition::Always).await.unwrap();
    for at in [0, 3, 9] {
        store.rule(Rule::new(Fault::Cut(at)).key("f"));
        assert_eq!(kind(read(&store).await), Some(ErrorKind::Unavailable));
        store.rule(Rule::new(Fault::CutQuietly(at)));
        assert_eq!(read(&store).await.unwrap(), b"0123456789"[..at as usize]);
    }
    store.rule(Rule::new(Fault::Flip(17)).nth(2));
    assert_eq!(read(&store).await.unwrap(), b"0123456789");
    assert_eq!(read(&store).await.unwrap(), b"0103456789");
    assert_eq!(read(&store).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn chance_repeats_with_its_seed() {
    let run = async |seed| {
        let store = FaultStore::seeded(Arc::new(Memory::new()), seed, 3);
        let mut kinds = Vec::new();
        for _ in 0..30 {
            kinds.push(kind(put(&store, Precondition::Absent).await));
        }
        assert!(store.faults() > 0);
        store.heal();
        assert!(put(&store, Precondition::Always).await.is_ok());
        kinds
    };
    assert_eq!(run(1).await, run(1).await);
    assert_ne!(run(1).await, run(2).await);
}
