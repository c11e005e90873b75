//! `git pail protect`: refs that are neither deleted nor rewound.

use super::repository;
use super::stop::{Stop, say, show};
use super::{json, stop};
use pail::format::settings::{self, SettingEdit};
use pail::{Remote, Result};
use serde::Serialize;

/// Protect refs from being deleted or rewound
///
/// A protected ref can be made and can advance; no push and no command deletes it or makes
/// it forget commits. The patterns are kept in the repository, so they hold for everybody,
/// and a git-pail that does not know of them stops. Since no server runs, they protect
/// from mistakes, not from people who may write the bucket.
///
/// In a pattern * stands for any letters, slashes too, and ? for one. A pattern without
/// refs/ means branches: main stands for refs/heads/main. Without a pattern, shows what is
/// protected. `git push -o override-protection` moves a protected ref all the same, and the
/// log keeps that.
///
/// With --json, one object: url, and protected, a list of patterns.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote
    url: String,
    /// The refs: main, release/*, refs/tags/*
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    /// One JSON object, of what is protected then
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out {
    url: String,
    protected: Vec<String>,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let patterns = full(&args.patterns)?;
    let remote = repository::open(Some(&args.url)).await?;
    let edits: Vec<_> = patterns.iter().cloned().map(SettingEdit::Protect).collect();
    if !edits.is_empty() {
        let who = repository::committer().await?;
        remote
            .change_settings("protect", edits, patterns, who)
            .await?;
    }
    tell(&remote, args.json).await
}

/// The patterns by their full names.
pub(super) fn full(patterns: &[String]) -> Result<Vec<String>> {
    patterns
        .iter()
        .map(|one| {
            settings::full_pattern(one).map_err(|error| {
                stop::invalid(error.to_string(), "such as main, release/* or refs/tags/*")
            })
        })
        .collect()
}

/// Shows what is protected now.
pub(super) async fn tell(remote: &Remote, as_json: bool) -> Result<(), Stop> {
    let at = remote.existing().await?;
    let protected = at.manifest.protected()?;
    let protected: Vec<String> = protected.into_iter().map(str::to_owned).collect();
    let url = remote.context().store.describe();
    if as_json {
        return json::print(&Out { url, protected });
    }
    if protected.is_empty() {
        return say(&format!("nothing is protected at {url}"));
    }
    let lines: String = protected.iter().map(|one| format!("  {one}\n")).collect();
    show(format!("protected at {url}\n{lines}").as_bytes())
}
