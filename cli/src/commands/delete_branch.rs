//! `git pail delete-branch`: branches that are no longer needed.

use super::repository;
use super::stop::{Stop, say};
use crate::ui;
use pail::refs::{Outcome, RefName, Refusal};

/// Delete branches
///
/// Deletes branches in the bucket, as `git push <remote> --delete <branch>` does, without
/// a local repository. What a branch named stays in the push log: `git pail restore`
/// brings it back until gc has dropped its objects. A branch that moves meanwhile is
/// left as it is.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote
    url: String,
    /// The branches, such as topic or refs/heads/topic
    #[arg(required = true, value_name = "BRANCH")]
    branches: Vec<String>,
    /// Delete protected branches, too; the log keeps that
    #[arg(long)]
    override_protection: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let mut names: Vec<RefName> = Vec::new();
    for branch in &args.branches {
        names.push(repository::branch(branch)?);
    }
    names.sort();
    names.dedup();
    let remote = repository::open(Some(&args.url)).await?;
    let who = repository::committer().await?;
    let outcomes = remote
        .delete_refs(&names, args.override_protection, who)
        .await?;
    let mut refused = false;
    for (name, outcome) in names.iter().zip(&outcomes) {
        match outcome {
            Outcome::Refused(why) => {
                refused = true;
                let hint = match why {
                    Refusal::Protected { .. } => "--override-protection deletes it all the same",
                    _ => "it moved meanwhile; look with `git pail log`, and delete it again",
                };
                ui::error(&format!("cannot delete {name}: {why}"), Some(hint));
            }
            Outcome::Updated | Outcome::UpToDate => say(&format!("deleted {name}"))?,
        }
    }
    let at = remote.existing().await?;
    if let Some(head) = at
        .manifest
        .head
        .filter(|head| names.contains(head) && at.refs.get(head).is_none())
    {
        ui::warn(&format!(
            "{head} was the default branch; name another one with `git pail set-head {} <branch>`",
            args.url
        ));
    }
    if refused { Err(Stop::Told) } else { Ok(()) }
}
