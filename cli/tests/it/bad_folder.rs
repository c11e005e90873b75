//! A folder that is not what it should be: what only a file system can do.

use crate::it::bad_input::refused;
use crate::it::world::{World, leftovers};
use testkit::repo::Repo;

#[test]
fn a_manifest_of_terabytes_is_not_read() {
    let world = World::folder();
    let source = world.pushed("source");
    let path = world.bucket().path().join("pail/manifest.json");
    let good = std::fs::read(&path).unwrap();
    for size in [65 << 20, 1 << 40] {
        std::fs::File::create(&path).unwrap().set_len(size).unwrap();
        let target = world.text("clone");
        for args in [
            &["ls-remote", &world.url()][..],
            &["clone", "-q", &world.url(), &target],
        ] {
            let out = world.git().run(args);
            assert_eq!(out.status, 128, "{}", out.stderr);
            assert!(
                out.stderr.contains(&format!("it has {size} bytes")),
                "{}",
                out.stderr
            );
        }
        let said = source.fails(&["push", "origin", "HEAD:refs/heads/x"]);
        assert!(said.contains("the manifest"), "{said}");
    }
    std::fs::write(&path, good).unwrap();
    world.mirror();
}

#[test]
fn a_file_in_place_of_the_folder_is_told() {
    let world = World::folder();
    std::fs::write(world.bucket().path(), "a file").unwrap();
    let source = world.repo("source");
    source.commit("a", "one\n");
    let said = source.fails(&["push", "origin", "main"]);
    assert!(
        said.contains("hint: a file stands where a folder is needed"),
        "{said}"
    );
    assert_eq!(std::fs::read(world.bucket().path()).unwrap(), b"a file");
}

#[test]
fn a_folder_in_place_of_a_file_is_told() {
    let world = World::folder();
    let source = world.pushed("source");
    let path = world.bucket().path().join("pail/manifest.json");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let said = source.fails(&["push", "origin", "main:new"]);
    assert!(
        !said.contains("panicked") && said.contains("error: "),
        "{said}"
    );
}

#[test]
fn a_folder_that_is_missing_above_is_told() {
    let world = World::folder();
    let source = world.repo("source");
    source.commit("a", "one\n");
    let url = format!("pail::{}/not/there", world.text("nowhere"));
    let said = source.fails(&["push", &url, "main"]);
    assert!(said.contains("error: "), "{said}");
    assert!(!world.path("nowhere").exists());
}

#[test]
fn a_link_in_a_bucket_leads_nowhere() {
    let world = World::folder();
    let source = world.pushed("source");
    let path = world.bucket().path().join("pail/manifest.json");
    let moved = world.path("moved.json");
    std::fs::rename(&path, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &path).unwrap();
    let before = std::fs::read(&moved).unwrap();
    let out = source.git().run(&["push", "origin", "main:new"]);
    assert!(!out.stderr.contains("panicked"), "{}", out.stderr);
    assert_eq!(std::fs::read(&moved).unwrap(), before);
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    // /dev/full cannot stand in for a folder; a limit on the size of files can.
    let world = World::folder();
    let source = world.pushed("source");
    let before = world.bucket().everything();
    let mut chance = testkit::seed::Chance::new(9);
    let bytes = chance.bytes(1_600_000);
    source.commit("large", bytes);
    let mut shell = source.git().program("sh");
    shell.args(["-c", "ulimit -f 600; trap '' XFSZ; git push origin main"]);
    let out = testkit::git::run(shell, b"");
    assert!(!out.ok(), "{}", out.stderr);
    assert!(out.stderr.contains("[remote rejected]"), "{}", out.stderr);
    assert_eq!(world.bucket().everything(), before);
    assert_eq!(leftovers(&source), Vec::<String>::new());
    source.ok(&["push", "-q"]);
    world.mirror();
}

#[test]
fn the_helper_called_by_hand_says_what_it_is() {
    let world = World::folder();
    let helper = world.git().program("git-remote-pail");
    let out = testkit::git::run(helper, b"");
    assert_eq!(out.status, 2);
    assert!(
        out.stderr.contains("this program is called by git"),
        "{}",
        out.stderr
    );
    let source = world.pushed("source");
    refused_is_a_judge(&world, &source);
}

/// The judge of this file must be able to fail.
fn refused_is_a_judge(world: &World, source: &Repo) {
    let sound = std::panic::AssertUnwindSafe(|| refused(world, source, "sound", &[""]));
    assert!(std::panic::catch_unwind(sound).is_err());
}
