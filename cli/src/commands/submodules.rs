//! Whether git lets submodules lie in buckets.
//!
//! Git clones a submodule only over protocols that it trusts, and a scheme that it does
//! not know is none of them (`protocol.allow` in git-config(1)).

use super::git;
use crate::config;
use crate::ui;
use pail::Result;

const ALWAYS: &str = "always";

/// Allows these schemes in the global configuration; gives the keys that it set.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if git cannot write it.
pub(super) async fn allow(schemes: &[String]) -> Result<Vec<String>> {
    let mut set = Vec::new();
    for scheme in schemes {
        let key = config::protocol_allow(scheme);
        match git::ask(&["config", "--global", "--get", &key]).await? {
            Some(value) if value == ALWAYS => {}
            Some(value) => ui::warn(&format!(
                "{key} is '{value}' already and was left so; submodules may be refused"
            )),
            None => {
                let act = format!("set {key} in the global git configuration");
                git::must(&act, &["config", "--global", &key, ALWAYS]).await?;
                set.push(key);
            }
        }
    }
    Ok(set)
}

/// Whether git lets submodules use every one of these schemes.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if git cannot be run.
pub(super) async fn allowed(schemes: &[String]) -> Result<bool> {
    let set = git::ask(&["config", "--get-regexp", r"^protocol\..*\.allow$"]).await?;
    let set = set.unwrap_or_default();
    Ok(schemes.iter().all(|scheme| {
        let line = format!("{} {ALWAYS}", config::protocol_allow(scheme));
        set.lines().any(|set| set == line)
    }))
}

/// Takes away what [`allow`] sets; gives the keys that it unset. Another value than ours
/// stays.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if git cannot write the configuration.
pub(super) async fn disallow(schemes: &[&str]) -> Result<Vec<String>> {
    let mut unset = Vec::new();
    for scheme in schemes {
        let key = config::protocol_allow(scheme);
        let now = git::ask(&["config", "--global", "--get-all", &key]).await?;
        if now.as_deref() == Some(ALWAYS) {
            let act = format!("unset {key} in the global git configuration");
            git::must(&act, &["config", "--global", "--unset", &key]).await?;
            unset.push(key);
        }
    }
    Ok(unset)
}
