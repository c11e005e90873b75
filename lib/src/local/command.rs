//! How git is spawned.

use crate::error::{Error, ErrorKind, Result};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The git program, and the surroundings in which it runs.
#[derive(Debug, Clone)]
pub struct Git {
    program: OsString,
    env: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    /// Whether the caller's repository stays outside.
    apart: bool,
}

/// What a git that calls us says about its own repository (`git rev-parse --local-env-vars`),
/// configuration aside.
const OF_A_REPOSITORY: [&str; 14] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INTERNAL_SUPER_PREFIX",
];

/// What a finished git said.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl Default for Git {
    fn default() -> Self {
        Self::new()
    }
}

impl Git {
    /// The git on `PATH`, in the surroundings that this process has: `GIT_DIR` and the rest
    /// come from the git that called us.
    pub fn new() -> Self {
        Self {
            program: OsString::from("git"),
            env: Vec::new(),
            folder: None,
            apart: false,
        }
    }

    /// Runs in this folder rather than in the current one.
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Works on the bare repository in this folder, whatever the caller's variables say.
    #[must_use]
    pub(super) fn apart(mut self, folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let of_a_repository = |name: &OsString| OF_A_REPOSITORY.iter().any(|one| name == *one);
        self.env.retain(|(name, _)| !of_a_repository(name));
        self.env.push(("GIT_DIR".into(), folder.clone().into()));
        self.apart = true;
        self.in_folder(folder)
    }

    /// The folder it runs in, if not the current one.
    pub(super) fn folder(&self) -> Option<&PathBuf> {
        self.folder.as_ref()
    }

    /// A git command that dies with its handle and reads nothing.
    ///
    /// Its words are in English, for those that are parsed, and objects are taken as they
    /// are: refs/replace must not change what is pushed.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where git is spawned"
    )]
    pub(super) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .env("LC_ALL", "C")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .kill_on_drop(true);
        if self.apart {
            for name in OF_A_REPOSITORY {
                command.env_remove(name);
            }
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    /// Runs git with this input and collects all that it says.
    pub(super) async fn run<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: Vec<u8>,
    ) -> Result<Output> {
        finish(self.command(args), input).await
    }

    /// As [`Git::run`], with its answer going into a file.
    pub(super) async fn run_into<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: Vec<u8>,
        output: std::fs::File,
    ) -> Result<Output> {
        let mut command = self.command(args);
        command.stdout(output);
        finish(command, input).await
    }

    /// As [`Git::run`]; anything but exit code 0 is an error that repeats git's own words.
    pub(super) async fn ok<S: AsRef<OsStr>>(
        &self,
        act: &str,
        args: impl IntoIterator<Item = S>,
        input: Vec<u8>,
    ) -> Result<Vec<u8>> {
        let output = self.run(args, input).await?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(failed(act, output.status, &output.stderr))
        }
    }
}

/// Runs a git with this input and collects all that it says.
pub(super) async fn finish(mut command: Command, input: Vec<u8>) -> Result<Output> {
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().map_err(missing)?;
    let stdin = child.stdin.take();
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A git that ends early says why itself; its closed pipe adds nothing.
            let _ = stdin.write_all(&input).await;
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    let output = output.map_err(missing)?;
    Ok(Output {
        status: output.status,
        stdout: output.stdout,
        stderr: output.stderr,
    })
}

/// Git could not be run at all.
pub(super) fn missing(error: std::io::Error) -> Error {
    let hint = "git must be on PATH; version 2.34 or newer";
    Error::new(ErrorKind::Local, format!("cannot run git: {error}"))
        .with_source(error)
        .with_hint(hint)
}

/// Git ran and failed.
pub(super) fn failed(act: &str, status: ExitStatus, stderr: &[u8]) -> Error {
    let said = gist(&String::from_utf8_lossy(stderr));
    let why = if said.is_empty() {
        format!("git ended with {status}")
    } else {
        said
    };
    Error::new(ErrorKind::Local, format!("cannot {act}: {why}"))
}

/// The lines in which git says what is wrong; where there are none, the last few. What it
/// traces or warns about beside that is left out.
fn gist(said: &str) -> String {
    const FEW: usize = 3;
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let wrong = |line: &&str| {
        ["fatal:", "error:", "BUG:"]
            .iter()
            .any(|word| line.starts_with(word))
    };
    let mut told: Vec<&str> = lines.iter().copied().filter(wrong).collect();
    if told.is_empty() {
        told = lines[lines.len().saturating_sub(FEW)..].to_vec();
    }
    told.truncate(FEW);
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use super::gist;

    #[test]
    fn of_all_that_git_says_the_errors_are_told() {
        let said = "12:00:00 trace: built-in: git index-pack\nwarning: odd\nfatal: early EOF\n";
        assert_eq!(gist(said), "fatal: early EOF");
        assert_eq!(gist("one\ntwo\nthree\nfour\n"), "two; three; four");
        assert_eq!(gist(""), "");
    }
}
