//! The commands for people.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command that the arguments name.
#[must_use]
pub fn main(_args: Vec<OsString>) -> ExitCode {
    ExitCode::SUCCESS
}
