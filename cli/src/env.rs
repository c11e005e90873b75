//! The environment variables that we read, in one table.

use std::ffi::OsString;
use std::path::PathBuf;

/// One environment variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// Where local copies of ref tables are kept.
pub const CACHE: Variable = Variable {
    name: "PAIL_CACHE",
    help: "folder for local copies of large ref tables; default $XDG_CACHE_HOME/pail or ~/.cache/pail",
};

/// Every variable that the binary reads itself; those of the clouds are the library's.
pub const ALL: [Variable; 1] = [CACHE];

/// Reads a variable.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the binary reads the environment"
)]
pub fn read(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder for local copies, if a place for it is known.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    let named = read(CACHE.name).map(PathBuf::from);
    let xdg = || read("XDG_CACHE_HOME").map(|folder| PathBuf::from(folder).join("pail"));
    let home = || read("HOME").map(|folder| PathBuf::from(folder).join(".cache/pail"));
    named.or_else(xdg).or_else(home)
}
