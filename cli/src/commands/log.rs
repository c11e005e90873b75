//! `git pail log`: who moved what, and when.

use super::findings::plain;
use super::stop::{Stop, show};
use super::{json, repository, restore};
use pail::format::manifest::{LogEntry, RefMove};
use pail::format::names;
use pail::refs::pattern;
use pail::{ObjectId, Remote, Result};
use serde::Serialize;
use std::fmt::Write;

/// How many entries are shown when nothing is said.
const DEFAULT_COUNT: usize = 20;

/// How many moves of one entry are shown to people.
const SHOWN_MOVES: usize = 20;

/// How many entries are read first when they are searched.
const FIRST_READ: usize = 100;

/// Show who moved which ref, and when
///
/// Every change of a repository leaves an entry in its push log: the generation that it
/// made, when and by whom (as git names the committer, by the clock of that machine), what
/// it was, which refs moved from what to what, and the push options, or what a command was
/// asked for. Newest first.
///
/// With --json, one object: url, and entries, a list of generation, time (RFC 3339, UTC),
/// who, what, moves (a list of ref, old and new, null where a ref was made or deleted) and
/// options. In names, a byte that is not UTF-8 stands as %XX, and % as %25.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// How many entries to show; default: 20, or all with --since
    #[arg(short = 'n', long = "max-count", value_name = "N")]
    count: Option<usize>,
    /// Show every entry
    #[arg(long, conflicts_with = "count")]
    all: bool,
    /// Only moves of refs that match: main, v1.*, refs/tags/*; * also matches slashes
    #[arg(long = "ref", value_name = "PATTERN")]
    pattern: Option<String>,
    /// Only what is not older, by the clocks of those who wrote: a date as git log takes it
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out {
    url: String,
    entries: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    generation: u64,
    time: String,
    who: String,
    what: String,
    moves: Vec<Move>,
    options: Vec<String>,
}

#[derive(Serialize)]
struct Move {
    #[serde(rename = "ref")]
    name: String,
    old: Option<String>,
    new: Option<String>,
}

/// An entry with its moves, wherever those lie, as far as they were asked for.
type Told = (LogEntry, Vec<RefMove>);

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let since = match &args.since {
        Some(date) => Some(restore::time(date).await?),
        None => None,
    };
    let remote = repository::open(args.url.as_deref()).await?;
    let told = collect(&remote, &args, since).await?;
    if args.json {
        return json::print(&Out {
            url: remote.context().store.describe(),
            entries: told.iter().map(entry).collect(),
        });
    }
    let texts: Vec<String> = told.iter().map(text).collect();
    show(texts.join("\n").as_bytes())
}

/// Reads as far back as it takes.
async fn collect(remote: &Remote, args: &Args, since: Option<i64>) -> Result<Vec<Told>> {
    let default = if since.is_some() {
        usize::MAX
    } else {
        DEFAULT_COUNT
    };
    let count = if args.all {
        usize::MAX
    } else {
        args.count.unwrap_or(default)
    };
    let filtered = args.pattern.is_some() || since.is_some();
    // How far back the wanted entries lie is not known: four times as far at each try.
    let mut limit = match (filtered, since) {
        (false, _) => count,
        (true, None) if count == usize::MAX => count,
        _ => FIRST_READ.max(count.min(FIRST_READ)),
    };
    loop {
        let entries = remote.log(limit).await?;
        let last = entries.last().map(|entry| entry.time);
        let past = since.is_some_and(|since| last.is_some_and(|last| last < since));
        let whole = entries.len() < limit || past || !filtered;
        let mut told = Vec::new();
        for entry in entries {
            if told.len() == count {
                break;
            }
            if since.is_some_and(|since| entry.time < since) {
                continue;
            }
            let mut moves = remote.moves(&entry).await?;
            if let Some(pattern) = &args.pattern {
                moves.retain(|one| pattern::fits(pattern.as_bytes(), one.name.as_bytes()));
                if moves.is_empty() {
                    continue;
                }
            }
            told.push((entry, moves));
        }
        if whole || told.len() == count {
            return Ok(told);
        }
        limit = limit.saturating_mul(4);
    }
}

fn entry((entry, moves): &Told) -> Entry {
    let hex = |oid: Option<ObjectId>| oid.map(|oid| oid.to_string());
    Entry {
        generation: entry.generation,
        time: time(entry.time),
        who: entry.who.clone(),
        what: entry.what.clone(),
        moves: moves
            .iter()
            .map(|one| Move {
                name: names::encode(one.name.as_bytes()),
                old: hex(one.old),
                new: hex(one.new),
            })
            .collect(),
        options: entry.options.clone(),
    }
}

fn text((entry, moves): &Told) -> String {
    let mut out = format!(
        "generation {}  {}  {}  {}\n",
        entry.generation,
        time(entry.time),
        plain(&entry.what),
        plain(&entry.who)
    );
    let shown = &moves[..moves.len().min(SHOWN_MOVES)];
    let width = shown
        .iter()
        .map(|one| one.name.to_string().chars().count())
        .max()
        .unwrap_or(0);
    for one in shown {
        let name = one.name.to_string();
        let (old, new) = (short(one.old, "new"), short(one.new, "deleted"));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {name:<width$}  {old} -> {new}");
    }
    if moves.len() > shown.len() {
        let _ = writeln!(
            out,
            "  and {} refs more; --json shows them all",
            moves.len() - shown.len()
        );
    }
    for option in &entry.options {
        let kind = if entry.what == "push" {
            "push option"
        } else {
            "asked for"
        };
        let _ = writeln!(out, "  {kind}: {}", plain(option));
    }
    out
}

/// An id that people can tell from others, or a word where there is none.
fn short(oid: Option<ObjectId>, none: &str) -> String {
    oid.map_or_else(
        || format!("({none})"),
        |oid| oid.to_string().chars().take(12).collect(),
    )
}

/// Seconds since 1970 as RFC 3339, UTC.
pub(super) fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| format!("@{seconds}"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(time(1_767_225_600), "2026-01-01T00:00:00Z");
        assert_eq!(time(i64::MAX), "@9223372036854775807");
    }

    #[test]
    fn a_terminal_is_not_driven_by_a_name() {
        assert_eq!(plain("a\u{1b}[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
    }
}
