//! What the push log forgets, and what it does not.

use crate::it::world::{self, SMALL, WHO, clone, edits, late, local, push_ok, remote};
use pail::Remote;
use pail::format::manifest::Why;
use pail::format::settings::{LOG_RETENTION, SettingEdit};
use pail::maintenance::{Severity, forget_log};
use pail::refs::Outcome;
use pail::store::Store;
use pail::store::adapter::memory::Memory;
use std::sync::Arc;
use testkit::repo::Repo;

const DAY: i64 = 86_400;
const MAIN: &str = "main:refs/heads/main";

/// A log of so many parts.
pub(crate) async fn logged(remote: &Remote, repo: &Repo, parts: usize) {
    for number in 0.. {
        let at = remote.snapshot().await.unwrap();
        let segments = at.as_ref().map(|at| at.manifest.log.segments.len());
        if segments.is_some_and(|segments| segments >= parts) {
            return;
        }
        let spec = format!("main:refs/heads/b{number}");
        let mut request = world::request(edits(repo, at.as_ref(), &[&spec]));
        // Four of these fill the log of a manifest.
        request.options = vec!["x".repeat(3000)];
        let pushed = remote.push(&local(repo).await, at, &request).await;
        assert_eq!(pushed.unwrap(), [Outcome::Updated]);
    }
}

async fn set(remote: &Remote, days: i64) {
    let value = (days * DAY).into();
    let edits = vec![SettingEdit::Set(LOG_RETENTION.name, value)];
    let changed = remote.change_settings("config", edits, Vec::new(), WHO.to_owned());
    assert!(changed.await.unwrap());
}

#[tokio::test]
async fn only_what_is_older_than_the_setting_and_the_retention_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("f", "one\n");
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let now = remote(Arc::clone(&store), 1, SMALL);
    push_ok(&now, &repo, &[MAIN]).await;
    logged(&now, &repo, 3).await;
    let forget = async |days: i64| {
        let remote = late(Arc::clone(&store), 2, days * DAY);
        forget_log(remote.context(), WHO).await.unwrap()
    };
    assert_eq!(forget(36_500).await, 0, "it is not set");
    set(&now, 1).await;
    assert_eq!(forget(10).await, 0, "`git pail restore` may need it");
    let before = now.existing().await.unwrap().manifest;
    let all = now.log(usize::MAX).await.unwrap();
    let forgotten = forget(15).await;
    assert!(forgotten >= 3 * 4, "{forgotten}");
    let after = now.existing().await.unwrap().manifest;
    assert!(after.log.segments.is_empty());
    assert_eq!(after.epoch, before.epoch + 1);
    let condemned = after
        .condemned
        .iter()
        .filter(|gone| gone.why == Why::Dropped);
    assert_eq!(condemned.count(), before.log.segments.len());
    // What is left is what was the newest, and what the forgetting itself has left.
    let left = now.log(usize::MAX).await.unwrap();
    assert_eq!(left[1..], all[..all.len() - forgotten]);
    assert_eq!(left[0].what, "forget");
    assert_eq!(forget(15).await, 0);
    // Nobody else misses it.
    repo.commit("f", "two\n");
    push_ok(&now, &repo, &[MAIN]).await;
    let report = now.fsck(None).await.unwrap();
    assert!(
        report.worst() < Some(Severity::Warning),
        "{:?}",
        report.findings
    );
    let copy = clone(&store, &dir.path().join("copy")).await;
    assert_eq!(copy.id("main"), repo.id("main"));
}
