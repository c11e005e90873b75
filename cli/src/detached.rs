//! Work that goes on after git has ended.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// What a git that pushes says about this one push. The repository itself, its configuration
/// and the user's credentials are passed on.
const OF_ONE_PUSH: [&str; 6] = [
    "GIT_QUARANTINE_PATH",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_INDEX_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_PREFIX",
];

/// Starts `git pail maintenance run --auto` for a remote, and does not wait for it. It holds
/// none of our streams, so nobody waits for it by mistake.
///
/// # Errors
///
/// If it cannot be started.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where we start ourselves, beside the next one"
)]
pub fn maintenance(remote: Option<&str>, url: &str) -> io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["maintenance", "run", "--auto"]);
    if let Some(remote) = remote {
        command.args(["--options-of", remote]);
    }
    command.arg("--").arg(url);
    for name in OF_ONE_PUSH {
        command.env_remove(name);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().map(drop)
}

/// Runs ourselves in a folder, to the end; only errors are shown. It dies with this future.
///
/// # Errors
///
/// If it cannot be started.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where we start ourselves and wait"
)]
pub async fn ourselves(folder: Option<&Path>, args: &[&str]) -> io::Result<ExitStatus> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args(args).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    command.status().await
}

/// Lets everybody else on this machine go first.
pub fn be_modest() {
    // Where that cannot be, the work is done all the same.
    #[cfg(unix)]
    let _ = rustix::process::nice(10);
}

/// Leaves the session of the terminal, so that closing it does not end the work.
pub fn leave_session() {
    // A leader of its group cannot; it was started by a person or a timer then.
    #[cfg(unix)]
    let _ = rustix::process::setsid();
}
