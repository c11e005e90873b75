//! `git pail lfs`: looking after the LFS objects of a bucket.

mod copy;
mod fsck;
mod gc;
mod ls;
mod places;
mod share;

use super::stop::Stop;
use clap::Subcommand;

/// Look after the LFS objects of a bucket
///
/// Objects of Git LFS lie under lfs/, each by itself. Git-lfs moves them; these commands say
/// what is there, what is broken, and what nobody needs any more.
///
/// They lie beside the repository whose history names them, unless git-lfs is told another
/// place (lfs.url). A place of which several repositories keep objects is told so with
/// `git pail lfs share`; then all of them are counted.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Ls(ls::Args),
    Fsck(fsck::Args),
    Gc(gc::Args),
    Copy(copy::Args),
    Share(share::Args),
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    match args.verb {
        Verb::Ls(args) => ls::run(args).await,
        Verb::Fsck(args) => fsck::run(args).await,
        Verb::Gc(args) => gc::run(args).await,
        Verb::Copy(args) => copy::run(args).await,
        Verb::Share(args) => share::run(args).await,
    }
}
