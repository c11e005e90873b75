//! `git pail locks`: who works on which file.

use super::stop::{Stop, say, show};
use super::{json, log, repository};
use crate::ui::table::{Side, columns};
use pail::large_files::locks::Lock;
use serde::Serialize;

/// Show who has locked which file
///
/// Reads one file of the bucket; needs neither a clone nor git-lfs. A star stands before
/// locks of your own: those of your mail address.
///
/// With --json, one object: url, and locks, a list of id, path, owner, time (RFC 3339) and
/// ours (whether it is your own).
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out<'a> {
    url: String,
    locks: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    path: &'a str,
    owner: &'a str,
    time: String,
    ours: bool,
}

impl<'a> Shown<'a> {
    fn of(lock: &'a Lock, who: &str) -> Self {
        Self {
            id: &lock.id,
            path: &lock.path,
            owner: &lock.owner,
            time: log::time(lock.time),
            ours: lock.is_of(who),
        }
    }
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let remote = repository::open(args.url.as_deref()).await?;
    let who = repository::committer().await?;
    let locks = remote.locks().await?;
    let url = remote.context().store.describe();
    let locks: Vec<Shown<'_>> = locks.iter().map(|lock| Shown::of(lock, &who)).collect();
    if args.json {
        return json::print(&Out { url, locks });
    }
    if locks.is_empty() {
        return say(&format!("nothing is locked at {url}"));
    }
    let row = |lock: &Shown<'_>| {
        let star = if lock.ours { "*" } else { " " };
        vec![
            format!("{star} {}", lock.path),
            lock.owner.to_owned(),
            lock.time.clone(),
            lock.id.to_owned(),
        ]
    };
    let rows: Vec<_> = locks.iter().map(row).collect();
    show(columns(&[Side::Left; 4], &rows).as_bytes())
}
