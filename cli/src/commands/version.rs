//! `git pail version`: what a bug report should hold.

use super::git;
use super::stop::{Stop, say};
use pail::format::manifest;

pub(super) async fn run() -> Result<(), Stop> {
    let git = match git::ask(&["version"]).await {
        Ok(Some(version)) => version,
        Ok(None) => "git does not say its version".to_owned(),
        Err(error) => error.to_string(),
    };
    say(&format!(
        "git-pail {}\nlayout version {}\n{git}",
        env!("CARGO_PKG_VERSION"),
        manifest::VERSION
    ))
}
