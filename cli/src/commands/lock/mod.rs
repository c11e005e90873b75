//! `git pail lock`: the right to work on a file, asked for through git-lfs.

mod api;
mod git_lfs;
mod service;
mod unlock;

pub(super) use unlock::Args as UnlockArgs;
pub(super) use unlock::run as unlock;

use super::stop::Stop;
use std::ffi::OsString;

/// Lock files, so that others keep off
///
/// Runs `git lfs lock`, with the bucket as its lock server: git-lfs has no other way to
/// reach one that no server stands before. The file becomes writable if it is lockable (see
/// gitattributes and git-lfs-track(1)). All locks lie in one file of the bucket, which
/// changes by compare-and-swap: of two who lock one path one gets it.
///
/// From the first lock on, a push through git-pail is refused that changes a path which
/// somebody else has locked; `git push -o override-locks` pushes all the same, and the log
/// keeps that. It is who commits, by mail address, that has a lock. Since no server runs,
/// locks guard against mistakes, not against people who may write the bucket.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<OsString>,
    #[command(flatten)]
    common: Common,
}

/// What locking and unlocking have in common.
#[derive(Debug, clap::Args)]
struct Common {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    #[arg(short, long, value_name = "REMOTE")]
    remote: Option<String>,
    /// The locks as git-lfs writes them for programs
    #[arg(short, long)]
    json: bool,
}

impl Common {
    /// The words that git-lfs takes for it.
    fn words(&self) -> Vec<OsString> {
        let named = self.remote.as_ref();
        // A URL is no remote of this repository.
        let named = named.filter(|name| !name.contains(':'));
        let mut words = Vec::new();
        words.extend(named.map(|name| format!("--remote={name}").into()));
        words.extend(self.json.then(|| "--json".into()));
        words
    }
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let mut words = vec!["lock".into()];
    words.extend(args.common.words());
    words.push("--".into());
    words.extend(args.paths);
    git_lfs::run(args.common.remote.as_deref(), words).await
}
