//! `git pail log`: who moved what, and when.

use super::findings::plain;
use super::stop::{Stop, show};
use super::{json, repository};
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
/// it was, which refs moved from what to what, and the push options. Newest first.
///
/// With --json, one object: url, and entries, a list of generation, time (RFC 3339, UTC),
/// who, what, moves (a list of ref, old and new, null where a ref was made or deleted) and
/// options. In names, a byte that is not UTF-8 stands as %XX, and % as %25.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// How many entries to show
    #[arg(short = 'n', long = "max-count", value_name = "N", default_value_t = DEFAULT_COUNT)]
    count: usize,
    /// Show every entry
    #[arg(long, conflicts_with = "count")]
    all: bool,
    /// Only moves of refs that match: main, v1.*, refs/tags/*; * also matches slashes
    #[arg(long = "ref", value_name = "PATTERN")]
    pattern: Option<String>,
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
    let remote = repository::open(args.url.as_deref()).await?;
    let told = collect(&remote, &args).await?;
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
async fn collect(remote: &Remote, args: &Args) -> Result<Vec<Told>> {
    let count = if args.all { usize::MAX } else { args.count };
    let Some(pattern) = &args.pattern else {
        let mut told = Vec::new();
        for entry in remote.log(count).await? {
            let moves = remote.moves(&entry).await?;
            told.push((entry, moves));
        }
        return Ok(told);
    };
    // How far back the wanted entries lie is not known: four times as far at each try.
    let mut limit = if args.all {
        usize::MAX
    } else {
        FIRST_READ.max(count)
    };
    loop {
        let entries = remote.log(limit).await?;
        let whole = entries.len() < limit;
        let mut told = Vec::new();
        for entry in entries {
            if told.len() == count {
                break;
            }
            let mut moves = remote.moves(&entry).await?;
            moves.retain(|one| pattern::fits(pattern.as_bytes(), one.name.as_bytes()));
            if !moves.is_empty() {
                told.push((entry, moves));
            }
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
        let _ = writeln!(out, "  push option: {}", plain(option));
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
fn time(seconds: i64) -> String {
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
