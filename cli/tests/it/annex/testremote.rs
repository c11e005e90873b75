//! git-annex's own test of special remotes, on every store.
//!
//! The usual run takes it in short with the newest git-annex. `cargo xtask test --annex` takes
//! all of it: two versions, many jobs in one process and one process a job, short and whole.

use super::site::Site;
use crate::it::world::{World, script};
use std::time::Duration;
use testkit::git::run_within;

/// How many tests it has.
const SHORT: u32 = 125;
const WHOLE: u32 = 573;

/// The whole test moves some thousand files for each of its eight kinds.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Which git-annex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Newest,
    Old,
}

/// Whether one process serves many jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jobs {
    Shared,
    Apart,
}

macro_rules! on_every_store {
    ($($module:ident $world:ident),* $(,)?) => {
        $(mod $module {
            use super::{Age::*, Jobs::*, SHORT, WHOLE, take};
            use crate::it::world::World;

            #[test]
            fn short() {
                take(World::$world(), Newest, Shared, SHORT);
            }

            #[test]
            #[ignore = "for `cargo xtask test --annex`"]
            fn short_apart() {
                take(World::$world(), Newest, Apart, SHORT);
            }

            #[test]
            #[ignore = "for `cargo xtask test --annex`"]
            fn short_old() {
                take(World::$world(), Old, Shared, SHORT);
            }

            #[test]
            #[ignore = "for `cargo xtask test --annex`"]
            fn short_old_apart() {
                take(World::$world(), Old, Apart, SHORT);
            }

            #[test]
            #[ignore = "for `cargo xtask test --annex`"]
            fn heavy_whole() {
                take(World::$world(), Newest, Shared, WHOLE);
            }

            #[test]
            #[ignore = "for `cargo xtask test --annex`"]
            fn heavy_whole_apart() {
                take(World::$world(), Newest, Apart, WHOLE);
            }

            #[test]
            #[ignore = "for `cargo xtask test --annex`"]
            fn heavy_whole_old() {
                take(World::$world(), Old, Shared, WHOLE);
            }

            #[test]
            #[ignore = "for `cargo xtask test --annex`"]
            fn heavy_whole_old_apart() {
                take(World::$world(), Old, Apart, WHOLE);
            }
        })*
    };
}

on_every_store!(
    on_folder folder,
    on_s3 s3,
    on_google google,
    on_azure azure,
);

/// Takes the test, of which so many must pass.
fn take(world: World, age: Age, jobs: Jobs, count: u32) {
    let apart = apart(&world);
    let mut site = Site::ours(world);
    if age == Age::Old {
        site = site.old();
    }
    if jobs == Jobs::Apart {
        site = site.with_bin(apart);
    }
    let repo = site.repo("work");
    site.init_remote(&repo, "r", &["encryption=none"]);
    let mut words = vec!["annex", "testremote", "r"];
    if count == SHORT {
        words.push("--fast");
    }
    let out = run_within(PATIENCE, repo.git().command(&words), b"");
    let passed = format!("All {count} tests passed");
    assert!(
        out.ok() && out.stdout.contains(&passed),
        "{}\n{}",
        out.stdout,
        out.stderr
    );
}

/// A folder whose `git-annex-remote-pail` is ours, but does not hear that many jobs could
/// share one process.
fn apart(world: &World) -> std::path::PathBuf {
    let folder = world.path("apart");
    std::fs::create_dir_all(folder.join("link")).unwrap();
    let link = folder.join("link").join("git-annex-remote-pail");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_git-pail"), &link).unwrap();
    let text = format!(
        "sed -u '/^EXTENSIONS /s/ ASYNC//' | '{}' \"$@\"",
        link.display()
    );
    script(&folder.join("git-annex-remote-pail"), &text);
    folder
}
