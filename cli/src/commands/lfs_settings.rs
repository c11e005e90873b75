//! What git-lfs is told in the global configuration, written and taken away.

use super::git;
use crate::lfs_agent::settings;
use crate::ui;
use pail::Result;
use std::collections::BTreeMap;

/// Sets what is not set; gives how many keys that were. Another value than ours stays.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if git cannot write the configuration.
pub(super) async fn set<S: AsRef<str>>(schemes: &[S]) -> Result<usize> {
    let now = now().await?;
    let mut count = 0;
    for (key, value) in settings::all(schemes) {
        match now.get(&key) {
            Some(old) if old == value => {}
            Some(old) => ui::warn(&format!(
                "{key} is '{old}' already and was left so; Git LFS may not find its objects"
            )),
            None => {
                let act = format!("set {key} in the global git configuration");
                git::must(&act, &["config", "--global", &key, value]).await?;
                count += 1;
            }
        }
    }
    Ok(count)
}

/// Takes away what [`set`] sets; gives how many keys that were.
///
/// # Errors
///
/// As [`set`].
pub(super) async fn unset<S: AsRef<str>>(schemes: &[S]) -> Result<usize> {
    let now = now().await?;
    let mut count = 0;
    for (key, value) in settings::all(schemes) {
        if now.get(&key).is_some_and(|old| old == value) {
            let act = format!("unset {key} in the global git configuration");
            git::must(&act, &["config", "--global", "--unset-all", &key]).await?;
            count += 1;
        }
    }
    Ok(count)
}

/// Every global setting of git-lfs.
async fn now() -> Result<BTreeMap<String, String>> {
    let asked = ["config", "--global", "-z", "--get-regexp", r"^lfs\."];
    let text = git::ask(&asked).await?.unwrap_or_default();
    let pairs = text.split('\0').filter_map(|item| item.split_once('\n'));
    Ok(pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect())
}
