//! Packs that hold the same objects: two clients pushed the same commits at once.

use crate::it::world::{SMALL, edits, local, push_ok, remote, request};
use pail::local::Check;
use pail::store::Store;
use pail::store::adapter::memory::Memory;
use pail::transfer::{FetchRequest, Verify};
use std::sync::Arc;
use testkit::git::Git;
use testkit::repo::Repo;

#[tokio::test]
async fn packs_that_overlap_are_fetched_under_every_check() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let (first, second) = (
        remote(Arc::clone(&store), 1, SMALL),
        remote(Arc::clone(&store), 2, SMALL),
    );
    push_ok(&first, &repo, &["main:refs/heads/main"]).await;
    repo.commit("a", "two\n");
    repo.commit("b", "three\n");
    // The second one read the refs before the first one pushed.
    let at = second.snapshot().await.unwrap();
    let late = request(edits(&repo, at.as_ref(), &["main:refs/heads/late"]));
    push_ok(&first, &repo, &["main:refs/heads/main"]).await;
    second.push(&local(&repo).await, at, &late).await.unwrap();
    let at = first.existing().await.unwrap();
    let objects: u64 = at.manifest.packs.iter().map(|pack| pack.objects).sum();
    assert_eq!(objects, 3 + 6 + 6, "the commits are there twice");
    let list = |list: &str| Check::Fsck(list.to_owned());
    for check in [Check::Ids, list(""), list("missingEmail=ignore")] {
        for (cloning, unpack_limit) in [(true, 1), (false, 1), (false, 1000)] {
            let dir = tempfile::tempdir().unwrap();
            let clone = Repo::init_with(&Git::new(), dir.path().join("clone"), &["--bare"]);
            let request = FetchRequest {
                wants: at.refs.iter().map(|(_, value)| value.oid).collect(),
                cloning,
                refetch: false,
                check: check.clone(),
                verify: Verify::Objects,
                unpack_limit,
                partial: false,
                progress: false,
            };
            let done = first
                .fetch(&local(&clone).await, at.clone(), &request)
                .await;
            assert!(
                done.is_ok(),
                "{check:?}, cloning {cloning}, from {unpack_limit}: {done:?}"
            );
            clone.ok(&["update-ref", "refs/heads/main", &repo.head()]);
            clone.fsck();
        }
    }
}
