//! The project's own commands: `cargo xtask <command>`.
//!
//! Standard library only, so that the first run compiles in seconds on a new machine.

mod check;
mod demo;
mod imports;
mod layers;
mod nextest;
mod process;
mod programs;
mod rust_source;
mod services;
mod sizes;
mod steps;
mod test;
mod tools;
mod tree;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask <command>

  demo                 the main job on a local folder, each command shown
  test                 everything: the static checks, then every test with its services
    --no-lint          the tests only
    --full             first install the checkers that are missing (minutes)
    --s3 <server>      the tests on S3 once more, on Ceph or MiniStack
    --long-tail        the tests on WebDAV, with the feature that they need
    --annex            git-annex's own tests, whole, with an old version too (an hour)
    -- <filters>       nextest only, with these arguments
  check [--full]       the static checks only
  layers               import directions in lib/src
  sizes                files that have grown too large
  services up | down   the tests' services in the background, for a developer
  env                  `export` lines for the services that are up
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        ["demo"] => demo::run(),
        ["test", rest @ ..] => test::run(&test::Options::parse(rest)?),
        ["check"] => check::run(false),
        ["check", "--full"] => check::run(true),
        ["layers"] => layers::run(),
        ["sizes"] => sizes::run(),
        ["services", "up"] => services::up(),
        ["services", "down"] => services::down(),
        ["env"] => services::print_env(),
        [services::GUARD, rest @ ..] => services::guard(rest),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!(
            "cannot run `{}`: no such command\n\n{HELP}",
            arguments.join(" ")
        )),
    }
}
