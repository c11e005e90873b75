//! The commands that look after a repository.

mod doctor;
mod fsck;
pub(crate) mod own_bucket;
mod policy;
mod protect;
mod restore;
mod schedule;
mod stats;

use crate::it::world::World;
use serde_json::Value;
use std::path::Path;
use testkit::git::{Output, run};

/// Runs our program in the folder of a world.
fn pail(world: &World, args: &[&str]) -> Output {
    pail_in(world, &world.path("."), args)
}

fn pail_in(world: &World, folder: &Path, args: &[&str]) -> Output {
    let mut command = world.git().at(folder).program("git-pail");
    command.args(args);
    run(command, b"")
}

/// Runs it; it must end well. What it shows.
fn shown(world: &World, args: &[&str]) -> String {
    let out = pail(world, args);
    assert!(out.ok(), "{args:?}: {}{}", out.stdout, out.stderr);
    out.stdout
}

/// Runs it; it must end with this code. What it says.
fn fails(world: &World, code: i32, args: &[&str]) -> String {
    let out = pail(world, args);
    assert_eq!(out.status, code, "{args:?}: {}{}", out.stdout, out.stderr);
    out.stderr
}

/// Runs it with --json, whatever its exit code; its one object.
fn json(world: &World, args: &[&str]) -> Value {
    let out = pail(world, &[args, &["--json"]].concat());
    serde_json::from_str(&out.stdout)
        .unwrap_or_else(|error| panic!("{args:?}: {error}: {}{}", out.stdout, out.stderr))
}
