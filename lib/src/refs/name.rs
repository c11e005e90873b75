//! Names of refs, checked as git checks them.

use crate::error::{Error, ErrorKind, Result};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The full name of a ref, such as `refs/heads/main`: bytes, not always UTF-8. Clones share
/// them: a million names stand in several lists at the same time.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefName(Arc<[u8]>);

impl RefName {
    /// Longest name that is accepted, in bytes. Git itself has no bound, file systems do.
    pub const MAX_LEN: usize = 4096;

    /// Checks a name by the rules of git-check-ref-format(1), and that it starts with `refs/`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`], saying which rule was broken.
    pub fn new(name: impl Into<Vec<u8>>) -> Result<Self> {
        let name = name.into();
        Self::check(&name)?;
        Ok(Self(name.into()))
    }

    /// As [`RefName::new`], without keeping the name.
    ///
    /// # Errors
    ///
    /// As [`RefName::new`].
    pub fn check(name: &[u8]) -> Result<()> {
        match fault(name) {
            None => Ok(()),
            Some(why) => {
                let message = format!("'{}' is no ref name: {why}", name.escape_ascii());
                Err(Error::new(ErrorKind::Invalid, message))
            }
        }
    }

    /// Takes a name that was checked when it was read.
    pub(crate) fn trusted(name: &[u8]) -> Self {
        Self(name.into())
    }

    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is a branch: `refs/heads/…`.
    pub fn is_branch(&self) -> bool {
        self.0.starts_with(b"refs/heads/")
    }

    /// The names of the folders above this ref, nearest first: for `refs/heads/a/b` these
    /// are `refs/heads/a` and `refs/heads`. A ref of such a name cannot stand beside it.
    pub fn parents(&self) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .enumerate()
            .rev()
            .filter(|(at, byte)| **byte == b'/' && *at > b"refs".len())
            .map(|(at, _)| &self.0[..at])
    }
}

/// The rule that a name breaks, in the order of git-check-ref-format(1).
fn fault(name: &[u8]) -> Option<&'static str> {
    if name.len() > RefName::MAX_LEN {
        return Some("it is too long");
    }
    let Some(rest) = name.strip_prefix(b"refs/") else {
        return Some("it does not start with refs/");
    };
    if rest.is_empty() {
        return Some("nothing follows refs/");
    }
    for part in name.split(|byte| *byte == b'/') {
        if part.is_empty() {
            return Some("it has an empty part");
        }
        if part.starts_with(b".") {
            return Some("a part starts with a dot");
        }
        if part.ends_with(b".lock") {
            return Some("a part ends with .lock");
        }
    }
    if name.ends_with(b".") {
        return Some("it ends with a dot");
    }
    if name.windows(2).any(|pair| pair == b"..") {
        return Some("it holds two dots in a row");
    }
    if name.windows(2).any(|pair| pair == b"@{") {
        return Some("it holds @{");
    }
    let forbidden = |byte: &u8| *byte < 0x20 || *byte == 0x7f || b" ~^:?*[\\".contains(byte);
    name.iter()
        .any(forbidden)
        .then_some("it holds a space, a control character or one of ~^:?*[\\")
}

/// Order and equality are those of the bytes, so that maps can be asked by bytes.
impl Borrow<[u8]> for RefName {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for RefName {
    /// Shows bytes that are not UTF-8 as the replacement character, as a terminal would.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_git_check_ref_format_judges_them() {
        for good in [
            "refs/heads/main",
            "refs/heads/a/b",
            "refs/tags/v1.0",
            "refs/stash",
            "refs/heads/@",
            "refs/heads/-x",
        ] {
            assert!(RefName::new(good).is_ok(), "{good}");
        }
        assert!(RefName::new(b"refs/heads/caf\xe9".to_vec()).is_ok());
        for bad in [
            "HEAD",
            "refs/",
            "refs//a",
            "refs/heads/",
            "refs/heads/.a",
            "refs/heads/a..b",
            "refs/heads/a.lock",
            "refs/heads/a.lock/b",
            "refs/heads/a b",
            "refs/heads/a~1",
            "refs/heads/a^",
            "refs/heads/a:b",
            "refs/heads/a?",
            "refs/heads/a*",
            "refs/heads/a[",
            "refs/heads/a\\b",
            "refs/heads/a@{0}",
            "refs/heads/a.",
            "refs/heads/a\nb",
            "/refs/heads/a",
            "refs/heads/a/../b",
        ] {
            assert!(RefName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_folders_above_a_ref_are_listed_nearest_first() {
        let name = RefName::new("refs/heads/a/b").unwrap();
        let parents: Vec<_> = name.parents().collect();
        assert_eq!(parents, [&b"refs/heads/a"[..], b"refs/heads"]);
    }
}
