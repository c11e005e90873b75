//! The schedulers of hosts: what starts us at its time.
//!
//! As `git maintenance start` does it, with a schedule of our own: repositories are known by
//! URL, and git's schedule knows those on this machine only.

mod crontab;
mod launchd;
mod schtasks;
mod systemd;

use crate::commands::stop::invalid;
use crate::env;
use clap::ValueEnum;
use pail::ids::{Ids, SystemIds};
use pail::{Error, ErrorKind, Result};
use std::env::consts::EXE_SUFFIX;
use std::process::{Output, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Every {
    /// Once an hour
    Hourly,
    /// Once a day, at three in the night
    Daily,
    /// On Mondays, at four in the night
    Weekly,
}

impl Every {
    pub(super) const ALL: [Self; 3] = [Self::Hourly, Self::Daily, Self::Weekly];

    /// Its word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }
}

/// What starts us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Scheduler {
    /// The usual one of this system
    Auto,
    /// Timers of the user's systemd
    SystemdTimer,
    /// The user's crontab
    Crontab,
    /// Agents of the user's launchd, on macOS
    Launchctl,
    /// Tasks of Windows
    Schtasks,
}

/// What is to be started: this program with `maintenance run --schedule <how often>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    /// This program.
    pub(super) program: String,
    /// Where git and the helpers are found: a schedule has a bare `PATH`.
    pub(super) path: String,
    /// The minute of the hour, one of chance, so that not all hosts ask at once.
    pub(super) minute: u32,
}

impl Job {
    /// This program, as it runs now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the system does not say where it is, or not as text.
    pub(super) fn new() -> Result<Self> {
        let odd = |what: &str| {
            let message = format!("cannot make a schedule: {what} is no plain text");
            Error::new(ErrorKind::Local, message)
        };
        let program = std::env::current_exe().map_err(|error| {
            let message = format!("cannot find this program: {error}");
            Error::new(ErrorKind::Local, message).with_source(error)
        })?;
        let plain = |text: &str| !text.contains(|c: char| c.is_control());
        let program = program.to_str().filter(|text| plain(text));
        let git = format!("git{EXE_SUFFIX}");
        let folders = env::program_folders();
        let with_git = folders.iter().find(|folder| folder.join(&git).is_file());
        let path = with_git.and_then(|folder| folder.to_str()).unwrap_or("");
        let usual = ["/usr/local/bin", "/usr/bin", "/bin"];
        let all = std::iter::once(path).chain(usual.into_iter().filter(|one| *one != path));
        let all: Vec<&str> = all.filter(|one| !one.is_empty() && plain(one)).collect();
        let chance = SystemIds.hex()?;
        let chance = u32::from_str_radix(&chance[..4], 16).unwrap_or(0);
        Ok(Self {
            program: program.ok_or_else(|| odd("its path"))?.to_owned(),
            path: all.join(":"),
            minute: chance % 60,
        })
    }
}

impl Scheduler {
    /// The one that is meant on this system.
    pub(super) async fn settle(self) -> Self {
        match self {
            Self::Auto if cfg!(target_os = "macos") => Self::Launchctl,
            Self::Auto if cfg!(windows) => Self::Schtasks,
            Self::Auto if systemd::is_there().await => Self::SystemdTimer,
            Self::Auto => Self::Crontab,
            named => named,
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Auto => "the usual scheduler",
            Self::SystemdTimer => "timers of systemd",
            Self::Crontab => "the crontab",
            Self::Launchctl => "agents of launchd",
            Self::Schtasks => "tasks of Windows",
        }
    }

    /// Puts the schedule there, in the place of one that is there, with any scheduler.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the scheduler is not there or does not take it.
    pub(super) async fn install(self, job: &Job) -> Result<()> {
        take_away().await?;
        match self {
            Self::Auto | Self::Crontab => crontab::install(job).await,
            Self::SystemdTimer => systemd::install(job).await,
            Self::Launchctl => launchd::install(job).await,
            Self::Schtasks => schtasks::install(job).await,
        }
    }
}

/// Takes the schedule away, whichever scheduler has it.
///
/// # Errors
///
/// [`ErrorKind::Local`] if a scheduler that has it does not give it up.
pub(super) async fn take_away() -> Result<()> {
    systemd::remove().await?;
    launchd::remove().await?;
    schtasks::remove().await?;
    crontab::remove().await
}

/// Runs a program of the host with this input, in English; `None` if there is no such
/// program.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where schedulers are started"
)]
async fn run(program: &str, args: &[&str], input: &str) -> Result<Option<Output>> {
    let failed = |error: std::io::Error| {
        let message = format!("cannot run {program}: {error}");
        Error::new(ErrorKind::Local, message).with_source(error)
    };
    let mut command = Command::new(program);
    command.args(args).env("LC_ALL", "C").kill_on_drop(true);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends early says why itself.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    child.wait_with_output().await.map(Some).map_err(failed)
}

/// Runs a program of the host, which must be there and end well.
async fn must(program: &str, args: &[&str], input: &str) -> Result<()> {
    let Some(output) = run(program, args, input).await? else {
        return Err(invalid(
            format!("cannot make a schedule: there is no {program} on PATH"),
            "choose another with --scheduler, or start `git pail maintenance run` by other means",
        ));
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let words: Vec<_> = args.iter().take(3).copied().collect();
    let message = format!("{program} {} failed: {}", words.join(" "), said.trim());
    Err(Error::new(ErrorKind::Local, message))
}
