//! `git pail unlock`: a file that others may work on again.

use super::{Common, git_lfs};
use crate::commands::stop::Stop;
use std::ffi::OsString;

/// Unlock files
///
/// Runs `git lfs unlock`, with the bucket as its lock server. It frees no file with changes
/// that are not committed, and no lock of somebody else, unless forced.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(in crate::commands) struct Args {
    /// The files
    #[arg(value_name = "PATH", required_unless_present = "id")]
    paths: Vec<OsString>,
    /// The lock's id instead of a file
    #[arg(short, long, conflicts_with = "paths")]
    id: Option<String>,
    /// Also a file with changes, and a lock of somebody else
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

pub(in crate::commands) async fn run(args: Args) -> Result<(), Stop> {
    let mut words = vec!["unlock".into()];
    words.extend(args.common.words());
    words.extend(args.force.then(|| "--force".into()));
    words.extend(args.id.map(|id| format!("--id={id}").into()));
    if !args.paths.is_empty() {
        words.push("--".into());
        words.extend(args.paths);
    }
    git_lfs::run(args.common.remote.as_deref(), words).await
}
