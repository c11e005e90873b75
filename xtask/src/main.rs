//! The project's own commands: `cargo xtask <command>`.
//!
//! Standard library only, so that the first run compiles in seconds on a new machine.

mod demo;
mod imports;
mod layers;
mod process;
mod rust_source;
mod sizes;
mod steps;
mod tree;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask <command>

  demo                 the main job on a local folder, each command shown
  layers               import directions in lib/src
  sizes                files that have grown too large
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
        ["layers"] => layers::run(),
        ["sizes"] => sizes::run(),
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
