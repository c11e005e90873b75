//! The file of the locks: bytes ⇄ [`LockList`], and what may be changed in it.

use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::key::Key;
use crate::large_files::swapped::Document;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the file that is written and read.
const VERSION: u64 = 1;

/// Most locks of one repository.
pub const MAX_LOCKS: usize = 10_000;

/// Longest path that can be locked, in bytes.
const MAX_PATH: usize = 4096;

/// A path that one person works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// 32 hex digits of fresh chance.
    pub id: String,
    /// The path from the top of the repository, with `/` between its parts.
    pub path: String,
    /// Who holds it: `Name <mail>`.
    pub owner: String,
    /// When it was taken, in seconds since 1970, by the holder's clock.
    pub time: i64,
    /// What a newer program wrote beside that.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Lock {
    /// Whether it is held by this person. The mail address decides, without case; where one
    /// of the two has none, the whole text does.
    #[must_use]
    pub fn is_of(&self, who: &str) -> bool {
        match (mail(&self.owner), mail(who)) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            _ => self.owner == who,
        }
    }
}

/// The mail address of `Name <mail>`.
fn mail(who: &str) -> Option<&str> {
    let (_, rest) = who.rsplit_once('<')?;
    Some(rest.strip_suffix('>')?.trim()).filter(|mail| !mail.is_empty())
}

/// All locks of a repository, as they lie in its bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockList {
    version: u64,
    write_id: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    leased: bool,
    /// The locks, in the order of their paths; one path has one at most.
    pub locks: Vec<Lock>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl LockList {
    /// The lock of this id.
    pub fn get(&self, id: &str) -> Option<&Lock> {
        self.locks.iter().find(|lock| lock.id == id)
    }

    /// Adds a lock; if the path has one already, that one stays and is answered.
    pub(super) fn add(&mut self, lock: &Lock) -> Option<Lock> {
        match self
            .locks
            .binary_search_by(|other| other.path.cmp(&lock.path))
        {
            Ok(at) => self.locks.get(at).cloned(),
            Err(at) => {
                self.locks.insert(at, lock.clone());
                None
            }
        }
    }

    /// Takes a lock out.
    pub(super) fn remove(&mut self, id: &str) {
        self.locks.retain(|lock| lock.id != id);
    }
}

impl Document for LockList {
    const WHAT: &'static str = "the locks";
    const MAX_BYTES: u64 = 8 << 20;

    fn key() -> Result<Key> {
        keys::locks()
    }

    fn leased(&self) -> bool {
        self.leased
    }

    fn new(leased: bool) -> Self {
        Self {
            version: VERSION,
            write_id: String::new(),
            leased,
            locks: Vec::new(),
            unknown: Map::new(),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Head {
            version: u64,
        }
        let bad = |why: &dyn std::fmt::Display| {
            let message = format!("cannot read the locks: {why}");
            Error::new(ErrorKind::Corrupt, message)
                .with_hint("delete pail/locks.json to begin anew; nothing but the locks is in it")
        };
        let head: Head = serde_json::from_slice(bytes).map_err(|error| bad(&error))?;
        if head.version != VERSION {
            let message = format!(
                "cannot read the locks: they are of version {}, this program knows {VERSION}",
                head.version
            );
            return Err(
                Error::new(ErrorKind::Unsupported, message).with_hint("use a newer git-pail")
            );
        }
        let mut list: Self = serde_json::from_slice(bytes).map_err(|error| bad(&error))?;
        list.locks.sort_by(|one, other| one.path.cmp(&other.path));
        if list.locks.len() > MAX_LOCKS {
            return Err(bad(&format!("there are {}", list.locks.len())));
        }
        for lock in &list.locks {
            check_path(&lock.path).map_err(|error| bad(&error))?;
            if !is_word(&lock.id) || !is_line(&lock.owner) {
                return Err(bad(&format!("the lock of '{}' is broken", lock.path)));
            }
        }
        Ok(list)
    }

    fn encode(&mut self, write_id: String) -> Result<Vec<u8>> {
        self.write_id = write_id;
        let mut bytes = serde_json::to_vec(self).map_err(|error| {
            let message = format!("cannot write the locks: {error}");
            Error::new(ErrorKind::Local, message).with_source(error)
        })?;
        bytes.push(b'\n');
        if bytes.len() as u64 > Self::MAX_BYTES || self.locks.len() > MAX_LOCKS {
            let message = format!("cannot lock more: there are {} locks", self.locks.len());
            return Err(Error::new(ErrorKind::Invalid, message)
                .with_hint("`git pail locks` shows them; unlock what nobody works on"));
        }
        Ok(bytes)
    }
}

/// Whether this is a path that git could have.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] saying why it is not.
pub fn check_path(path: &str) -> Result<()> {
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && part != ".git";
    let good = path.len() <= MAX_PATH && is_line(path) && path.split('/').all(part);
    if good {
        return Ok(());
    }
    let message = format!("'{}' is no path in a repository", path.escape_debug());
    Err(Error::new(ErrorKind::Invalid, message)
        .with_hint("write it from the top of the repository, with / between its parts"))
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(path: &str, owner: &str) -> Lock {
        Lock {
            id: "0".repeat(32),
            path: path.to_owned(),
            owner: owner.to_owned(),
            time: 7,
            unknown: Map::new(),
        }
    }

    #[test]
    fn the_mail_address_says_whose_it_is() {
        let held = lock("a", "Ada <ada@example.org>");
        assert!(held.is_of("A. Lovelace <Ada@Example.org>"));
        assert!(!held.is_of("Ada <other@example.org>"));
        assert!(!held.is_of("Ada <>") && !lock("a", "Ada <>").is_of("Bob <>"));
        assert!(lock("a", "Ada <>").is_of("Ada <>"));
    }

    #[test]
    fn what_is_written_is_read_and_what_is_unknown_stays() {
        let text = r#"{"version":1,"write_id":"1","locks":[{"id":"2","path":"a/b","owner":"o","time":3,"note":"n"}],"more":[4]}"#;
        let mut list = LockList::decode(text.as_bytes()).unwrap();
        assert_eq!(list.get("2").unwrap().time, 3);
        let bytes = list.encode("1".to_owned()).unwrap();
        assert_eq!(bytes, format!("{text}\n").into_bytes());
    }

    #[test]
    fn one_path_has_one_lock() {
        let mut list = LockList::new(false);
        for path in ["b", "a", "c"] {
            assert_eq!(list.add(&lock(path, "Ada <a>")), None);
        }
        let other = list.add(&lock("a", "Bob <b>")).unwrap();
        assert_eq!(other.owner, "Ada <a>");
        let paths: Vec<_> = list.locks.iter().map(|lock| &*lock.path).collect();
        assert_eq!(paths, ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        for (text, kind) in [
            ("", ErrorKind::Corrupt),
            ("[]", ErrorKind::Corrupt),
            (r#"{"version":2}"#, ErrorKind::Unsupported),
            (
                r#"{"version":1,"write_id":"","locks":[{"id":"1","path":"../a","owner":"o","time":1}]}"#,
                ErrorKind::Corrupt,
            ),
            (
                r#"{"version":1,"write_id":"","locks":[{"id":"1/2","path":"a","owner":"o","time":1}]}"#,
                ErrorKind::Corrupt,
            ),
            (
                r#"{"version":1,"write_id":"","locks":[{"id":"1","path":"a","owner":"o\n","time":1}]}"#,
                ErrorKind::Corrupt,
            ),
        ] {
            assert_eq!(
                LockList::decode(text.as_bytes()).unwrap_err().kind(),
                kind,
                "{text}"
            );
        }
        for bad in ["", "/a", "a/", "a//b", "./a", "a/../b", ".git/x", "a\nb"] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        assert!(check_path("ä b/c.psd").is_ok());
    }
}
