//! LFS objects up and down: what it costs, what is taken up again, and what is not believed.

use bytes::Bytes;
use pail::clock::SystemClock;
use pail::ids::SystemIds;
use pail::large_files::lfs::{self, Folder, Object, Oid, Sent};
use pail::progress::Quiet;
use pail::store::adapter::memory::Memory;
use pail::store::layer::{Count, Verb};
use pail::store::{Limits, Precondition, Store};
use pail::{ErrorKind, Key, Result};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use testkit::fault::{Fault, FaultStore, Rule};
use testkit::seed::Chance;
use testkit::tap;

/// Small parts, one at a time: what has moved is what came before.
const LIMITS: Limits = Limits {
    part: 100_000,
    parallel: 1,
};

struct World {
    dir: tempfile::TempDir,
    memory: Memory,
    store: Count<FaultStore>,
    faults: FaultStore,
}

impl World {
    fn new() -> Self {
        let memory = Memory::new();
        let faults = FaultStore::scripted(Arc::new(memory.clone()), []);
        Self {
            dir: tempfile::tempdir().unwrap(),
            memory,
            store: Count::new(faults.clone()),
            faults,
        }
    }

    fn folder(&self) -> Folder {
        Folder::new(
            self.dir.path().join("pail"),
            Arc::new(SystemIds),
            Arc::new(SystemClock),
        )
    }

    /// The names of what is kept.
    fn kept(&self) -> Vec<String> {
        let entries = self.dir.path().join("pail").read_dir();
        let names = entries.into_iter().flatten().flatten();
        names
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect()
    }

    /// A local file with these bytes, and the object that it is.
    fn object(&self, bytes: &[u8]) -> (Object, PathBuf) {
        let digits = Sha256::digest(bytes)
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let path = self.dir.path().join(&digits);
        std::fs::write(&path, bytes).unwrap();
        let object = Object {
            oid: digits.parse().unwrap(),
            size: bytes.len() as u64,
        };
        (object, path)
    }

    async fn put(&self, (object, path): &(Object, PathBuf)) -> Result<Sent> {
        lfs::put(&self.store, object, path, LIMITS, &Quiet, &self.folder()).await
    }

    async fn get(&self, object: &Object) -> Result<Vec<u8>> {
        let path = lfs::get(&self.store, object, LIMITS, &Quiet, &self.folder()).await?;
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        Ok(bytes)
    }

    async fn plant(&self, oid: &Oid, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        let key = oid.key().unwrap();
        let put = self.memory.put(&key, bytes, Precondition::Always).await;
        let _ = put.unwrap();
    }

    /// The network ends here, for good.
    fn dies(&self, verb: tap::Verb, nth: usize) {
        let rule = Rule::new(Fault::Before(ErrorKind::Unavailable));
        self.faults.rule(rule.verb(verb).nth(nth).always());
    }
}

fn key(object: &Object) -> Key {
    object.oid.key().unwrap()
}

#[tokio::test]
async fn a_small_object_costs_two_requests_up_and_one_down() {
    let world = World::new();
    let counts = world.store.counts();
    for bytes in [&b"x"[..], &Chance::new(1).bytes(100_000)] {
        let file = world.object(bytes);
        assert_eq!(world.put(&file).await.unwrap(), Sent::Uploaded);
        assert_eq!((counts.of(Verb::Head), counts.of(Verb::Put)), (1, 1));
        assert_eq!(counts.total(), 2);
        counts.reset();
        assert_eq!(world.put(&file).await.unwrap(), Sent::Present);
        assert_eq!((counts.of(Verb::Head), counts.total()), (1, 1));
        counts.reset();
        assert!(world.get(&file.0).await.unwrap() == bytes);
        assert_eq!((counts.of(Verb::Get), counts.total()), (1, 1));
        counts.reset();
    }
    assert!(world.kept().is_empty());
}

#[tokio::test]
async fn the_empty_object_goes_up_and_is_known_without_a_request() {
    let world = World::new();
    let file = world.object(b"");
    assert_eq!(world.put(&file).await.unwrap(), Sent::Uploaded);
    assert_eq!(world.memory.files()[key(&file.0).as_str()].len(), 0);
    world.store.counts().reset();
    assert!(world.get(&file.0).await.unwrap().is_empty());
    assert_eq!(world.store.counts().total(), 0);
    let other = Object {
        oid: "1".repeat(64).parse().unwrap(),
        size: 0,
    };
    let error = world.get(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_large_object_goes_in_parts_both_ways_and_leaves_nothing_behind() {
    let world = World::new();
    let bytes = Chance::new(2).bytes(1_050_000);
    let file = world.object(&bytes);
    assert_eq!(world.put(&file).await.unwrap(), Sent::Uploaded);
    assert_eq!(world.store.counts().of(Verb::Part), 11);
    let wide = Limits {
        part: 100_000,
        parallel: 4,
    };
    let folder = world.folder();
    let came = lfs::get(&world.store, &file.0, wide, &Quiet, &folder).await;
    let came = came.unwrap();
    assert!(std::fs::read(&came).unwrap() == bytes);
    assert_eq!(world.store.counts().of(Verb::Get), 11);
    std::fs::remove_file(came).unwrap();
    assert!(world.kept().is_empty(), "{:?}", world.kept());
}

#[tokio::test]
async fn an_upload_that_died_is_taken_up_again() {
    let world = World::new();
    let file = world.object(&Chance::new(3).bytes(1_000_000));
    world.dies(tap::Verb::Part, 7);
    let error = world.put(&file).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    world.faults.heal();
    world.store.counts().reset();
    assert_eq!(world.put(&file).await.unwrap(), Sent::Uploaded);
    let counts = world.store.counts();
    assert_eq!((counts.of(Verb::Begin), counts.of(Verb::Part)), (0, 4));
    assert!(world.get(&file.0).await.is_ok());
    assert!(world.kept().is_empty(), "{:?}", world.kept());
}

#[tokio::test]
async fn parts_of_a_file_that_was_another_are_not_taken_up() {
    let world = World::new();
    let bytes = Chance::new(4).bytes(1_000_000);
    let (object, path) = world.object(&bytes);
    let mut spoilt = bytes.clone();
    spoilt[3] ^= 1;
    std::fs::write(&path, spoilt).unwrap();
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(long_ago).unwrap();
    let file = (object, path);
    world.dies(tap::Verb::Part, 5);
    world.put(&file).await.unwrap_err();
    world.faults.heal();
    std::fs::write(&file.1, &bytes).unwrap();
    assert_eq!(world.put(&file).await.unwrap(), Sent::Uploaded);
    assert!(world.get(&file.0).await.unwrap() == bytes);
}

#[tokio::test(start_paused = true)]
async fn a_download_that_died_is_taken_up_again() {
    let world = World::new();
    let bytes = Chance::new(5).bytes(1_000_000);
    let file = world.object(&bytes);
    world.put(&file).await.unwrap();
    world.dies(tap::Verb::Get, 7);
    let error = world.get(&file.0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    world.faults.heal();
    world.store.counts().reset();
    assert!(world.get(&file.0).await.unwrap() == bytes);
    assert_eq!(world.store.counts().of(Verb::Get), 4);
    assert!(world.kept().is_empty(), "{:?}", world.kept());
}

#[tokio::test]
async fn what_was_kept_and_is_wrong_is_brought_anew() {
    let world = World::new();
    let bytes = Chance::new(6).bytes(1_000_000);
    let file = world.object(&bytes);
    world.put(&file).await.unwrap();
    for kept in [vec![0; 500_000], vec![0; 1_000_000], vec![0; 2_000_000]] {
        let folder = world.dir.path().join("pail");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file.0.oid.as_str()), kept).unwrap();
        assert!(world.get(&file.0).await.unwrap() == bytes);
        assert!(world.kept().is_empty(), "{:?}", world.kept());
    }
}

#[tokio::test]
async fn two_downloads_of_one_object_do_not_meet() {
    let world = World::new();
    let bytes = Chance::new(7).bytes(1_000_000);
    let file = world.object(&bytes);
    world.put(&file).await.unwrap();
    let (one, two) = tokio::join!(world.get(&file.0), world.get(&file.0));
    assert!(one.unwrap() == bytes && two.unwrap() == bytes);
    assert!(world.kept().is_empty(), "{:?}", world.kept());
}

#[tokio::test]
async fn what_lies_there_and_is_not_the_object_is_not_handed_out() {
    let world = World::new();
    for size in [10, 500_000] {
        let bytes = Chance::new(8).bytes(size);
        let (object, _) = world.object(&bytes);
        let mut other = bytes.clone();
        other[size / 2] ^= 1;
        for bad in [&other[..], &bytes[1..], &[&bytes[..], b"x"].concat(), b""] {
            world.plant(&object.oid, bad).await;
            let error = world.get(&object).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(world.kept().is_empty(), "{:?}", world.kept());
        }
        world.memory.delete(&key(&object)).await.unwrap();
        let error = world.get(&object).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Missing);
        assert!(world.kept().is_empty(), "{:?}", world.kept());
    }
}

#[tokio::test]
async fn a_short_object_in_the_bucket_is_replaced() {
    let world = World::new();
    let file = world.object(b"twelve bytes");
    world.plant(&file.0.oid, b"twelve").await;
    assert_eq!(world.put(&file).await.unwrap(), Sent::Uploaded);
    assert_eq!(world.get(&file.0).await.unwrap(), b"twelve bytes");
}

#[tokio::test]
async fn a_local_file_that_is_not_the_object_is_never_seen_in_the_bucket() {
    let world = World::new();
    for size in [10, 500_000] {
        let bytes = Chance::new(9).bytes(size);
        let (object, path) = world.object(&bytes);
        for at in [0, size - 1] {
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 1;
            std::fs::write(&path, spoilt).unwrap();
            let error = world.put(&(object.clone(), path.clone())).await;
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Local);
        }
        std::fs::write(&path, &bytes[1..]).unwrap();
        let error = world.put(&(object, path)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Local);
    }
    assert!(world.memory.files().is_empty());
    assert!(world.kept().is_empty(), "{:?}", world.kept());
}

#[tokio::test]
async fn an_upload_that_lost_to_another_of_the_same_object_went_well() {
    let world = World::new();
    let file = world.object(&Chance::new(10).bytes(500_000));
    // The other one's completion threw our parts away.
    let rule = Rule::new(Fault::Before(ErrorKind::Missing)).verb(tap::Verb::Complete);
    world.faults.rule(rule);
    let before = Rule::new(Fault::After).verb(tap::Verb::Complete);
    world.faults.rule(before);
    let error = world.put(&file).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
    // Here it did arrive, and only the answer was lost.
    assert_eq!(world.put(&file).await.unwrap(), Sent::Present);
    assert!(world.get(&file.0).await.is_ok());
}

#[tokio::test]
async fn who_may_not_ask_what_is_there_may_still_send() {
    let world = World::new();
    let file = world.object(b"abc");
    let rule = Rule::new(Fault::Before(ErrorKind::Denied)).verb(tap::Verb::Head);
    world.faults.rule(rule.always());
    assert_eq!(world.put(&file).await.unwrap(), Sent::Uploaded);
}
