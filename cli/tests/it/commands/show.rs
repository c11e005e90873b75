//! `demo` and `version`, and how commands end.

use super::World;
use std::fs;
use testkit::git::run;

#[test]
fn the_demonstration_works_without_a_home_and_leaves_nothing() {
    let world = World::new();
    let (home, temp) = (world.path("home"), world.path("tmp"));
    fs::create_dir(&home).unwrap();
    fs::create_dir(&temp).unwrap();
    for home in [home.to_str().unwrap(), ""] {
        let mut command = world.git.program(env!("CARGO_BIN_EXE_git-pail"));
        command
            .arg("demo")
            .env("HOME", home)
            .env("TMPDIR", &temp)
            .env_remove("GIT_CONFIG_GLOBAL")
            .env_remove("XDG_CONFIG_HOME");
        let out = run(command, b"");
        assert!(out.ok(), "{}\n{}", out.stdout, out.stderr);
        for part in [
            "$ git -C ada push -u origin main\nTo pail::",
            "$ git clone pail::",
            "main       -> origin/main",
            "pail/manifest.json",
            "push  Ben <ben@example.org>",
            "which is removed now.",
        ] {
            assert!(out.stdout.contains(part), "{part}\n{}", out.stdout);
        }
        assert_eq!(fs::read_dir(&temp).unwrap().count(), 0);
    }
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
}

#[test]
fn a_demonstration_can_be_kept_in_an_empty_folder() {
    let world = World::new();
    let folder = world.path("kept");
    let shown = world.shown(&["demo", "--keep", folder.to_str().unwrap()]);
    assert!(shown.contains("was kept in"), "{shown}");
    assert!(folder.join("bucket/pail/manifest.json").is_file());
    let ls = world.json(&["ls", folder.join("bucket").to_str().unwrap(), "--json"]);
    assert_eq!(ls["generation"], 2);
    let again = world.fails(2, &["demo", "--keep", folder.to_str().unwrap()]);
    assert!(again.contains("is not empty"), "{again}");
}

#[test]
fn version_is_told_in_two_ways() {
    let world = World::new();
    let version = format!("git-pail {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(world.shown(&["--version"]), version);
    let shown = world.shown(&["version"]);
    assert!(shown.starts_with(&version), "{shown}");
    assert!(shown.contains("layout version 1\ngit version "), "{shown}");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let world = World::new();
    for args in [
        &["frobnicate"][..],
        &["ls", "--frobnicate"],
        &["init"],
        &["log", "-n", "many"],
        &["ls", "--refs", "--packs"],
        &["set-head", "origin"],
        &["completions", "tcsh"],
    ] {
        world.fails(2, args);
    }
    assert!(
        world.fails(2, &["instal"]).contains("install"),
        "it guesses what was meant"
    );
    assert_eq!(
        world.pail(&[]).status,
        2,
        "help goes to standard error then"
    );
}

#[test]
fn a_reader_that_goes_away_is_a_quiet_end() {
    let world = World::new();
    for args in [&["man"][..], &["--help"], &["demo"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = world.git.program(env!("CARGO_BIN_EXE_git-pail"));
        let out = command.args(args).stdout(writer).output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&out.stderr), "", "{args:?}");
    }
}
