//! Repositories that lie below one another in a bucket leave each other alone.

use crate::it::world::{self, MONTH, SMALL, WHO, collect, late, maintain, push_ok, remote};
use futures_util::TryStreamExt;
use pail::format::keys;
use pail::format::settings::SettingEdit;
use pail::large_files::lfs::Oid;
use pail::maintenance::Bench;
use pail::maintenance::doctor::Visit;
use pail::maintenance::lfs::{self, GcRequest};
use pail::store::adapter::memory::Memory;
use pail::store::{Precondition, Store};
use pail::{ErrorKind, Key};
use std::collections::BTreeMap;
use std::sync::Arc;
use testkit::repo::Repo;

const MAIN: &str = "main:refs/heads/main";

/// Where the inner repositories lie: beside everything, and inside each folder of the outer one.
const INNER: [&str; 7] = [
    "team/repo",
    "objects/pack",
    "objects",
    "pail",
    "pail/log",
    "pail/refs",
    "lfs",
];

/// A repository with what dead writers left, and LFS objects that nothing names.
async fn inner(repo: &Repo) -> Memory {
    let memory = Memory::new();
    push_ok(&remote(Arc::new(memory.clone()), 1, SMALL), repo, &[MAIN]).await;
    let oid: Oid = "7".repeat(64).parse().unwrap();
    let left = [
        keys::pack(&"1".repeat(40)).unwrap(),
        keys::segment(1, 2, &"2".repeat(32)).unwrap(),
        keys::table(&"3".repeat(32)).unwrap(),
        keys::probe(&"4".repeat(32)).unwrap(),
        oid.key().unwrap(),
    ];
    for key in left {
        let put = memory.put(&key, "left".into(), Precondition::Absent).await;
        assert!(put.is_ok());
    }
    memory
}

/// What lies below the places of the inner repositories.
fn theirs(outer: &Memory) -> BTreeMap<String, Vec<u8>> {
    let files = outer.files().into_iter();
    let inner = |key: &str| {
        INNER.iter().any(|place| {
            let rest = key
                .strip_prefix(place)
                .and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| {
                ["objects/pack/", "pail/", "lfs/"]
                    .iter()
                    .any(|folder| rest.starts_with(folder))
            })
        })
    };
    files
        .filter(|(key, _)| inner(key))
        .map(|(key, body)| (key, body.to_vec()))
        .collect()
}

#[tokio::test]
async fn care_of_an_outer_repository_touches_nothing_of_those_below_it() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let below = inner(&repo).await;
    let outer = Memory::new();
    let store: Arc<dyn Store> = Arc::new(outer.clone());
    let own = remote(Arc::clone(&store), 2, SMALL);
    push_ok(&own, &repo, &[MAIN]).await;
    for place in INNER {
        for (key, body) in below.files() {
            let key = Key::new(format!("{place}/{key}")).unwrap();
            assert!(outer.put(&key, body, Precondition::Absent).await.is_ok());
        }
        let pack = keys::pack(&"5".repeat(40)).unwrap();
        let upload = outer
            .begin(&Key::new(format!("{place}/{pack}")).unwrap())
            .await;
        upload.unwrap().part(0, "part".into()).await.unwrap();
    }
    let before = theirs(&outer);
    assert_eq!(before.len(), INNER.len() * below.files().len());

    // Everything at once, and much later.
    for name in ["retention", "unfinished-uploads"] {
        let none = vec![SettingEdit::Set(name, 0.into())];
        let set = own.change_settings("config", none, Vec::new(), WHO.to_owned());
        assert!(set.await.unwrap());
    }
    for number in 0..5 {
        repo.commit("a", format!("{number}\n"));
        push_ok(&own, &repo, &[MAIN]).await;
    }
    let later = late(Arc::clone(&store), 3, MONTH);
    maintain(&later, &repo).await.unwrap();
    collect(&later, &repo).await.unwrap();
    maintain(&late(Arc::clone(&store), 4, 3 * MONTH), &repo)
        .await
        .unwrap();
    let visit = Visit {
        probe: false,
        remove_leftovers: true,
        repository: None,
        large_files: Vec::new(),
        older_than: 0,
        who: WHO.to_owned(),
    };
    late(Arc::clone(&store), 5, 4 * MONTH)
        .doctor(&visit)
        .await
        .unwrap();
    let bench = Bench {
        git: world::git(&repo),
        folder: dir.path().join("bench"),
        lender: None,
    };
    let all = [late(Arc::clone(&store), 6, 4 * MONTH).context().clone()];
    let plan = lfs::plan_gc(&all[0], &all, &bench, GcRequest::default()).await;
    assert!(plan.unwrap().condemned.is_empty());
    assert_eq!(theirs(&outer), before);
    let uploads: Vec<_> = outer.unfinished("").try_collect().await.unwrap();
    assert_eq!(uploads.len(), INNER.len());
}

#[tokio::test]
async fn a_place_above_a_repository_is_told_from_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a", "one\n");
    let bucket = Memory::new();
    for (key, body) in inner(&repo).await.files() {
        let key = Key::new(format!("team/repo/{key}")).unwrap();
        assert!(bucket.put(&key, body, Precondition::Absent).await.is_ok());
    }
    let before = bucket.files();
    let above = remote(Arc::new(bucket.clone()), 3, SMALL);
    for error in [
        above.snapshot().await.unwrap_err(),
        above.existing().await.unwrap_err(),
        world::push(&above, &repo, &[MAIN]).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("/team/repo"), "{error}");
    }
    assert_eq!(bucket.files(), before);
}
