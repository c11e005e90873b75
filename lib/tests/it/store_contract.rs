//! Every bucket keeps the same contract.

use pail::store::Store;
use pail::store::adapter::folder::Folder;
use pail::store::adapter::memory::Memory;
use std::sync::Arc;
use testkit::conformance::conformance;

#[tokio::test]
async fn memory_keeps_the_contract() {
    conformance(|| Arc::new(Memory::new())).await;
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

/// Makes a new folder each time, below this one.
fn folders(dir: &tempfile::TempDir) -> impl Fn() -> Arc<dyn Store> {
    let number = std::sync::atomic::AtomicU32::new(0);
    move || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Arc::new(Folder::open(dir.path().join(format!("bucket-{number}"))))
    }
}
