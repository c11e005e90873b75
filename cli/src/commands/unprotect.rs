//! `git pail unprotect`: refs that may be deleted and rewound again.

use super::protect::{full, tell};
use super::repository;
use super::stop::Stop;
use pail::format::settings::SettingEdit;
use pail::{Error, ErrorKind};

/// Protect refs no longer
///
/// Takes patterns away that `git pail protect` added, spelled as it lists them.
///
/// With --json, one object: url, and protected, a list of the patterns that are left.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote
    url: String,
    /// The patterns
    #[arg(required = true, value_name = "PATTERN")]
    patterns: Vec<String>,
    /// One JSON object, of what is protected then
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let patterns = full(&args.patterns)?;
    let remote = repository::open(Some(&args.url)).await?;
    let at = remote.existing().await?;
    let now = at.manifest.protected()?;
    if let Some(other) = patterns.iter().find(|one| !now.contains(&one.as_str())) {
        let message = format!("'{other}' is none of the protected patterns");
        return Err(Error::new(ErrorKind::Missing, message)
            .with_hint(format!("`git pail protect {}` lists them", args.url))
            .into());
    }
    let edits = patterns.iter().cloned().map(SettingEdit::Unprotect);
    let edits: Vec<_> = edits.collect();
    let who = repository::committer().await?;
    remote
        .change_settings("unprotect", edits, patterns, who)
        .await?;
    tell(&remote, args.json).await
}
