//! A folder between processes, and a folder whose writer is killed.
//!
//! The other processes are this test program itself, told by a variable to be one.

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use pail::Key;
use pail::store::adapter::folder::Folder;
use pail::store::{Got, Precondition, Put, Store, Version, Want};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use testkit::git::Git;

const ROLE: &str = "PAIL_TEST_ROLE";
const PROCESSES: usize = 16;
const TASKS: usize = 2;
const LINES: usize = 6;

/// Starts this program as another process with a role to play in a folder.
fn start(role: &str, folder: &Path) -> Child {
    Git::new()
        .with_env(ROLE, role)
        .with_env("PAIL_TEST_FOLDER", folder)
        .program(std::env::current_exe().unwrap())
        .args(["--exact", "it::folder_processes::another_process"])
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Where the other processes begin; nothing to do for the test program itself.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "how a process is told that it is the other one"
)]
async fn another_process() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let folder = Folder::open(std::env::var_os("PAIL_TEST_FOLDER").unwrap().into());
    match role.split_once(' ').unwrap() {
        ("add", number) => {
            let tasks = (0..TASKS).map(|task| {
                let folder = &folder;
                async move {
                    for line in 0..LINES {
                        add(folder, &format!("{number}.{task}.{line}\n")).await;
                    }
                }
            });
            join_all(tasks).await;
        }
        ("overwrite", _) => overwrite(&folder).await,
        _ => panic!("no such role: {role}"),
    }
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

async fn read(folder: &Folder, name: &str) -> Option<(Vec<u8>, Version)> {
    match folder.get(&key(name), Want::all()).await.unwrap() {
        Got::Found(body) => {
            let chunks: Vec<Bytes> = body.bytes.try_collect().await.unwrap();
            Some((chunks.concat(), body.info.version))
        }
        _ => None,
    }
}

/// Adds a line to a file that others add to.
async fn add(folder: &Folder, line: &str) {
    loop {
        let (mut content, version) = read(folder, "d/log").await.unzip();
        let content = content.get_or_insert_default();
        content.extend(line.as_bytes());
        let when = match &version {
            None => Precondition::Absent,
            Some(version) => Precondition::Unchanged(version),
        };
        let body = content.clone().into();
        let put = folder.put(&key("d/log"), body, when).await.unwrap();
        if put != Put::Lost {
            return;
        }
    }
}

#[tokio::test]
async fn of_many_processes_none_loses_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("bucket");
    let mut children: Vec<Child> = (0..PROCESSES)
        .map(|number| start(&format!("add {number}"), &root))
        .collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let (log, _) = read(&Folder::open(root), "d/log").await.unwrap();
    let log = String::from_utf8(log).unwrap();
    let lines: BTreeSet<&str> = log.lines().collect();
    assert_eq!(lines.len(), log.lines().count(), "a line was added twice");
    assert_eq!(lines.len(), PROCESSES * TASKS * LINES, "lines were lost");
}

/// Contents of which a mixture, or a part, can be told from the whole.
fn content(number: u8) -> Bytes {
    vec![number; 400_000 + usize::from(number)].into()
}

/// Writes two files again and again, one by condition and one in parts, until killed.
async fn overwrite(folder: &Folder) {
    for number in (0..=u8::MAX).cycle() {
        let version = read(folder, "d/whole").await.map(|(_, version)| version);
        let when = match &version {
            None => Precondition::Absent,
            Some(version) => Precondition::Unchanged(version),
        };
        let body = content(number);
        let put = folder.put(&key("d/whole"), body.clone(), when).await;
        assert_ne!(put.unwrap(), Put::Lost, "nobody else writes");
        let upload = folder.begin(&key("d/parts")).await.unwrap();
        upload.part(1, body.slice(300_000..)).await.unwrap();
        upload.part(0, body.slice(..300_000)).await.unwrap();
        upload.complete().await.unwrap();
    }
}

#[tokio::test]
async fn a_writer_that_is_killed_leaves_old_or_new_content_and_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("bucket");
    let folder = Folder::open(root.clone());
    for round in 0..12 {
        let before = version(&folder).await;
        let mut child = start("overwrite -", &root);
        // Killed at another place each time, once it is at work.
        while version(&folder).await == before {
            assert!(child.try_wait().unwrap().is_none(), "it died by itself");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(700 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let mut there: Vec<_> = folder.list("", None).try_collect().await.unwrap();
        there.retain(|file| !["d/parts", "d/whole"].contains(&file.key.as_str()));
        assert!(there.is_empty(), "{there:?}");
        for name in ["d/whole", "d/parts"] {
            if let Some((bytes, _)) = read(&folder, name).await {
                assert!(bytes == content(bytes[0]), "{name} is no content of ours");
            }
        }
    }
    // The next writer finds neither lock nor rubbish in its way.
    let upload = folder.begin(&key("d/last")).await.unwrap();
    upload.part(0, content(1)).await.unwrap();
    upload.complete().await.unwrap();
    let mut names: Vec<_> = root.join("d").read_dir().unwrap().collect();
    names.retain(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_str().unwrap().starts_with(".pail-")
    });
    assert!(names.is_empty(), "{names:?}");
}

async fn version(folder: &Folder) -> Option<Version> {
    let info = folder.head(&key("d/whole")).await.unwrap();
    info.map(|info| info.version)
}
