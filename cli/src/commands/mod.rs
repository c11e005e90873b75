//! The commands for people: one file each, parse, call, show.

mod annex_page;
mod completions;
mod config;
mod delete_branch;
mod demo;
mod doctor;
mod examples;
mod findings;
mod fsck;
mod git;
mod init;
mod install;
mod json;
mod lfs;
mod lfs_settings;
mod links;
mod lock;
mod locks;
mod log;
mod ls;
mod maintenance;
mod man;
mod man_pages;
mod policy;
mod protect;
mod reference;
mod repository;
mod restore;
mod set_head;
mod stats;
mod stop;
mod submodules;
mod tree;
mod uninstall;
mod unprotect;
mod version;

pub use tree::tree;

use crate::runtime::{self, Ended};
use crate::{exit, stdio, ui};
use clap::FromArgMatches;
use pail::ErrorKind;
use std::ffi::OsString;
use std::process::ExitCode;
use stop::Stop;
use tree::{Cli, Verb};

/// Runs the command that the arguments name.
#[must_use]
pub fn main(args: Vec<OsString>) -> ExitCode {
    let cli = tree()
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match cli {
        Ok(cli) => ended(run(cli.verb)),
        Err(error) => told(&error),
    }
}

/// Help was asked for, or the arguments are wrong.
fn told(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr() {
        stdio::draw(&text);
        return ExitCode::from(exit::USAGE);
    }
    ended(stop::show(text.as_bytes()))
}

fn run(verb: Verb) -> Result<(), Stop> {
    let runtime = runtime::build()?;
    let work = async {
        match verb {
            Verb::Init(args) => init::run(args).await,
            Verb::Ls(args) => ls::run(args).await,
            Verb::Log(args) => log::run(args).await,
            Verb::Doctor(args) => doctor::run(args).await,
            Verb::Fsck(args) => fsck::run(args).await,
            Verb::Stats(args) => stats::run(args).await,
            Verb::Maintenance(args) => maintenance::run(args).await,
            Verb::Restore(args) => restore::run(args).await,
            Verb::SetHead(args) => set_head::run(args).await,
            Verb::DeleteBranch(args) => delete_branch::run(args).await,
            Verb::Protect(args) => protect::run(args).await,
            Verb::Unprotect(args) => unprotect::run(args).await,
            Verb::Config(args) => config::run(args).await,
            Verb::Lock(args) => lock::run(args).await,
            Verb::Unlock(args) => lock::unlock(args).await,
            Verb::Locks(args) => locks::run(args).await,
            Verb::Lfs(args) => lfs::run(args).await,
            Verb::Install(args) => install::run(args).await,
            Verb::Uninstall(args) => uninstall::run(args).await,
            Verb::Demo(args) => demo::run(args).await,
            Verb::Version => version::run().await,
            Verb::Completions(args) => completions::run(&args),
            Verb::Man(args) => man::run(&args),
            Verb::Reference(args) => reference::run(&args),
        }
    };
    // On the heap: the futures of all commands together are large.
    match runtime::run(&runtime, Box::pin(work))? {
        Ended::Done(done) => done,
        Ended::Interrupted => Err(Stop::Interrupted),
    }
}

fn ended(result: Result<(), Stop>) -> ExitCode {
    match result {
        Ok(()) | Err(Stop::Closed) => ExitCode::SUCCESS,
        Err(Stop::Interrupted) => ExitCode::from(exit::INTERRUPTED),
        Err(Stop::Found) => ExitCode::from(exit::FOUND),
        Err(Stop::Told) => ExitCode::from(exit::FAILED),
        Err(Stop::Failed(error)) => {
            ui::show(&error);
            ExitCode::from(match error.kind() {
                ErrorKind::Invalid => exit::USAGE,
                _ => exit::FAILED,
            })
        }
    }
}
