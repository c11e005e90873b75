//! The binary `git-pail`: what git, git-lfs, git-annex and people call.
//!
//! The front ends speak a protocol and decide nothing; the library `pail` decides.

pub mod annex_agent;
pub mod commands;
pub mod config;
pub mod connect;
pub mod conversation;
pub mod detached;
pub mod env;
pub mod exit;
pub mod lfs_agent;
pub mod multicall;
pub mod remote_helper;
pub mod runtime;
pub mod stdio;
pub mod ui;

use std::process::ExitCode;

/// Runs what the program was called as, and gives the exit code.
#[must_use]
pub fn run() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    match multicall::role(&args) {
        multicall::Role::RemoteHelper => remote_helper::main(&args),
        multicall::Role::AnnexAgent => annex_agent::main(),
        multicall::Role::LfsAgent => lfs_agent::main(),
        multicall::Role::Commands(args) => commands::main(args),
    }
}
