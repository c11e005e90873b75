//! `git pail set-head`: the default branch.

use super::repository;
use super::stop::{Stop, say};

/// Name the default branch
///
/// The default branch is the one that a clone checks out. It need not exist yet.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote
    url: String,
    /// The branch, such as main or refs/heads/main
    branch: String,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let branch = repository::branch(&args.branch)?;
    let remote = repository::open(Some(&args.url)).await?;
    let who = repository::committer().await?;
    let exists = remote.set_head(branch.clone(), who).await?;
    let place = remote.context().store.describe();
    say(&format!("HEAD of {place} is {branch} now"))?;
    if !exists {
        say("note: this branch does not exist yet; until it is pushed, clones check nothing out")?;
    }
    Ok(())
}
