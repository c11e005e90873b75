//! How the commands start git.

use pail::{Error, ErrorKind, Result};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::process::Command;

/// A program in its surroundings: those of this process, or none but the given ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// The whole environment; `None` passes on what this process has.
    pub(super) sealed: Option<Vec<(OsString, OsString)>>,
    /// The folder to run in; `None` is the current one.
    pub(super) folder: Option<PathBuf>,
}

impl Surroundings {
    /// Nothing of this process but the given variables.
    pub(super) fn sealed(folder: &Path, env: Vec<(OsString, OsString)>) -> Self {
        Self {
            sealed: Some(env),
            folder: Some(folder.to_owned()),
        }
    }

    /// Runs git to its end. It reads nothing and dies with this future.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if it cannot be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where commands start git"
    )]
    pub(super) async fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Output> {
        let mut command = Command::new("git");
        command.args(args).kill_on_drop(true);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(env) = &self.sealed {
            command.env_clear();
            command.envs(env.iter().map(|(name, value)| (name, value)));
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.output().await.map_err(|error| {
            Error::new(ErrorKind::Local, format!("cannot run git: {error}"))
                .with_source(error)
                .with_hint("git must be on PATH; version 2.34 or newer")
        })
    }
}

/// Runs git with this process's own streams, and tells how it ended. It dies with this future.
///
/// # Errors
///
/// [`ErrorKind::Local`] if it cannot be started.
#[expect(
    clippy::disallowed_methods,
    reason = "a git that speaks with the user itself"
)]
pub(super) async fn pass_on(
    args: &[OsString],
    env: &[(&str, String)],
) -> Result<std::process::ExitStatus> {
    let mut command = Command::new("git");
    command.args(args).kill_on_drop(true);
    command.envs(env.iter().map(|(name, value)| (name, value)));
    command.status().await.map_err(|error| {
        Error::new(ErrorKind::Local, format!("cannot run git: {error}"))
            .with_source(error)
            .with_hint("git must be on PATH; version 2.34 or newer")
    })
}

/// What git answers, without the last line's end; `None` if it ends badly, as it does for
/// a setting that is not there.
///
/// # Errors
///
/// [`ErrorKind::Local`] if it cannot be started.
pub(super) async fn ask(args: &[&str]) -> Result<Option<String>> {
    let output = Surroundings::default().run(args).await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(output.status.success().then(|| text.to_owned()))
}

/// Runs git, which must end well.
///
/// # Errors
///
/// [`ErrorKind::Local`] with git's own words.
pub(super) async fn must(act: &str, args: &[&str]) -> Result<()> {
    let output = Surroundings::default().run(args).await?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let message = format!("cannot {act}: {}", said.trim());
    Err(Error::new(ErrorKind::Local, message))
}
