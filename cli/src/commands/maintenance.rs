//! `git pail maintenance`: fewer and better packs, and what nobody needs goes.

mod host;
mod places;
mod schedule;
mod work;

use super::stop::Stop;
use clap::Subcommand;

/// Keep a repository in a bucket in good order
///
/// Every push leaves a pack. Maintenance merges them, so that clones stay fast: after n
/// pushes of one size a clone takes at most some 1.5 log2(n) packs. A push that leaves
/// enough of them starts this by itself, once git has ended, unless pail.autoMaintenance
/// is false.
///
/// What was deleted or rewound stays until the task gc takes it, once the retention time of
/// the repository is over (`git pail config`).
///
/// It may be stopped at any moment, and run beside pushes, fetches and other maintenance.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(work::Args),
    Start(schedule::StartArgs),
    Stop(schedule::StopArgs),
}

/// How many repositories this machine maintains by a schedule.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if git cannot be run.
pub(super) async fn scheduled() -> pail::Result<usize> {
    Ok(places::read().await?.len())
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    match args.verb {
        Verb::Run(args) => work::run(args).await,
        Verb::Start(args) => schedule::start(args).await,
        Verb::Stop(args) => schedule::stop(args).await,
    }
}
