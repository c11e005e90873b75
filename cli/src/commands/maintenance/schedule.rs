//! `git pail maintenance start` and `stop`: the schedule of this machine.

use super::host::{self, Every, Job, Scheduler};
use super::places::{self, Place};
use super::work::Task;
use crate::commands::stop::{Stop, invalid, say};
use crate::commands::{git, repository};
use crate::{detached, ui};
use pail::store::Location;
use std::path::{Path, PathBuf};

/// Maintain a repository by a schedule of this machine
///
/// Writes the repository down in the global git configuration, and has the scheduler of
/// this machine (systemd, cron, launchd or the one of Windows) start `git pail maintenance
/// run --schedule` every hour, day and week, which does what was written down for that
/// time, one repository after the other, and shows errors only. It lets other programs go
/// first, may be stopped at any moment, and does nothing where other maintenance of the same
/// repository runs on this machine.
///
/// Credentials that stand in the environment of a terminal are not there for a schedule:
/// they must come from files, from git's credential helpers or from the machine.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct StartArgs {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// How often
    #[arg(long, value_enum, default_value = "daily")]
    every: Every,
    /// Only these tasks; default: merge and log
    #[arg(long, value_enum)]
    task: Vec<Task>,
    /// What starts it
    #[arg(long, value_enum, default_value = "auto")]
    scheduler: Scheduler,
}

/// Maintain a repository no longer by a schedule
///
/// With the last repository the schedule of this machine goes, too.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct StopArgs {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    #[arg(conflicts_with = "all")]
    url: Option<String>,
    /// Every repository
    #[arg(long)]
    all: bool,
}

pub(super) async fn start(args: StartArgs) -> Result<(), Stop> {
    let mut place = look_up(args.url.as_deref()).await?;
    (place.every, place.tasks) = (args.every, args.task);
    // What is not there would fail every night.
    repository::open(args.url.as_deref())
        .await?
        .existing()
        .await?;
    let job = Job::new()?;
    let scheduler = args.scheduler.settle().await;
    scheduler.install(&job).await?;
    places::add(&place).await?;
    let (name, every) = (&place.name, place.every.name());
    say(&format!(
        "{name} is maintained {every}, by {}",
        scheduler.words()
    ))
}

pub(super) async fn stop(args: StopArgs) -> Result<(), Stop> {
    let known = places::read().await?;
    let gone: Vec<Place> = if args.all {
        known.clone()
    } else {
        let name = look_up(args.url.as_deref()).await?.name;
        let gone: Vec<_> = known.iter().filter(|one| one.name == name).collect();
        if gone.is_empty() {
            let message = format!("{name} is not maintained by a schedule");
            return Err(invalid(message, listed(&known)).into());
        }
        gone.into_iter().cloned().collect()
    };
    if gone.len() == known.len() {
        host::take_away().await?;
    }
    for place in &gone {
        places::remove(&place.name).await?;
        say(&format!(
            "{} is no longer maintained by a schedule",
            place.name
        ))?;
    }
    if gone.is_empty() {
        say("nothing was maintained by a schedule")?;
    }
    Ok(())
}

/// Those that are, as a hint.
fn listed(known: &[Place]) -> String {
    let names: Vec<_> = known.iter().map(|place| place.name.as_str()).collect();
    match names[..] {
        [] => "nothing is; `git pail maintenance start` begins it".to_owned(),
        _ => format!("these are: {}", names.join(", ")),
    }
}

/// Does what was put down for this time. One that fails keeps no other from its turn.
pub(super) async fn run(every: Every) -> Result<(), Stop> {
    detached::be_modest();
    let mut failed = false;
    for place in places::read().await? {
        if place.every != every {
            continue;
        }
        let mut args = vec!["maintenance", "run", &*place.url];
        for task in &place.tasks {
            args.extend(["--task", task.name()]);
        }
        let why = match detached::ourselves(place.repository.as_deref(), &args).await {
            Ok(done) if done.success() => continue,
            Ok(_) => String::new(),
            Err(error) => format!(": {error}"),
        };
        failed = true;
        let name = &place.name;
        ui::error(
            &format!("maintenance of {name} did not succeed{why}"),
            Some(&format!("`git pail maintenance stop {name}` ends this")),
        );
    }
    if failed { Err(Stop::Told) } else { Ok(()) }
}

/// What is meant, in a way that means the same in every folder.
async fn look_up(named: Option<&str>) -> Result<Place, Stop> {
    let (remote, url) = repository::whereabouts(named).await?;
    let location = Location::parse(&url)?;
    let (name, url) = match &location {
        Location::Folder(path) => {
            let path = std::path::absolute(path)?.display().to_string();
            (path.clone(), path)
        }
        other => (other.to_string(), url),
    };
    let repository = match &remote {
        Some(_) => Some(common_folder().await?),
        None => None,
    };
    Ok(Place {
        name,
        url: remote.unwrap_or(url),
        repository,
        every: Every::Daily,
        tasks: Vec::new(),
    })
}

/// The folder of the repository that all its work trees share.
async fn common_folder() -> Result<PathBuf, Stop> {
    let asked = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
    let said = git::ask(&asked).await?;
    let folder = said.filter(|path| Path::new(path).is_absolute());
    let folder = folder.ok_or_else(|| {
        invalid(
            "this folder is no repository of git",
            "give the URL instead of the name of a remote",
        )
    })?;
    Ok(PathBuf::from(folder))
}
