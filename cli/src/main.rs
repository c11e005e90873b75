//! `git-pail`, under whatever name it is called.

use std::process::ExitCode;

fn main() -> ExitCode {
    git_pail::run()
}
