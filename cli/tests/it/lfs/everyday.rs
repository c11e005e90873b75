//! What people do every day, on every service and with both versions of git-lfs.

use super::{Lfs, file, objects, oid};
use crate::it::world::{World, on_every_service};
use testkit::seed::Chance;
use testkit::services;

on_every_service!(
    objects_go_where_the_commits_go,
    objects_come_when_they_are_asked_for,
);

fn objects_go_where_the_commits_go(world: &World) {
    let small = b"small\n".to_vec();
    // More than one part.
    let large = Chance::new(1).bytes(9 << 20);
    let url = world.url();
    for (nth, folder) in services::git_lfs().into_iter().enumerate() {
        let lfs = Lfs::with(world, folder);
        let repo = lfs.repo(&format!("work-{nth}"), &url);
        repo.write("small.bin", &small);
        repo.write("deep/er/small.bin", &small);
        repo.write("large.bin", &large);
        repo.write("empty.bin", b"");
        repo.ok(&["add", "."]);
        repo.ok(&["commit", "-q", "-m", "large files"]);
        let branch = format!("main:refs/heads/b{nth}");
        repo.ok(&["push", "-q", "origin", &branch]);
        let mut expected = vec![oid(&small), oid(&large)];
        expected.sort();
        assert_eq!(objects(world.bucket()), expected);
        let key = format!("lfs/{}", oid(&small));
        assert_eq!(world.bucket().read(&key).unwrap(), small);

        let name = format!("clone-{nth}");
        let path = world.text(&name);
        let args = ["clone", "-q", "-b", &format!("b{nth}"), &url, &path];
        lfs.git.ok(&args);
        let clone = testkit::repo::Repo::at(&lfs.git, &path);
        assert_eq!(file(&clone, "deep/er/small.bin"), small);
        assert!(file(&clone, "large.bin") == large);
        assert_eq!(file(&clone, "empty.bin"), b"");
        assert_eq!(clone.ok(&["status", "--porcelain"]), "");
        clone.ok(&["lfs", "fsck"]);
    }
}

fn objects_come_when_they_are_asked_for(world: &World) {
    let lfs = Lfs::new(world);
    let url = world.url();
    let repo = lfs.repo("work", &url);
    repo.commit("a.bin", "one\n");
    repo.commit("a.bin", "two\n");
    repo.ok(&["push", "-q", "-u", "origin", "main"]);
    assert_eq!(objects(world.bucket()).len(), 2);

    let git = lfs.git.with_env("GIT_LFS_SKIP_SMUDGE", "1");
    let path = world.path("clone");
    testkit::repo::Repo::clone_of(&git, &url, &path, &[]);
    let clone = testkit::repo::Repo::at(&lfs.git, &path);
    assert!(file(&clone, "a.bin").starts_with(b"version https://git-lfs"));
    clone.ok(&["lfs", "pull"]);
    assert_eq!(file(&clone, "a.bin"), b"two\n");
    clone.ok(&["lfs", "fetch", "--all"]);
    clone.ok(&["checkout", "-q", "HEAD~1"]);
    assert_eq!(file(&clone, "a.bin"), b"one\n");
    clone.ok(&["checkout", "-q", "main"]);

    // Old objects go from the clone, and come back.
    clone.ok(&["-c", "lfs.pruneoffsetdays=0", "lfs", "prune", "--force"]);
    clone.ok(&["checkout", "-q", "HEAD~1"]);
    assert_eq!(file(&clone, "a.bin"), b"one\n");
    clone.ok(&["checkout", "-q", "main"]);
    assert!(
        clone
            .ok(&["lfs", "ls-files", "-l"])
            .starts_with(&oid(b"two\n"))
    );

    // What history holds as a blob becomes an object.
    repo.commit("plain.dat", "a blob\n");
    repo.ok(&[
        "lfs",
        "migrate",
        "import",
        "--include=*.dat",
        "--everything",
        "--yes",
    ]);
    repo.ok(&["push", "-q", "--force", "origin", "main"]);
    assert!(objects(world.bucket()).contains(&oid(b"a blob\n")));

    // All of another clone's, by hand.
    let other = lfs.repo("other", &url);
    other.commit("b.bin", "three\n");
    other.ok(&["lfs", "push", "--all", "origin"]);
    assert!(objects(world.bucket()).contains(&oid(b"three\n")));
}
