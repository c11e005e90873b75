//! Where the programs of others are that `cargo xtask test` installs, each a folder for `PATH`.

use std::path::PathBuf;

/// The newest git-annex.
///
/// # Panics
///
/// If there is none: a test that was skipped would look like a test that passed.
#[track_caller]
pub fn annex() -> PathBuf {
    folder("PAIL_TEST_ANNEX")
}

/// The git-annex of Debian 12.
///
/// # Panics
///
/// If there is none, as for [`annex`].
#[track_caller]
pub fn old_annex() -> PathBuf {
    folder("PAIL_TEST_ANNEX_OLD")
}

#[track_caller]
fn folder(name: &str) -> PathBuf {
    match std::env::var_os(name) {
        Some(folder) => PathBuf::from(folder),
        None => panic!(
            "cannot find a program of the tests: {name} is not set; run `cargo xtask test` \
             (with --annex for old versions), or `cargo xtask services up` and \
             `eval \"$(cargo xtask env)\"` before `cargo nextest run`"
        ),
    }
}
