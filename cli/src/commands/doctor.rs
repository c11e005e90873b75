//! `git pail doctor`: can we work here?

use super::links::{Found, Program};
use super::policy::{Access, policy};
use super::stop::{Stop, invalid};
use super::{findings, git, json, repository};
use crate::annex_agent::NOTES;
use crate::{env, multicall};
use pail::format::settings;
use pail::local::{Config, Git, LfsRepository, Repository};
use pail::maintenance::doctor::{Diagnosis, Visit};
use pail::maintenance::{Finding, Severity};
use serde::Serialize;
use serde_json::{Map, Value};
use std::env::consts::EXE_SUFFIX;
use std::fmt::Write;
use std::path::PathBuf;

/// The oldest git that is served.
const OLDEST_GIT: (u32, u32) = (2, 34);

/// Find out whether one can work with a bucket
///
/// Looks at the git and the links of this machine, the options and the credentials that
/// are used (never showing a secret), and at the bucket: can it be read and listed, what
/// lies there that nobody needs, whose layout is it? --probe also writes, lists and deletes
/// scratch files: what do the rights allow, does the store keep to conditional writes, do
/// the clocks agree? Each finding says what mends it; exit code 3 says that one of them is
/// an error. Nothing is asked, and nothing is changed but what a flag names.
///
/// What transfers that died left on this machine is told with its size and age: packs that
/// the next push takes up and files on their way, of the repository in this folder; packs
/// that came in part, of any repository.
///
/// --remove-leftovers removes the files and unfinished uploads of writers that died, and what
/// lies on this machine; a transfer that would have gone on there then starts anew. That is
/// safe beside living writers: one that was only slow uploads again.
///
/// With --json, one object: url, facts (an object of texts), options (a list of name and
/// origin), findings (as of git pail fsck) and removed (how many files and uploads, and
/// things on this machine).
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// Try on scratch files what the bucket allows and promises
    #[arg(long)]
    probe: bool,
    /// Remove files and uploads that nothing names, here and in the bucket
    #[arg(long)]
    remove_leftovers: bool,
    /// What is younger is let alone: it may be part of a push under way
    #[arg(long, value_name = "TIME", default_value = "1d")]
    older_than: String,
    /// Only print the least rights that are needed, and ask nobody
    #[arg(long, value_name = "FOR", conflicts_with_all = ["probe", "remove_leftovers"])]
    policy: Option<Access>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out<'a> {
    url: &'a str,
    facts: Map<String, Value>,
    options: &'a [Said],
    findings: Vec<findings::Shown<'a>>,
    removed: u64,
}

/// An option, and where it was said. Its value may be a secret.
#[derive(Debug, Serialize)]
struct Said {
    name: String,
    origin: String,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let (location, given) = repository::look_up(args.url.as_deref()).await?;
    if let Some(access) = args.policy {
        return json::print(&policy(&location, access)?);
    }
    let time = [args.older_than.clone()];
    let older_than = settings::parse(&settings::RETENTION, &time)
        .ok()
        .and_then(|value| value.as_i64())
        .ok_or_else(|| {
            let message = format!("'{}' is no time", args.older_than.escape_debug());
            invalid(message, "write 1d, 36h, 90m or 0s")
        })?;
    let mut found = machine().await?;
    let remote = repository::open(args.url.as_deref()).await?;
    let visit = Visit {
        probe: args.probe,
        remove_leftovers: args.remove_leftovers,
        older_than,
        // Outside of a repository nothing can have been left in one.
        repository: Repository::open(Git::new()).await.ok(),
        large_files: large_files().await.unwrap_or_default(),
        who: repository::committer().await?,
    };
    let diagnosis = remote.doctor(&visit).await?;
    found.extend(diagnosis.findings.iter().cloned());
    let options: Vec<Said> = given
        .iter()
        .map(|given| Said {
            name: given.name.clone(),
            origin: given.origin.to_string(),
        })
        .collect();
    let url = remote.context().store.describe();
    let facts = diagnosis.facts.iter();
    let out = Out {
        url: &url,
        facts: facts
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect(),
        options: &options,
        findings: findings::shown(&found),
        removed: diagnosis.removed,
    };
    let words = (!args.json).then(|| words(&diagnosis, &options, &found));
    findings::end(&found, &out, words.as_deref())
}

fn words(diagnosis: &Diagnosis, options: &[Said], found: &[Finding]) -> String {
    let mut out = String::new();
    for (name, value) in &diagnosis.facts {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name:<20}{}", findings::plain(value));
    }
    for one in options {
        let _ = writeln!(out, "{:<20}{} ({})", "option", one.name, one.origin);
    }
    if diagnosis.removed > 0 {
        let _ = writeln!(out, "removed {} leftovers", diagnosis.removed);
    }
    if found.is_empty() {
        out.push_str("nothing stands in the way\n");
    }
    out
}

/// Where transfers of large files of this repository keep what they go on with, if there is one.
async fn large_files() -> Option<Vec<PathBuf>> {
    let git = Git::new();
    let here = LfsRepository::open(&git).await.ok()?;
    let config = Config::read(&git).await.ok()?;
    Some(vec![here.kept(&config), here.common().join(NOTES)])
}

/// What can be wrong on this machine.
async fn machine() -> Result<Vec<Finding>, Stop> {
    let mut found = Vec::new();
    let version = git::ask(&["version"]).await?.unwrap_or_default();
    if parse(&version).is_none_or(|version| version < OLDEST_GIT) {
        let reason = format!(
            "git-pail needs git {}.{} or newer",
            OLDEST_GIT.0, OLDEST_GIT.1
        );
        let finding = Finding::new(Severity::Error, "old-git", version, reason);
        found.push(finding.with_mend("install a newer git"));
    }
    let folders = env::program_folders();
    let program = Program::find(&folders)?;
    for name in multicall::names() {
        let file = format!("{name}{EXE_SUFFIX}");
        let first = folders.iter().map(|folder| folder.join(&file));
        let Some(path) = first.into_iter().find(|path| path.exists()) else {
            let (severity, reason) = match &*name {
                multicall::ANNEX_AGENT => (
                    Severity::Note,
                    "git-annex does not find it: externaltype=pail does not work",
                ),
                multicall::LFS_AGENT => (
                    Severity::Note,
                    "Git LFS does not find it: objects in a bucket neither come nor go",
                ),
                _ => (
                    Severity::Warning,
                    "git does not find it: URLs of its scheme do not work",
                ),
            };
            let finding = Finding::new(severity, "no-link", name, reason);
            found.push(finding.with_mend("`git pail install`"));
            continue;
        };
        let reason = match program.look(&path)? {
            Found::Ours => continue,
            Found::Foreign | Found::Absent => {
                "it is another tool's; URLs that start with pail:: reach git-pail"
            }
            Found::Stale => "it is another git-pail than this one",
        };
        let finding = Finding::new(
            Severity::Note,
            "other-link",
            path.display().to_string(),
            reason,
        );
        found.push(finding.with_mend("`git pail install`, if it is to be this one"));
    }
    Ok(found)
}

/// `git version 2.39.5 (Apple Git-154)`
fn parse(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_says_its_version_in_several_ways() {
        assert_eq!(parse("git version 2.39.5"), Some((2, 39)));
        assert_eq!(parse("git version 2.50.1 (Apple Git-155)"), Some((2, 50)));
        assert_eq!(parse("git version 2.48.0.windows.1"), Some((2, 48)));
        assert_eq!(parse("hub"), None);
    }
}
