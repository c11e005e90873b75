//! A download whose bodies are cut goes on where they were, and ends if nothing comes.

use bytes::Bytes;
use futures_util::TryStreamExt;
use pail::store::adapter::memory::Memory;
use pail::store::layer::{Count, Verb};
use pail::store::{Limits, Precondition, Store, Wanted, download};
use pail::{ErrorKind, Key, Result};
use std::sync::Arc;
use testkit::fault::{Fault, FaultStore, Rule};
use testkit::seed::{Chance, seed};

const SIZE: usize = 1 << 20;

struct World {
    store: Count<FaultStore>,
    truth: Vec<u8>,
    file: [Wanted; 1],
}

/// A file of one MiB in a bucket with these faults.
async fn world(rules: Vec<Rule>) -> World {
    let truth = Chance::new(9).bytes(SIZE);
    let memory = Arc::new(Memory::new());
    let key = Key::new("a").unwrap();
    let body = Bytes::from(truth.clone());
    let _ = memory.put(&key, body, Precondition::Always).await.unwrap();
    let size = SIZE as u64;
    World {
        store: Count::new(FaultStore::scripted(memory, rules)),
        truth,
        file: [Wanted { key, size }],
    }
}

impl World {
    async fn read(&self, part: u64) -> Result<Vec<u8>> {
        let limits = Limits { part, parallel: 3 };
        let pieces = download(&self.store, &self.file, limits).map_ok(|piece| piece.bytes);
        Ok(pieces.try_collect::<Vec<_>>().await?.concat())
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_come_does_not_come_again() {
    let mut chance = Chance::new(seed(21));
    for _ in 0..40 {
        let part = 1 + chance.below(SIZE) as u64;
        let rules = (1..=5).map(|nth| {
            let at = chance.below(SIZE / 4) as u64;
            let fault = *chance.pick(&[Fault::Cut(at), Fault::CutQuietly(at)]);
            Rule::new(fault).nth(nth)
        });
        let world = world(rules.collect()).await;
        assert!(world.read(part).await.unwrap() == world.truth);
        assert_eq!(world.store.counts().received(), SIZE as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_line_is_waited_for_and_a_broken_one_is_not() {
    let slow = world(vec![Rule::new(Fault::Cut(64 << 10)).always()]).await;
    assert!(slow.read(SIZE as u64).await.unwrap() == slow.truth);
    assert_eq!(slow.store.counts().of(Verb::Get), 16);

    for cut in [0, 1, 1000] {
        let broken = world(vec![Rule::new(Fault::Cut(cut)).always()]).await;
        let error = broken.read(SIZE as u64).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(broken.store.counts().of(Verb::Get), 6, "{cut}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_what_was_said_is_refused() {
    let world = world(Vec::new()).await;
    for (key, size, kind) in [
        ("a", SIZE as u64 + 1, ErrorKind::Corrupt),
        ("a", 1, ErrorKind::Corrupt),
        ("b", 1, ErrorKind::Missing),
    ] {
        let key = Key::new(key).unwrap();
        let files = [Wanted { key, size }];
        let pieces = download(&world.store, &files, Limits::default());
        let error = pieces.try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}
