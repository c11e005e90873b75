//! `git pail restore`: a bad force-push or a deletion is undone.

use super::stop::{Stop, invalid, say};
use super::{git, json, repository};
use crate::ui;
use pail::local::Git;
use pail::maintenance::Bench;
use pail::maintenance::restore::{RestoreRequest, Restored, When};
use pail::refs::{Outcome, RefName, Refusal};
use pail::{ObjectId, Result};
use serde::Serialize;
use std::path::PathBuf;

/// Give a ref the value that it had before
///
/// The push log tells what every ref was. `main` alone undoes its last move, be it a
/// force-push, a deletion or a restore; main@{2} the last two; main@12 makes it what it was
/// at generation 12; main@{yesterday}, main@{2026-01-31 12:00}, or any other date that git
/// takes, what it was then, by the clocks of those who pushed. Other refs are left as they
/// are. It is one ordinary commit: if the ref moves meanwhile nothing is done, and the log
/// keeps it.
///
/// Objects stay as long as the setting retention says. After gc has dropped some, all packs
/// are downloaded to make sure that nothing of the old value is missing.
///
/// With --json, one object: url, ref, old and new (ids, old null if it was not there),
/// generation (that had given it this value, or null if the log does not tell) and changed.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote
    url: String,
    /// The ref, and when: main, main@{2}, main@12, refs/tags/v1@{yesterday}
    #[arg(value_name = "REF")]
    target: String,
    /// Only say what would be done
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Rewind a protected ref, too; the log keeps that
    #[arg(long)]
    override_protection: bool,
    /// Folder for a temporary repository, if one is needed; default: the system's
    #[arg(long, value_name = "FOLDER")]
    temp: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out {
    url: String,
    #[serde(rename = "ref")]
    name: String,
    old: Option<String>,
    new: String,
    generation: Option<u64>,
    changed: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let (name, when) = target(&args.target).await?;
    let remote = repository::open_with(Some(&args.url), !args.json).await?;
    let request = RestoreRequest {
        name: name.clone(),
        when,
        override_protection: args.override_protection,
        dry_run: args.dry_run,
        who: repository::committer().await?,
    };
    let bench = Bench {
        git: Git::new(),
        folder: args.temp.unwrap_or_else(std::env::temp_dir),
        lender: None,
    };
    let restored = remote.restore(&request, &bench).await?;
    if let Outcome::Refused(why) = &restored.outcome {
        let hint = match why {
            Refusal::Protected { .. } => "--override-protection does it all the same",
            Refusal::StaleInfo => "it moved meanwhile; look with `git pail log`",
            _ => "nothing was changed",
        };
        ui::error(&format!("cannot restore {name}: {why}"), Some(hint));
        return Err(Stop::Told);
    }
    let changed = restored.outcome == Outcome::Updated;
    if args.json {
        return json::print(&Out {
            url: remote.context().store.describe(),
            name: pail::format::names::encode(name.as_bytes()),
            old: restored.old.map(|oid| oid.to_string()),
            new: restored.new.to_string(),
            generation: restored.generation,
            changed: changed && !args.dry_run,
        });
    }
    say(&words(&name, &restored, changed, args.dry_run))
}

fn words(name: &RefName, restored: &Restored, changed: bool, dry_run: bool) -> String {
    let short = |oid: ObjectId| oid.to_string().chars().take(12).collect::<String>();
    let new = short(restored.new);
    let from = restored.generation.map_or_else(String::new, |generation| {
        format!(", as generation {generation} made it")
    });
    if !changed {
        return format!("{name} is {new} already{from}; nothing was changed");
    }
    let old = restored.old.map_or_else(|| "(deleted)".to_owned(), short);
    let would = if dry_run { "would become " } else { "" };
    format!("{name}: {old} -> {would}{new}{from}")
}

/// A ref and when: `main`, `main@{2}`, `main@12`, `main@{yesterday}`.
async fn target(text: &str) -> Result<(RefName, When), Stop> {
    let (name, when) = split(text);
    let when = match when {
        Suffix::None => When::Before(1),
        Suffix::Generation(generation) => When::Generation(generation),
        Suffix::Braces(inner) => match inner.parse() {
            Ok(count) => When::Before(count),
            Err(_) => When::Time(time(inner).await?),
        },
    };
    let name = if name.starts_with("refs/") {
        RefName::new(name)?
    } else {
        RefName::new(format!("refs/heads/{name}"))?
    };
    Ok((name, when))
}

#[derive(Debug, PartialEq, Eq)]
enum Suffix<'a> {
    None,
    Generation(u64),
    Braces(&'a str),
}

fn split(text: &str) -> (&str, Suffix<'_>) {
    if let Some((name, inner)) = text
        .strip_suffix('}')
        .and_then(|text| text.split_once("@{"))
    {
        return (name, Suffix::Braces(inner));
    }
    match text.rsplit_once('@') {
        Some((name, digits)) if !name.is_empty() => match digits.parse() {
            Ok(generation) => (name, Suffix::Generation(generation)),
            Err(_) => (text, Suffix::None),
        },
        _ => (text, Suffix::None),
    }
}

/// A date as git reads it.
///
/// # Errors
///
/// [`pail::ErrorKind::Invalid`] if git does not.
pub(super) async fn time(text: &str) -> Result<i64> {
    let bad = || {
        let message = format!("'{}' is no date", text.escape_debug());
        invalid(
            message,
            "write it as for git log --since: yesterday, 2 hours ago, 2026-01-31 12:00",
        )
    };
    // A key that nobody sets: what is read is the default, as a date, and git says where it
    // is none. `now` is the end of time.
    let args = [
        "config",
        "--type=expiry-date",
        "--default",
        text,
        "--get",
        "pail.no-date",
    ];
    let said = git::ask(&args).await?.ok_or_else(bad)?;
    let seconds: u64 = said.parse().map_err(|_| bad())?;
    Ok(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_at_sign_says_when() {
        for (text, name, suffix) in [
            ("main", "main", Suffix::None),
            ("main@12", "main", Suffix::Generation(12)),
            ("main@{2}", "main", Suffix::Braces("2")),
            ("main@{2 hours ago}", "main", Suffix::Braces("2 hours ago")),
            ("me@home", "me@home", Suffix::None),
            ("me@home@3", "me@home", Suffix::Generation(3)),
            ("@", "@", Suffix::None),
            ("@7", "@7", Suffix::None),
        ] {
            assert_eq!(split(text), (name, suffix), "{text}");
        }
    }
}
