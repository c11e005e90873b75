//! Git's configuration, read once.

use super::command::Git;
use crate::error::Result;
use std::collections::HashMap;

/// The settings that concern us, last value wins, keys as git writes them.
#[derive(Debug, Clone, Default)]
pub struct Config {
    values: HashMap<String, Option<String>>,
}

impl Config {
    /// Reads `pail.*`, `fetch.*`, `transfer.*`, the `pail-*` keys of remotes, and what git
    /// itself knows of proxies and authorities. One spawn.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if git cannot be run.
    pub async fn read(git: &Git) -> Result<Self> {
        const WANTED: &str = r"^(pail\.|fetch\.|transfer\.|extensions\.partialclone$|http\.(proxy|sslcainfo)$|remote\..*\.(pail-|promisor$|proxy$))";
        let output = git
            .run(["config", "-z", "--get-regexp", WANTED], Vec::new())
            .await?;
        let mut values = HashMap::new();
        for item in output
            .stdout
            .split(|byte| *byte == 0)
            .filter(|item| !item.is_empty())
        {
            let text = String::from_utf8_lossy(item);
            match text.split_once('\n') {
                Some((key, value)) => values.insert(key.to_owned(), Some(value.to_owned())),
                None => values.insert(text.into_owned(), None),
            };
        }
        Ok(Self { values })
    }

    /// Reads it with the git on `PATH`, in the surroundings that this process has.
    ///
    /// # Errors
    ///
    /// As [`Config::read`].
    pub async fn read_default() -> Result<Self> {
        Self::read(&Git::new()).await
    }

    /// The value of a key, spelled in lower case but for its middle part.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.as_deref()
    }

    /// A boolean as git reads it: a key without a value is true.
    pub fn flag(&self, key: &str) -> Option<bool> {
        Some(match self.values.get(key)?.as_deref() {
            None => true,
            Some(text) => !matches!(
                text.to_ascii_lowercase().as_str(),
                "false" | "no" | "off" | "0" | ""
            ),
        })
    }

    /// A number as git reads it, with `k`, `m` and `g`.
    pub fn number(&self, key: &str) -> Option<i64> {
        let text = self.get(key)?.trim();
        let (digits, unit) = match text.char_indices().last() {
            Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
            Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
            Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
            _ => (text, 1),
        };
        digits.parse::<i64>().ok()?.checked_mul(unit)
    }

    /// Whether this repository is a partial clone of some remote.
    pub fn partial_clone(&self) -> bool {
        self.values
            .keys()
            .any(|key| key == "extensions.partialclone" || key.ends_with(".promisor"))
    }

    /// The keys under a prefix, with their values.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.values.iter().filter_map(move |(key, value)| {
            Some((
                key.strip_prefix(prefix)?,
                value.as_deref().unwrap_or("true"),
            ))
        })
    }
}
