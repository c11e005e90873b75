//! Every bucket keeps the same contract, and the suite that says so can fail.

use futures_util::FutureExt;
use pail::store::Store;
use pail::store::adapter::folder::Folder;
use pail::store::adapter::memory::Memory;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use testkit::conformance::{conformance, races};
use testkit::fault::{Fault, FaultStore, IgnoresConditions, Rule};

fn memory() -> Arc<dyn Store> {
    Arc::new(Memory::new())
}

/// Makes a new folder each time, below this one.
fn folders(dir: &tempfile::TempDir) -> impl Fn() -> Arc<dyn Store> {
    let number = AtomicU32::new(0);
    move || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        Arc::new(Folder::open(dir.path().join(format!("bucket-{number}"))))
    }
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    conformance(memory).await;
}

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    conformance(folders(&dir)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_folder_keeps_the_contract_on_many_threads() {
    let dir = tempfile::tempdir().unwrap();
    conformance(folders(&dir)).await;
}

#[tokio::test]
async fn a_double_without_rules_keeps_the_contract() {
    conformance(|| Arc::new(FaultStore::scripted(memory(), []))).await;
}

async fn assert_broken(what: &str, check: impl Future<Output = ()>) {
    let failed = AssertUnwindSafe(check).catch_unwind().await.is_err();
    assert!(failed, "the contract was kept by a store {what}");
}

#[tokio::test]
async fn the_races_fail_on_a_store_that_ignores_conditions() {
    let ignores = || Arc::new(IgnoresConditions::new(memory())) as Arc<dyn Store>;
    assert_broken("that ignores conditions", races(ignores)).await;
    let looks = || Arc::new(IgnoresConditions::looking_first(memory())) as Arc<dyn Store>;
    assert_broken("that looks and then writes", races(looks)).await;
}

#[tokio::test]
async fn the_contract_fails_on_a_store_that_spoils_bodies() {
    for fault in [
        Fault::Flip(8 * 1024 * 1024 + 3),
        Fault::CutQuietly(3 * 1024 * 1024),
        Fault::Cut(5),
    ] {
        let spoils = move || {
            let rules = [Rule::new(fault).always()];
            Arc::new(FaultStore::scripted(memory(), rules)) as Arc<dyn Store>
        };
        assert_broken(&format!("with {fault:?}"), conformance(spoils)).await;
    }
}
