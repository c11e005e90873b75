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
    help: "folder for local copies of large ref tables and for downloads that were cut off; default $XDG_CACHE_HOME/pail or ~/.cache/pail",
};

/// Where such copies are kept if nothing else is said.
pub const XDG_CACHE_HOME: Variable = Variable {
    name: "XDG_CACHE_HOME",
    help: "the user's folder for caches; ours is pail in it",
};

/// Where the user's configuration lies.
pub const XDG_CONFIG_HOME: Variable = Variable {
    name: "XDG_CONFIG_HOME",
    help: "the user's folder for configuration, where `git pail maintenance start` puts timers of systemd; default ~/.config",
};

/// The user's own folder.
pub const HOME: Variable = Variable {
    name: "HOME",
    help: "the user's folder, where XDG_CACHE_HOME or XDG_CONFIG_HOME is not set",
};

/// Where programs are looked for.
pub const PATH: Variable = Variable {
    name: "PATH",
    help: "where git is found, and where `git pail install` looks for git-pail itself",
};

/// Every variable that the binary reads itself; those of the clouds are the library's.
pub const ALL: &[Variable] = &[CACHE, XDG_CACHE_HOME, XDG_CONFIG_HOME, HOME, PATH];

/// What `git pail demo` passes on to git: where temporary files and git's own programs
/// are, and the user's language. The rest of the environment stays outside.
pub const PASSED_ON: &[&str] = &[
    "TMPDIR",
    "TMP",
    "TEMP",
    "GIT_EXEC_PATH",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "SYSTEMROOT",
    "PATHEXT",
    "LANG",
    "LC_ALL",
    "LC_MESSAGES",
];

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
    let xdg = || read(XDG_CACHE_HOME.name).map(|folder| PathBuf::from(folder).join("pail"));
    let home = || read(HOME.name).map(|folder| PathBuf::from(folder).join(".cache/pail"));
    named.or_else(xdg).or_else(home)
}

/// The folders where programs are looked for, in order.
#[must_use]
pub fn program_folders() -> Vec<PathBuf> {
    let path = read(PATH.name).unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .collect()
}
