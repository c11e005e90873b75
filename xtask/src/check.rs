//! `cargo xtask check`: the static checks, in the order that fails fastest.

use crate::layers;
use crate::process;
use crate::sizes;
use crate::steps::Steps;
use crate::tools::{self, Wheel};
use std::path::PathBuf;
use std::process::Command;

/// Finds misspelt words.
const TYPOS: Wheel = Wheel {
    name: "typos",
    version: "1.52.0",
    program: "bin/typos",
};

/// The version of cargo-deny to install where there is none.
const DENY: &str = "0.20.2";

/// Runs the static checks; with `full`, those whose program is missing too.
pub fn run(full: bool) -> Result<(), String> {
    let mut steps = Steps::default();
    let result = take(&mut steps, full);
    steps.print();
    result
}

/// Takes each static check as a step.
pub fn take(steps: &mut Steps, full: bool) -> Result<(), String> {
    steps.take("format", || {
        tools::component("fmt")?;
        process::run(&mut process::cargo(&["fmt", "--all", "--check"]))
    })?;
    steps.take("layers", layers::run)?;
    steps.take("sizes", sizes::run)?;
    if let Some(program) = typos(full)? {
        steps.take("typos", || {
            process::run(Command::new(program).current_dir(process::root()))
        })?;
    }
    steps.take("clippy", || {
        tools::component("clippy")?;
        process::run(&mut process::cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    steps.take("docs", || {
        process::run(
            process::cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"),
        )
    })?;
    if full {
        steps.take("cargo-deny, if missing", || {
            tools::cargo_command("deny", DENY)
        })?;
    }
    if full || tools::has_cargo_command("deny") {
        steps.take("deny", || {
            // Not the advisories: their database comes from a place that not every machine
            // can reach.
            process::run(&mut process::cargo(&[
                "deny", "check", "bans", "licenses", "sources",
            ]))
        })?;
    } else {
        eprintln!("skipped: cargo-deny is not installed; --full installs it");
    }
    Ok(())
}

/// The program that finds misspelt words, installed first if `full` asks for it.
fn typos(full: bool) -> Result<Option<PathBuf>, String> {
    let target = process::target()?;
    let found = TYPOS.installed(&target).or_else(|| {
        let program = PathBuf::from(TYPOS.program);
        process::output(Command::new(&program).arg("--version"))
            .is_ok()
            .then_some(program)
    });
    if found.is_none() && full {
        return tools::wheel(&target, &TYPOS).map(Some);
    }
    if found.is_none() {
        eprintln!("\nskipped: typos is not installed; --full installs it");
    }
    Ok(found)
}
