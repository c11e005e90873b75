//! The recipe in `docs/format/v1.md` brings a repository back without this program.

use pail::clock::SystemClock;
use pail::ids::SystemIds;
use pail::local::{Git, Repository};
use pail::progress::Quiet;
use pail::refs::{Expected, Outcome, RefEdit, RefName, RefValue};
use pail::store::Limits;
use pail::store::adapter::folder::Folder;
use pail::transaction::Cache;
use pail::transfer::{Context, PushRequest};
use pail::{ObjectId, Remote};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use testkit::repo::Repo;

/// The script, cut out of the document.
fn script() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/format/v1.md");
    let text = std::fs::read_to_string(path).unwrap();
    let tail = text
        .split("restore.rs runs this block. -->\n```sh\n")
        .nth(1)
        .unwrap();
    tail.split("```").next().unwrap().to_owned()
}

/// The git that the library runs, in the surroundings of a sealed one.
fn local(repo: &Repo) -> Git {
    let sealed = repo.git().program("git");
    let variables = sealed
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    variables.fold(Git::new().in_folder(repo.path()), |git, (name, value)| {
        git.with_env(name, value)
    })
}

/// Pushes every ref that the bucket does not have as it is here.
async fn push_all(repo: &Repo, bucket: &Path) {
    let remote = Remote::new(Context {
        store: Arc::new(Folder::open(bucket.to_owned())),
        cache: Cache::default(),
        ids: Arc::new(SystemIds),
        clock: Arc::new(SystemClock),
        limits: Limits::default(),
        lease: false,
        progress: Arc::new(Quiet),
    });
    let at = remote.snapshot().await.unwrap();
    let now = |name: &RefName| {
        at.as_ref()
            .and_then(|at| at.refs.get(name))
            .map(|value| value.oid)
    };
    let listed = repo.git().run(&[
        "for-each-ref",
        "--format=%(objectname) %(*objectname) %(refname)",
    ]);
    let mut edits = Vec::new();
    for line in listed
        .bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let oid = ObjectId::from_hex(words.next().unwrap()).unwrap();
        let peeled = ObjectId::from_hex(words.next().unwrap());
        let name = RefName::new(words.next().unwrap()).unwrap();
        let expected = now(&name).map_or(Expected::Absent, Expected::Exactly);
        edits.push(RefEdit {
            name,
            new: Some(RefValue { oid, peeled }),
            expected,
            leased: false,
            continues: true,
        });
    }
    let here: Vec<_> = edits.iter().map(|edit| edit.name.clone()).collect();
    for (name, value) in at.iter().flat_map(|at| at.refs.iter()) {
        if !here.contains(&name) {
            edits.push(RefEdit {
                name,
                new: None,
                expected: Expected::Exactly(value.oid),
                leased: false,
                continues: true,
            });
        }
    }
    let repository = Repository::open(local(repo)).await.unwrap();
    let request = PushRequest {
        edits: edits.into(),
        atomic: true,
        dry_run: false,
        prefer_head: repository.head().await.unwrap(),
        options: Vec::new(),
        progress: false,
    };
    let outcomes = remote
        .push(&repository, at.clone(), &request)
        .await
        .unwrap();
    assert!(
        !outcomes
            .iter()
            .any(|one| matches!(one, Outcome::Refused(_))),
        "{outcomes:?}"
    );
}

/// Runs the script, and compares what it made with what was pushed.
fn restore_and_compare(repo: &Repo, bucket: &Path, folder: &Path) {
    let (file, target) = (folder.join("restore.sh"), folder.join("restored.git"));
    std::fs::write(&file, script()).unwrap();
    let mut command = repo.git().program("sh");
    command.arg(&file).arg(bucket).arg(&target);
    let out = testkit::git::run(command, b"");
    assert!(out.ok(), "{}\n{}", out.stdout, out.stderr);
    let restored = Repo::at(repo.git(), &target);
    let list = ["for-each-ref", "--format=%(refname) %(objectname)"];
    assert_eq!(restored.git().run(&list).bytes, repo.git().run(&list).bytes);
    // The first push decided it; where the local HEAD went later does not matter.
    assert_eq!(restored.ok(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    restored.fsck();
    let (mut ours, mut theirs) = (repo.reachable(), restored.reachable());
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

/// The `zstd` command is not on every machine; where it is not, one that only unpacks.
#[expect(clippy::disallowed_methods, reason = "looks for a program on PATH")]
fn with_zstd(repo: Repo, bucket: &Path, folder: &Path) -> Repo {
    let found = std::process::Command::new("zstd").arg("--version").output();
    if found.is_ok_and(|out| out.status.success()) {
        return repo;
    }
    let bin = folder.join("bin");
    std::fs::create_dir(&bin).unwrap();
    for table in bucket.join("pail/refs").read_dir().unwrap() {
        let table = table.unwrap();
        let text = zstd::stream::decode_all(std::fs::File::open(table.path()).unwrap()).unwrap();
        std::fs::write(bin.join(table.file_name()), text).unwrap();
    }
    let manifest = std::fs::read(bucket.join("pail/manifest.json")).unwrap();
    let text = zstd::stream::decode_all(&manifest[..]).unwrap();
    std::fs::write(bin.join("manifest.json"), text).unwrap();
    let fake = bin.join("zstd");
    std::fs::write(&fake, "#!/bin/sh\ncat \"${0%/*}/${2##*/}\"\n").unwrap();
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    repo.with_bin(bin)
}

#[tokio::test]
async fn a_small_repository_is_restored_without_this_program() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = dir.path().join("bucket");
    let repo = Repo::init(dir.path().join("work"));
    repo.commit("a.txt", "one\n");
    push_all(&repo, &bucket).await;
    repo.annotated_tag("v1");
    repo.switch("side").commit("b.txt", "two\n");
    push_all(&repo, &bucket).await;
    restore_and_compare(&repo, &bucket, dir.path());
}

#[tokio::test]
async fn a_repository_of_many_refs_and_a_large_pack_is_restored_too() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = dir.path().join("bucket");
    let repo = Repo::init_with(
        &testkit::git::Git::new(),
        dir.path().join("work"),
        &["--object-format=sha256"],
    );
    let first = repo.commit("a.txt", "one\n");
    // Random text does not shrink below the size from which on an index is stored.
    repo.grow("large", 30, 30, 100_000);
    let mut refs = String::new();
    for number in 0..600 {
        let _ = writeln!(refs, "create refs/heads/many-{number:04} {first}");
    }
    repo.git()
        .ok_with(&["update-ref", "--stdin"], refs.as_bytes());
    push_all(&repo, &bucket).await;
    // Over the table: a new ref that is no UTF-8, one that moves, one that goes. And so many
    // others that the manifest is packed.
    let moved = repo.empty_commit("moved");
    let odd = [
        &b"create refs/heads/caf\xe9-100% "[..],
        moved.as_bytes(),
        b"\n",
    ]
    .concat();
    repo.git().ok_with(&["update-ref", "--stdin"], &odd);
    repo.ok(&["update-ref", "refs/heads/many-0001", &moved]);
    repo.ok(&["update-ref", "-d", "refs/heads/many-0002"]);
    for number in 0..60 {
        repo.ok(&["update-ref", &format!("refs/heads/more-{number}"), &moved]);
    }
    push_all(&repo, &bucket).await;
    let manifest = std::fs::read(bucket.join("pail/manifest.json")).unwrap();
    assert!(manifest.starts_with(b"\x28\xb5\x2f\xfd"), "a zstd frame");
    let names = |folder: &str| bucket.join(folder).read_dir().unwrap().count();
    assert_eq!(names("pail/refs"), 1, "one base table");
    assert_eq!(
        names("objects/pack"),
        3,
        "two packs, and the index of the large one"
    );
    let repo = with_zstd(repo, &bucket, dir.path());
    restore_and_compare(&repo, &bucket, dir.path());
}
