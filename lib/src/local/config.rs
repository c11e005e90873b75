//! Git's configuration, read once.

use super::command::Git;
use crate::error::Result;
use std::collections::HashMap;
use std::ffi::OsStr;

/// The settings that concern us, last value wins, keys as git writes them.
#[derive(Debug, Clone, Default)]
pub struct Config {
    values: HashMap<String, Option<String>>,
}

impl Config {
    /// Reads `pail.*`, `fetch.*`, `transfer.*`, what is said of remotes and of their URLs, what
    /// says where LFS objects lie and how git-annex brings files back from an archive, and what
    /// git itself knows of proxies and authorities. One spawn.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if git cannot be run.
    pub async fn read(git: &Git) -> Result<Self> {
        const NOWHERE: [&str; 0] = [];
        Self::read_from(git, &NOWHERE).await
    }

    /// Reads the same from one place only, which these words of `git config` name.
    pub(super) async fn read_from<S: AsRef<OsStr>>(git: &Git, place: &[S]) -> Result<Self> {
        const WANTED: &str = r"^(pail\.|annex\.s3-restore-|fetch\.|transfer\.|extensions\.partialclone$|http\.(proxy|sslcainfo)$|lfs\.((push)?url|storage|customtransfer\.pail\.path)$|url\..*\.(push)?insteadof$|remote\..*\.(pail-|annex-s3-restore-|promisor$|proxy$|(lfs)?(push)?url$))";
        let words = ["config", "-z"].map(OsStr::new).into_iter();
        let words = words.chain(place.iter().map(AsRef::as_ref));
        let words = words.chain(["--get-regexp", WANTED].map(OsStr::new));
        let output = git.run(words, Vec::new()).await?;
        let items = output.stdout.split(|byte| *byte == 0);
        let values = items.filter(|item| !item.is_empty()).map(|item| {
            let text = String::from_utf8_lossy(item);
            match text.split_once('\n') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (text.into_owned(), None),
            }
        });
        Ok(Self {
            values: values.collect(),
        })
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

impl Git {
    /// Sets a key in the configuration of the repository.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if git cannot write it.
    pub async fn set_config(&self, key: &str, value: &str) -> Result<()> {
        let act = format!("set {key}");
        self.ok(&act, ["config", key, value], Vec::new()).await?;
        Ok(())
    }
}

/// Keys with their values, spelled as [`Config::get`] wants them.
impl FromIterator<(String, String)> for Config {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        let pairs = pairs.into_iter();
        Self {
            values: pairs.map(|(key, value)| (key, Some(value))).collect(),
        }
    }
}
