//! `git pail init`: an empty repository.

use super::repository;
use super::stop::{Stop, invalid, say};
use pail::ObjectFormat;

/// Make an empty repository in a bucket
///
/// The first push makes one too, with the object format of the repository that is pushed
/// and its current branch as the default one; this command is for choosing both, or for
/// finding out whether a bucket can be written. A repository that is there already is
/// left as it is.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote
    url: String,
    /// The hash that names objects
    #[arg(long, value_name = "FORMAT", value_parser = ["sha1", "sha256"], default_value = "sha1")]
    object_format: String,
    /// The default branch; without it, the first push decides
    #[arg(long, value_name = "BRANCH")]
    head: Option<String>,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let format: ObjectFormat = args.object_format.parse()?;
    let head = args.head.as_deref().map(repository::branch).transpose()?;
    let remote = repository::open(Some(&args.url)).await?;
    let place = remote.context().store.describe();
    let who = repository::committer().await?;
    if remote.init(format, head, who).await? {
        return say(&format!("made an empty {format} repository at {place}"));
    }
    let there = remote.existing().await?.manifest;
    if there.object_format != format {
        let message = format!(
            "the repository at {place} names objects by {}, not by {format}",
            there.object_format
        );
        return Err(invalid(
            message,
            "the format cannot be changed; choose another prefix",
        )
        .into());
    }
    say(&format!(
        "there is a {format} repository at {place} already; nothing was changed"
    ))
}
