//! What a local folder does beyond the contract of every bucket.

use bytes::Bytes;
use futures_util::TryStreamExt;
use pail::store::adapter::folder::Folder;
use pail::store::{Got, Precondition, Put, Store, Version, Want};
use pail::{Error, ErrorKind, Key};
use std::path::Path;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

async fn write(folder: &Folder, name: &str, body: &'static str) -> Version {
    let body = Bytes::from_static(body.as_bytes());
    match folder.put(&key(name), body, Precondition::Always).await {
        Ok(Put::Written(version)) => version,
        other => panic!("{name}: {other:?}"),
    }
}

async fn refused(folder: &Folder, name: &str) -> Error {
    let key = key(name);
    let put = folder.put(&key, Bytes::new(), Precondition::Always);
    put.await.unwrap_err()
}

async fn read(folder: &Folder, name: &str) -> Option<Vec<u8>> {
    match folder.get(&key(name), Want::all()).await.unwrap() {
        Got::Found(body) => {
            let chunks: Vec<Bytes> = body.bytes.try_collect().await.unwrap();
            Some(chunks.concat())
        }
        Got::NotModified | Got::Missing => None,
    }
}

async fn listed(folder: &Folder) -> Vec<String> {
    let files: Vec<_> = folder.list("", None).try_collect().await.unwrap();
    files.into_iter().map(|file| file.key).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn files_lie_on_the_disk_under_their_keys() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("bucket");
    let folder = Folder::open(root.clone());
    assert_eq!(read(&folder, "a/b").await, None, "nothing is there yet");
    assert!(listed(&folder).await.is_empty());
    write(&folder, "a/b", "x").await;
    assert_eq!(std::fs::read(root.join("a/b")).unwrap(), b"x");
    assert_eq!(names(&root), [".pail-lock", "a"]);
    assert_eq!(names(&root.join("a")), ["b"], "no temporary file is left");
    assert_eq!(listed(&folder).await, ["a/b"]);
}

#[tokio::test]
async fn a_typing_error_in_the_path_creates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path().join("no/bucket"));
    let error = refused(&folder, "a").await;
    assert_eq!(error.kind(), ErrorKind::Missing);
    assert!(error.hint().is_some());
    assert!(names(dir.path()).is_empty());
}

#[tokio::test]
async fn a_file_where_a_folder_is_needed_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path().to_owned());
    write(&folder, "a", "x").await;
    let error = refused(&folder, "a/b").await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.hint().unwrap().contains("where a folder is needed"));
    assert_eq!(read(&folder, "a/b").await, None);
    write(&folder, "c/d", "x").await;
    let error = refused(&folder, "c").await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(read(&folder, "c").await, None);
    folder.delete(&key("c")).await.unwrap();
    assert_eq!(listed(&folder).await, ["a", "c/d"]);
}

#[tokio::test]
async fn deletion_leaves_no_empty_folder_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path().to_owned());
    write(&folder, "a/b/c", "x").await;
    write(&folder, "a/d", "x").await;
    folder.delete(&key("a/b/c")).await.unwrap();
    write(&folder, "a/b", "y").await;
    assert_eq!(listed(&folder).await, ["a/b", "a/d"]);
}

#[tokio::test]
async fn every_write_has_its_own_version_even_of_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path().to_owned());
    let mut seen = std::collections::HashSet::new();
    for turn in 0..50 {
        let version = write(&folder, "a", "same").await;
        let head = folder.head(&key("a")).await.unwrap().unwrap();
        assert_eq!(
            head.version, version,
            "readers see the version of the write"
        );
        assert!(seen.insert(version), "turn {turn}");
        if turn % 3 == 0 {
            folder.delete(&key("a")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn our_own_names_are_no_keys() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path().to_owned());
    for name in [".pail-lock", "a/.pail-tmp-1-1", ".pail-x/b"] {
        let error = refused(&folder, name).await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_lead_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), "s").unwrap();
    let root = dir.path().join("bucket");
    std::fs::create_dir(&root).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("out")).unwrap();
    std::os::unix::fs::symlink(outside.join("secret"), root.join("link")).unwrap();
    let folder = Folder::open(root);
    assert_eq!(read(&folder, "out/secret").await, None);
    assert_eq!(read(&folder, "link").await, None);
    assert!(listed(&folder).await.is_empty());
    let error = refused(&folder, "out/new").await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    folder.delete(&key("out/secret")).await.unwrap();
    assert_eq!(names(&outside), ["secret"]);
}

#[tokio::test]
async fn what_a_dead_writer_left_is_swept_and_what_a_living_one_writes_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path().to_owned());
    let living = folder.begin(&key("p/living")).await.unwrap();
    living.part(0, Bytes::from_static(b"live")).await.unwrap();
    std::fs::write(dir.path().join("p/.pail-tmp-1-1"), "dead").unwrap();
    let other = folder.begin(&key("p/other")).await.unwrap();
    assert!(!dir.path().join("p/.pail-tmp-1-1").exists());
    other.abort().await.unwrap();
    living.complete().await.unwrap();
    assert_eq!(names(&dir.path().join("p")), ["living"]);
    assert_eq!(read(&folder, "p/living").await.unwrap(), b"live");
}

#[cfg(unix)]
#[tokio::test]
async fn what_dead_writers_left_is_listed_and_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join(".pail-tmp-1-1"), "not ours").unwrap();
    let root = dir.path().join("bucket");
    let folder = Folder::open(root.clone());
    let living = folder.begin(&key("p/living")).await.unwrap();
    living.part(0, Bytes::from_static(b"live")).await.unwrap();
    for name in ["p/.pail-tmp-1-1", ".pail-tmp-2-2"] {
        std::fs::write(root.join(name), "dead").unwrap();
    }
    std::os::unix::fs::symlink(&outside, root.join("out")).unwrap();
    let found = async |prefix| {
        let all: Vec<_> = folder.unfinished(prefix).try_collect().await.unwrap();
        all
    };
    let all = found("").await;
    let mut keys: Vec<_> = all.iter().map(|dead| (&*dead.key, dead.size)).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [(".pail-tmp-2-2", Some(4)), ("p/.pail-tmp-1-1", Some(4))]
    );
    assert!(all.iter().all(|dead| dead.started > 1_600_000_000));
    assert_eq!(found("p/").await.len(), 1);
    for (key, token) in [
        ("out/.pail-tmp-1-1", ".pail-tmp-1-1"),
        ("p/.pail-tmp-1-1", "living"),
        ("nothing/.pail-tmp-1-1", ".pail-tmp-1-1"),
    ] {
        folder.abandon(key, token).await.unwrap();
    }
    for (key, token) in [
        (".pail-lock", ".pail-lock"),
        ("../outside/.pail-tmp-1-1", ".pail-tmp-1-1"),
    ] {
        let error = folder.abandon(key, token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{key}");
    }
    assert_eq!(found("").await.len(), 2);
    for dead in &all {
        folder.abandon(&dead.key, &dead.token).await.unwrap();
    }
    assert!(found("").await.is_empty());
    assert_eq!(names(&outside), [".pail-tmp-1-1"]);
    living.complete().await.unwrap();
    assert_eq!(read(&folder, "p/living").await.unwrap(), b"live");
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_a_group_shares_stays_shared() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("team");
    std::fs::create_dir(&root).unwrap();
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o2770)).unwrap();
    let folder = Folder::open(root.clone());
    write(&folder, "a/b", "x").await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
    assert_eq!(mode(&root.join("a")) & 0o070, 0o070);
    assert_eq!(mode(&root.join("a/b")) & 0o060, 0o060);
    assert_eq!(mode(&root.join(".pail-lock")) & 0o060, 0o060);
}
