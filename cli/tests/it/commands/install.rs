//! `install` and `uninstall`.

use super::World;
use git_pail::multicall;
use std::fs;
use testkit::git::run;
use testkit::repo::Repo;

#[test]
fn installing_twice_is_installing_once_and_uninstalling_leaves_nothing() {
    let world = World::new();
    let bin = world.path("prefix/bin");
    let args = ["install", "--dir", bin.to_str().unwrap()];
    let first = world.pail(&args);
    assert!(first.ok(), "{}", first.stderr);
    let tree = world.tree("prefix");
    for name in multicall::names() {
        assert!(bin.join(&name).is_symlink(), "{name}");
    }
    assert!(world.path("prefix/share/man/man1/git-pail-ls.1").is_file());
    let again = world.shown(&args);
    assert!(
        again.contains("git-remote-pail is there already"),
        "{again}"
    );
    assert_eq!(world.tree("prefix"), tree);

    world.shown(&["uninstall", "--dir", bin.to_str().unwrap()]);
    assert_eq!(world.tree("prefix"), [format!("{} ", bin.display())]);
    let nothing = world.shown(&["uninstall", "--dir", bin.to_str().unwrap()]);
    assert!(nothing.contains("there is nothing of ours"), "{nothing}");
}

#[test]
fn links_beside_the_program_say_its_name_only_and_move_with_it() {
    let world = World::new();
    let bin = world.path("bin");
    fs::create_dir(&bin).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_git-pail"), bin.join("git-pail")).unwrap();
    // As a user calls it right after `cargo install`: by name, through git.
    let git = world.git.with_bin(&bin);
    git.ok(&["pail", "install"]);
    let link = fs::read_link(bin.join("git-remote-s3")).unwrap();
    assert_eq!(link.to_str(), Some("git-pail"));
    let page = world.path("share/man/man1/git-pail.1");
    assert!(page.is_file(), "man pages go beside a bin");

    fs::rename(&bin, world.path("moved")).unwrap();
    let mut helper = world.git.program(world.path("moved/git-remote-pail"));
    helper.args(["origin", &world.url()]);
    let out = run(helper, b"capabilities\n\n");
    assert!(out.stdout.contains("push"), "{}", out.stderr);
}

#[test]
fn a_link_that_a_package_manager_made_is_the_one_that_is_named() {
    let world = World::new();
    let (bin, cellar) = (world.path("bin"), world.path("cellar"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&cellar).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_git-pail"), cellar.join("git-pail")).unwrap();
    std::os::unix::fs::symlink("../cellar/git-pail", bin.join("git-pail")).unwrap();
    world
        .git
        .with_bin(&bin)
        .ok(&["pail", "install", "--no-man"]);
    assert!(bin.join("git-remote-pail").is_symlink());
    assert!(!cellar.join("git-remote-pail").exists());
}

#[test]
fn a_file_of_another_tool_is_not_touched() {
    let world = World::new();
    let bin = world.path("bin");
    fs::create_dir(&bin).unwrap();
    let dir = bin.to_str().unwrap();
    let other = bin.join("git-remote-s3");
    fs::write(&other, "#!/usr/bin/env python3\n").unwrap();
    let other_link = bin.join("git-remote-s3+http");
    std::os::unix::fs::symlink("/opt/other/tool", &other_link).unwrap();

    let said = world.fails(1, &["install", "--no-man", "--dir", dir]);
    assert!(said.contains("git-remote-s3 is not ours"), "{said}");
    assert!(said.contains("hint: write pail::s3://"), "{said}");
    assert!(said.contains("--force"), "{said}");
    assert!(
        bin.join("git-remote-pail").is_symlink(),
        "the others are made"
    );
    assert!(bin.join("git-remote-s3+https").is_symlink());

    world.shown(&["install", "--no-man", "--dir", dir, "--only", "pail"]);
    world.shown(&["uninstall", "--dir", dir]);
    assert_eq!(
        fs::read_to_string(&other).unwrap(),
        "#!/usr/bin/env python3\n"
    );
    assert!(other_link.is_symlink());
    assert_eq!(fs::read_dir(&bin).unwrap().count(), 2, "only theirs stay");

    world.shown(&["install", "--no-man", "--dir", dir, "--force"]);
    assert!(other.is_symlink());
}

#[test]
fn only_the_named_schemes_get_links() {
    let world = World::new();
    let dir = world.path("bin");
    let dir = dir.to_str().unwrap();
    world.shown(&["install", "--no-man", "--dir", dir, "--only", "pail,s3"]);
    assert_eq!(
        world.tree("bin").len(),
        3,
        "two helpers, and git-lfs's agent"
    );
    let said = world.fails(2, &["install", "--dir", dir, "--only", "gopher"]);
    assert!(
        said.contains("s3+https"),
        "it names those that there are: {said}"
    );
}

#[test]
fn git_lfs_is_told_once_and_what_others_told_it_stays() {
    let world = World::new();
    let dir = world.path("bin");
    let dir = dir.to_str().unwrap();
    let set = || {
        let out = world
            .git
            .run(&["config", "--global", "--get-regexp", "^lfs"]);
        out.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    world.shown(&["install", "--no-man", "--dir", dir, "--no-lfs"]);
    assert!(set().is_empty());
    assert!(!world.path("bin/git-lfs-pail").exists());

    let other = "lfs.https://gs.standalonetransferagent";
    world.git.config(other, "another");
    let out = world.pail(&["install", "--no-man", "--dir", dir]);
    assert!(
        out.ok() && out.stderr.contains("'another'"),
        "{}",
        out.stderr
    );
    assert!(world.path("bin/git-lfs-pail").is_symlink());
    let first = set();
    for line in [
        "lfs.customtransfer.pail.path git-lfs-pail",
        "lfs.https://s3.standalonetransferagent pail",
        "lfs.https://az+http.locksverify false",
        "lfs.pail::.standalonetransferagent pail",
    ] {
        assert!(first.iter().any(|set| set == line), "{line}: {first:?}");
    }
    world.shown(&["install", "--no-man", "--dir", dir]);
    assert_eq!(set(), first);

    world.shown(&["uninstall", "--dir", dir]);
    assert_eq!(set(), [format!("{other} another")]);
}

#[test]
fn a_copy_and_a_dangling_link_of_an_older_version_are_replaced() {
    let world = World::new();
    let bin = world.path("bin");
    fs::create_dir(&bin).unwrap();
    let dir = bin.to_str().unwrap();
    let copy = bin.join("git-remote-s3");
    fs::copy(env!("CARGO_BIN_EXE_git-pail"), &copy).unwrap();
    let dangling = bin.join("git-remote-pail");
    std::os::unix::fs::symlink("/gone/bin/git-pail", &dangling).unwrap();
    let shown = world.shown(&["install", "--no-man", "--dir", dir]);
    assert!(shown.contains("replaced"), "{shown}");
    assert!(copy.is_symlink() && dangling.exists());

    fs::remove_file(&copy).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_git-pail"), &copy).unwrap();
    world.shown(&["uninstall", "--dir", dir]);
    assert_eq!(world.tree("bin").len(), 0);
}

#[test]
fn what_git_would_not_find_is_warned_of() {
    let mut world = World::new();
    let (first, second) = (world.path("first"), world.path("second"));
    let args = ["install", "--no-man", "--dir", second.to_str().unwrap()];
    let out = world.pail(&args);
    assert!(out.stderr.contains("is not on PATH"), "{}", out.stderr);

    world.shown(&["uninstall", "--dir", second.to_str().unwrap()]);
    fs::create_dir(&first).unwrap();
    fs::write(first.join("git-remote-s3"), "#!/bin/sh\n").unwrap();
    world.git = world.git.with_bin(&second).with_bin(&first);
    let out = world.pail(&args);
    assert!(!out.stderr.contains("is not on PATH"), "{}", out.stderr);
    assert!(out.stderr.contains("git finds"), "{}", out.stderr);
}

#[test]
fn submodules_work_once_they_are_allowed_and_uninstall_takes_that_away() {
    let world = World::installed();
    let inner = world.repo();
    inner.commit("a", "one\n");
    inner.ok(&["push", "-q", "origin", "main"]);
    let outer = Repo::init_with(&world.git, world.path("outer"), &[]);
    let add = ["submodule", "--quiet", "add", &world.url(), "sub"];
    assert!(outer.fails(&add).contains("not allowed"));

    let bin = world.path("bin");
    let dir = bin.to_str().unwrap();
    world.git.config("protocol.s3.allow", "never");
    let install = ["install", "--no-man", "--dir", dir, "--allow-submodules"];
    let out = world.pail(&install);
    assert!(out.ok() && out.stderr.contains("'never'"), "{}", out.stderr);
    assert!(
        out.stdout.contains("set protocol.pail.allow"),
        "{}",
        out.stdout
    );
    outer.ok(&add);
    assert_eq!(
        fs::read_to_string(world.path("outer/sub/a")).unwrap(),
        "one\n"
    );

    world.shown(&["uninstall", "--dir", dir]);
    let kept = world
        .git
        .ok(&["config", "--global", "--get-regexp", "^protocol"]);
    assert_eq!(kept, "protocol.s3.allow never", "what is not ours stays");
}
