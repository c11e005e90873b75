//! The doctor mends whatever a process leaves that dies anywhere.

use crate::it::forget_log::logged;
use crate::it::world::{
    MONTH, SMALL, WHO, clone, collect, copy, late, maintain, push, push_ok, remote, sound,
};
use pail::format::settings::{LOG_RETENTION, SettingEdit};
use pail::maintenance::doctor::{Diagnosis, Visit};
use pail::maintenance::{forget_log, join_log};
use pail::store::adapter::memory::Memory;
use pail::store::{Limits, Store};
use pail::{ObjectFormat, Remote};
use std::cell::Cell;
use std::sync::Arc;
use testkit::crash::at_every_call;
use testkit::repo::Repo;

const MAIN: &str = "main:refs/heads/main";

fn visit(remove_leftovers: bool) -> Visit {
    Visit {
        // The memory has no clock that could be compared.
        probe: false,
        remove_leftovers,
        repository: None,
        large_files: Vec::new(),
        older_than: 0,
        who: "Doctor <doctor@example.org>".to_owned(),
    }
}

/// What the doctor complains of that dead writers leave.
async fn leftovers(remote: &Remote) -> usize {
    let diagnosis: Diagnosis = remote.doctor(&visit(false)).await.unwrap();
    let codes = diagnosis.findings.iter().map(|one| one.code);
    let codes: Vec<_> = codes.collect();
    assert!(
        codes
            .iter()
            .all(|code| ["leftovers", "unfinished-uploads"].contains(code)),
        "{codes:?}"
    );
    codes.len()
}

/// Files and uploads that no reader would miss.
async fn unnamed(bucket: &Arc<dyn Store>) -> usize {
    use futures_util::TryStreamExt;
    let uploads: Vec<_> = bucket.unfinished("").try_collect().await.unwrap();
    let remote = remote(Arc::clone(bucket), 7, Limits::default());
    let report = match remote.snapshot().await.unwrap() {
        Some(_) => remote.fsck(None).await.unwrap().findings.len(),
        None => {
            let files: Vec<_> = bucket.list("", None).try_collect().await.unwrap();
            files.len()
        }
    };
    uploads.len() + report
}

/// Dies at every call of this; then the doctor comes, and a push goes through.
async fn everywhere<T>(
    name: &str,
    base: &Memory,
    repo: &Repo,
    operation: impl AsyncFn(Arc<dyn Store>, &()) -> T,
) {
    let (points, dirty) = (Cell::new(0), Cell::new(0));
    let setup = async || (Arc::new(copy(base).await) as Arc<dyn Store>, ());
    let check = async |bucket: Arc<dyn Store>, (): &(), run: &testkit::crash::Run<_>| {
        points.set(points.get() + 1);
        let doctor = remote(Arc::clone(&bucket), 3, Limits::default());
        let left = unnamed(&bucket).await;
        let told = leftovers(&doctor).await;
        assert_eq!(
            left > 0,
            told > 0,
            "{:?}: {left} left, {told} told",
            run.point
        );
        dirty.set(dirty.get() + usize::from(told > 0));
        if doctor.snapshot().await.unwrap().is_none() {
            // What may be a first push under way is removed from a repository only.
            let who = "Doctor <doctor@example.org>".to_owned();
            assert!(doctor.init(ObjectFormat::Sha1, None, who).await.unwrap());
        }
        doctor.doctor(&visit(true)).await.unwrap();
        assert_eq!(leftovers(&doctor).await, 0, "{:?}", run.point);
        assert_eq!(unnamed(&bucket).await, 0, "{:?}", run.point);
        push_ok(&remote(Arc::clone(&bucket), 4, SMALL), repo, &[MAIN]).await;
        sound(&bucket).await;
    };
    at_every_call(setup, operation, check).await;
    eprintln!(
        "doctor: {} points, leftovers at {}: {name}",
        points.get(),
        dirty.get()
    );
    assert!(dirty.get() > 2 && dirty.get() < points.get());
}

#[tokio::test(start_paused = true)]
async fn heavy_what_a_push_leaves_that_dies_anywhere_is_told_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let pushes = |limits| {
        let repo = &repo;
        async move |store, (): &()| push(&remote(store, 2, limits), repo, &[MAIN]).await
    };
    everywhere("first push", &Memory::new(), &repo, pushes(SMALL)).await;

    let base = Memory::new();
    let writer = remote(Arc::new(base.clone()), 1, Limits::default());
    push_ok(&writer, &repo, &[MAIN]).await;
    let mut chance = testkit::seed::Chance::new(5);
    repo.commit("large", chance.bytes(1_200_000));
    let limits = Limits {
        part: 500_000,
        parallel: 2,
    };
    everywhere("push in parts, with an index", &base, &repo, pushes(limits)).await;
}

#[tokio::test(start_paused = true)]
async fn heavy_what_maintenance_leaves_that_dies_anywhere_is_told_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let base = Memory::new();
    let writer = remote(Arc::new(base.clone()), 1, SMALL);
    repo.commit("a", "0\n");
    push_ok(&writer, &repo, &[MAIN, "main:refs/heads/gone"]).await;
    for number in 1..4 {
        repo.commit("a", format!("{number}\n"));
        push_ok(&writer, &repo, &[MAIN]).await;
    }
    repo.switch("side").commit("b", "garbage\n");
    push_ok(&writer, &repo, &["side:refs/heads/gone"]).await;
    push_ok(&writer, &repo, &[":refs/heads/gone"]).await;
    repo.switch("main").commit("a", "new\n");
    everywhere("merge", &base, &repo, async |store, (): &()| {
        maintain(&remote(store, 2, SMALL), &repo).await
    })
    .await;
    everywhere("gc", &base, &repo, async |store, (): &()| {
        collect(&late(store, 2, MONTH), &repo).await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn heavy_what_care_of_the_log_leaves_that_dies_anywhere_is_told_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let base = Memory::new();
    let writer = remote(Arc::new(base.clone()), 1, SMALL);
    push_ok(&writer, &repo, &[MAIN]).await;
    logged(&writer, &repo, 12).await;
    repo.commit("a", "new\n");
    everywhere("joined log", &base, &repo, async |store, (): &()| {
        join_log(remote(store, 2, SMALL).context(), WHO).await
    })
    .await;
    let day = vec![SettingEdit::Set(LOG_RETENTION.name, 86_400.into())];
    let set = writer.change_settings("config", day, Vec::new(), WHO.to_owned());
    assert!(set.await.unwrap());
    let forgot = Cell::new(0);
    // Nothing is written but the manifest, so that nothing is left over at any call.
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let forget = async |store: Arc<dyn Store>, (): &()| {
        forget_log(late(store, 2, MONTH).context(), WHO).await
    };
    let calls = at_every_call(setup, forget, async |bucket, (), run| {
        let doctor = remote(Arc::clone(&bucket), 3, SMALL);
        assert_eq!(unnamed(&bucket).await, 0, "{:?}", run.point);
        assert_eq!(leftovers(&doctor).await, 0, "{:?}", run.point);
        forget_log(late(Arc::clone(&bucket), 4, MONTH).context(), WHO)
            .await
            .unwrap();
        let at = doctor.existing().await.unwrap();
        assert!(at.manifest.log.segments.is_empty(), "{:?}", run.point);
        forgot.set(forgot.get() + 1);
        assert_eq!(unnamed(&bucket).await, 0, "{:?}", run.point);
        push_ok(&remote(Arc::clone(&bucket), 5, SMALL), &repo, &[MAIN]).await;
        let dir = tempfile::tempdir().unwrap();
        clone(&bucket, &dir.path().join("clone")).await;
    })
    .await;
    eprintln!("doctor: {} points: forgotten log", forgot.get());
    assert!(
        calls >= 14,
        "the manifest, twelve parts, the manifest: {calls}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_doctor_that_dies_anywhere_leaves_work_for_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let base = Memory::new();
    push_ok(&remote(Arc::new(base.clone()), 1, SMALL), &repo, &[MAIN]).await;
    for digit in ["0", "1"] {
        let key = pail::format::keys::pack(&digit.repeat(40)).unwrap();
        let body = bytes::Bytes::from_static(b"PACK");
        let when = pail::store::Precondition::Absent;
        assert!(base.put(&key, body, when).await.is_ok());
    }
    let setup = async || (Arc::new(copy(&base).await) as Arc<dyn Store>, ());
    let operation =
        async |store: Arc<dyn Store>, (): &()| remote(store, 2, SMALL).doctor(&visit(true)).await;
    let calls = at_every_call(setup, operation, async |bucket, (), run| {
        sound(&bucket).await;
        let next = remote(Arc::clone(&bucket), 3, SMALL);
        next.doctor(&visit(true)).await.unwrap();
        assert_eq!(unnamed(&bucket).await, 0, "{:?}", run.point);
        let at = next.snapshot().await.unwrap().unwrap();
        assert!(at.manifest.condemned.is_empty(), "{:?}", run.point);
        sound(&bucket).await;
    })
    .await;
    assert!(calls >= 8, "{calls}");
}
