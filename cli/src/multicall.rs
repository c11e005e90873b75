//! The name we were called by decides what we are.

use std::ffi::OsString;
use std::path::Path;

/// What the program is, this time.
#[derive(Debug, PartialEq, Eq)]
pub enum Role {
    /// `git-remote-<scheme>`: git's remote helper.
    RemoteHelper,
    /// `git-annex-remote-pail`: a special remote of git-annex.
    AnnexAgent,
    /// `git-lfs-pail`: git-lfs's transfer agent.
    LfsAgent,
    /// `git-pail`, or any other name: the commands for people.
    Commands(Vec<OsString>),
}

/// The schemes whose helpers we are: `git-remote-<scheme>`.
pub use pail::store::SCHEMES;

/// The name by which git-annex calls us: `externaltype=pail`.
pub const ANNEX_AGENT: &str = "git-annex-remote-pail";

/// The name under which git-lfs calls us.
pub use crate::lfs_agent::settings::PROGRAM as LFS_AGENT;

/// The names under which git and its kin call us, beside `git-pail`.
pub fn names() -> impl Iterator<Item = String> {
    let helpers = SCHEMES.iter().map(|scheme| helper(scheme));
    helpers.chain([LFS_AGENT, ANNEX_AGENT].map(str::to_owned))
}

/// The name of the remote helper for a scheme.
#[must_use]
pub fn helper(scheme: &str) -> String {
    format!("git-remote-{scheme}")
}

/// Finds the role by the name in `args[0]`.
#[must_use]
pub fn role(args: &[OsString]) -> Role {
    let name = args
        .first()
        .and_then(|arg| Path::new(arg).file_name())
        .map(|name| name.to_string_lossy());
    let name = name.as_deref().unwrap_or_default();
    let name = name.strip_suffix(".exe").unwrap_or(name);
    if name.starts_with("git-remote-") {
        Role::RemoteHelper
    } else if name == ANNEX_AGENT {
        Role::AnnexAgent
    } else if name == LFS_AGENT {
        Role::LfsAgent
    } else {
        Role::Commands(args.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides() {
        let role = |name: &str| role(&[OsString::from(name)]);
        for scheme in SCHEMES {
            let name = format!("/usr/bin/{}", helper(scheme));
            assert_eq!(role(&name), Role::RemoteHelper);
        }
        assert_eq!(role("/usr/bin/git-annex-remote-pail"), Role::AnnexAgent);
        assert!(matches!(role("git-pail"), Role::Commands(_)));
        assert_eq!(role("/usr/bin/git-lfs-pail"), Role::LfsAgent);
    }
}
