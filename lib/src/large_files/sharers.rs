//! Which repositories keep LFS objects at a place, apart from the one that lies there.

use super::swapped::{Document, Step, Swapper};
use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::key::Key;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The version of the file that is written and read.
const VERSION: u64 = 1;

/// Most repositories of one place.
const MAX: usize = 10_000;

/// Longest URL, in bytes.
const MAX_URL: usize = 2048;

/// The list, as it lies in the bucket.
#[derive(Debug, Serialize, Deserialize)]
struct SharerList {
    version: u64,
    write_id: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    leased: bool,
    /// URLs.
    repositories: BTreeSet<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Document for SharerList {
    const WHAT: &'static str = "the list of repositories that share LFS objects";
    const MAX_BYTES: u64 = 32 << 20;

    fn key() -> Result<Key> {
        keys::sharers()
    }

    fn new(leased: bool) -> Self {
        Self {
            version: VERSION,
            write_id: String::new(),
            leased,
            repositories: BTreeSet::new(),
            unknown: Map::new(),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let what = Self::WHAT;
        let value: Value = serde_json::from_slice(bytes).map_err(|error| broken(&error))?;
        match value.get("version").and_then(Value::as_u64) {
            None => return Err(broken(&"it has no version")),
            Some(VERSION) => {}
            Some(other) => {
                let message =
                    format!("cannot read {what}: it is of version {other}, not {VERSION}");
                return Err(
                    Error::new(ErrorKind::Unsupported, message).with_hint("use a newer git-pail")
                );
            }
        }
        let list: Self = serde_json::from_value(value).map_err(|error| broken(&error))?;
        if list.repositories.len() > MAX {
            return Err(broken(&"it is too long"));
        }
        list.repositories
            .iter()
            .try_for_each(|url| check(url).map_err(|error| broken(&error)))?;
        Ok(list)
    }

    fn encode(&mut self, write_id: String) -> Result<Vec<u8>> {
        self.write_id = write_id;
        let mut bytes = serde_json::to_vec(self).map_err(|error| {
            let message = format!("cannot write {}: {error}", Self::WHAT);
            Error::new(ErrorKind::Local, message).with_source(error)
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn leased(&self) -> bool {
        self.leased
    }
}

fn broken(why: &dyn std::fmt::Display) -> Error {
    let message = format!("cannot read {}: {why}", SharerList::WHAT);
    Error::new(ErrorKind::Corrupt, message).with_hint("pail/lfs-sharers.json is broken")
}

fn check(url: &str) -> Result<()> {
    let good = (1..=MAX_URL).contains(&url.len()) && !url.chars().any(char::is_control);
    if good {
        return Ok(());
    }
    let message = format!("'{}' is no URL", url.escape_debug());
    Err(Error::new(ErrorKind::Invalid, message))
}

/// Reads and changes the list at one place.
#[derive(Debug)]
pub struct Sharers<'a>(pub Swapper<'a>);

impl Sharers<'_> {
    /// The URLs, in order; `None` if there never was such a list. One GET.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the file is broken; those of the store.
    pub async fn read(&self) -> Result<Option<Vec<String>>> {
        let read = self.0.read::<SharerList>().await?;
        Ok(read.map(|(list, _)| list.repositories.into_iter().collect()))
    }

    /// Puts URLs on the list, or strikes them off. `leased` tells how the file is to be
    /// written if it is not there yet. One GET and one PUT, or only the GET.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if one is no URL, or there are too many; those of the store.
    pub async fn change(&self, urls: &[String], add: bool, leased: bool) -> Result<()> {
        urls.iter().try_for_each(|url| check(url))?;
        let step = |list: &mut SharerList| {
            let before = list.repositories.len();
            for url in urls {
                if add {
                    list.repositories.insert(url.clone());
                } else {
                    list.repositories.remove(url);
                }
            }
            if list.repositories.len() > MAX {
                let message = format!("more than {MAX} repositories cannot share one place");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            Ok(if list.repositories.len() == before {
                Step::Done(())
            } else {
                Step::Write(())
            })
        };
        self.0.change(leased, step).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_stays_and_what_is_broken_is_refused() {
        let text = r#"{"version":1,"write_id":"1","repositories":["s3://b/r"],"more":[4]}"#;
        let mut list = SharerList::decode(text.as_bytes()).unwrap();
        let bytes = list.encode("1".to_owned()).unwrap();
        assert_eq!(bytes, format!("{text}\n").into_bytes());
        for (text, kind) in [
            ("", ErrorKind::Corrupt),
            ("{}", ErrorKind::Corrupt),
            (r#"{"version":2}"#, ErrorKind::Unsupported),
            (
                r#"{"version":1,"write_id":"","repositories":[""]}"#,
                ErrorKind::Corrupt,
            ),
            (
                r#"{"version":1,"write_id":"","repositories":["a\nb"]}"#,
                ErrorKind::Corrupt,
            ),
        ] {
            let error = SharerList::decode(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), kind, "{text}");
        }
    }
}
