//! How other programs are started, and where the project lies.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What `cargo run` leaves in the environment of `xtask` itself.
///
/// Passed on to another cargo it would look like a change to build scripts that watch it,
/// and their crates would be built again on every run.
const LEFT_BY_CARGO_RUN: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// The root of the project.
pub fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map(Path::to_path_buf).unwrap_or(here)
}

/// Cargo, at the root of the project.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if LEFT_BY_CARGO_RUN
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command.args(arguments).current_dir(root());
    command
}

/// The folder that cargo builds into.
pub fn target() -> Result<PathBuf, String> {
    let metadata = output(&mut cargo(&[
        "metadata",
        "--no-deps",
        "--format-version=1",
        "--offline",
    ]))?;
    let name = "\"target_directory\":\"";
    let (_, rest) = metadata
        .split_once(name)
        .ok_or("cannot find the target folder: `cargo metadata` does not name it")?;
    let end = rest
        .find('"')
        .ok_or("cannot find the target folder: `cargo metadata` is cut short")?;
    // Only a backslash is ever escaped in a path that a person would choose.
    Ok(PathBuf::from(rest[..end].replace("\\\\", "\\")))
}

/// A command line as a person would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| {
        let word = word.to_string_lossy();
        if word.contains([' ', '(', '*', '|', '&']) {
            format!("'{word}'")
        } else {
            word.into_owned()
        }
    }));
    words.join(" ")
}

/// Shows a command, runs it without input, and lets its output through.
pub fn run(command: &mut Command) -> Result<(), String> {
    eprintln!("$ {}", shown(command));
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cannot run `{}`: {error}", shown(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` failed: {status}", shown(command)))
    }
}

/// Runs a command quietly; its standard output, or an error with what it complained of.
pub fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run `{}`: {error}", shown(command)))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!(
            "`{}` failed: {}\n{}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        ))
    }
}

/// Puts the child into a process group of its own, out of reach of the terminal's Ctrl-C.
pub fn own_group(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}
