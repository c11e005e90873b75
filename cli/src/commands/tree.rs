//! The command tree: help, man pages, completions and the reference come from it.

use super::{
    completions, config, delete_branch, demo, doctor, examples, fsck, init, install, lfs, lock,
    locks, log, ls, maintenance, man, protect, reference, restore, set_head, stats, uninstall,
    unprotect,
};
use clap::{CommandFactory, Parser, Subcommand};

/// What `git pail` understands.
#[derive(Debug, Parser)]
#[command(
    name = "git-pail",
    bin_name = "git pail",
    display_name = "git-pail",
    version,
    about = "Use a bucket as a Git remote, with no server in between",
    long_about = "Use a bucket as a Git remote, with no server in between.\n\n\
        Once `git pail install` has made the links by which git finds the remote helper,\n\
        git itself pushes to a bucket and clones from it. These commands do what git has\n\
        no command for.\n\n\
        A URL is one that git takes, such as s3://bucket/prefix or pail::/a/local/folder.\n\
        The name of a configured remote, such as origin, does as well.",
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// The commands, in the order in which help lists them.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Install(install::Args),
    Uninstall(uninstall::Args),
    Demo(demo::Args),
    Init(init::Args),
    Ls(ls::Args),
    Log(log::Args),
    Doctor(doctor::Args),
    Fsck(fsck::Args),
    Stats(stats::Args),
    Maintenance(maintenance::Args),
    Restore(restore::Args),
    SetHead(set_head::Args),
    DeleteBranch(delete_branch::Args),
    Protect(protect::Args),
    Unprotect(unprotect::Args),
    Config(config::Args),
    Lock(lock::Args),
    Unlock(lock::UnlockArgs),
    Locks(locks::Args),
    Lfs(lfs::Args),
    /// Say which version this is
    ///
    /// Names the version of this program, of the layout that it writes, and of the git
    /// that it finds: what a bug report should hold.
    #[command(verbatim_doc_comment)]
    Version,
    Completions(completions::Args),
    Man(man::Args),
    #[command(hide = true)]
    Reference(reference::Args),
}

/// The whole tree, with the examples under each command.
#[must_use]
pub fn tree() -> clap::Command {
    let mut tree = Cli::command().after_help(examples::help(examples::TOP));
    for (name, list) in examples::ALL {
        tree = tree.mut_subcommand(name, |command| command.after_help(examples::help(list)));
    }
    tree
}
