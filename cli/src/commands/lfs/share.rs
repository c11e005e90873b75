//! `git pail lfs share`: one place for the LFS objects of several repositories.

use crate::commands::stop::{Stop, invalid, say};
use crate::commands::{json, repository};
use serde::Serialize;

/// Say which repositories keep LFS objects at a place
///
/// Several repositories may keep their LFS objects at one place, each object once: git-lfs is
/// told the place with `lfs.url` in each of them, in .lfsconfig for everybody. This command
/// writes down at that place which repositories those are, so that `git pail lfs gc` and
/// `fsck` there count them all. Name each by a URL with which it can be read from everywhere.
///
/// Without repositories shows which they are. A repository that lies at the place itself
/// counts without being named.
///
/// With --json, one object: url, and repositories, a list.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The place of the objects: a URL, or the name of a remote
    url: String,
    /// The repositories: URLs
    #[arg(value_name = "REPOSITORY")]
    repositories: Vec<String>,
    /// Strike these off the list; the next gc deletes what only they need
    #[arg(long, requires = "repositories")]
    remove: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out {
    url: String,
    repositories: Vec<String>,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let remote = repository::open(Some(&args.url)).await?;
    for url in &args.repositories {
        if args.remove {
            continue;
        }
        if !url.contains("://") {
            return Err(invalid(
                format!("'{url}' is no URL that holds everywhere"),
                "write s3://bucket/prefix, or pail:///srv/folder for a folder",
            )
            .into());
        }
        if url
            .split_once('?')
            .is_some_and(|(_, query)| query.contains(['@', '%']))
        {
            return Err(invalid(
                "the URL may hold a secret, and others will read it",
                "leave options such as a proxy to git's configuration",
            )
            .into());
        }
        // One that cannot be read would stop every gc.
        repository::open_url(url, None).await?.existing().await?;
    }
    if !args.repositories.is_empty() {
        remote.share_lfs(&args.repositories, !args.remove).await?;
    }
    let repositories = remote.lfs_sharers().await?;
    let url = remote.context().store.describe();
    if args.json {
        return json::print(&Out { url, repositories });
    }
    if repositories.is_empty() {
        return say(&format!("no other repository keeps LFS objects at {url}"));
    }
    repositories.iter().try_for_each(|one| say(one))
}
