//! `git pail lfs ls`: which LFS objects a bucket holds.

use crate::commands::stop::{Stop, show};
use crate::commands::{findings, json, log, repository};
use crate::ui::bytes::human;
use pail::maintenance::lfs::{self, Stored};
use serde::Serialize;
use std::fmt::Write;

/// List the LFS objects of a bucket
///
/// Says the id, the bytes and the time of each, and what lies there that is no object. One
/// request for each thousand.
///
/// With --json, one object: url, bytes, objects (a list of oid, size and time), and strange
/// (a list of keys that are no object's).
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
    bytes: u64,
    objects: Vec<Object<'a>>,
    strange: Vec<&'a str>,
}

#[derive(Serialize)]
struct Object<'a> {
    oid: &'a str,
    size: u64,
    time: String,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let remote = repository::open(args.url.as_deref()).await?;
    let stored = lfs::stored(&*remote.context().store).await?;
    if !args.json {
        return show(words(&stored).as_bytes());
    }
    let objects = stored.objects.iter().map(|(oid, object)| Object {
        oid: oid.as_str(),
        size: object.size,
        time: log::time(object.modified),
    });
    json::print(&Out {
        url: remote.context().store.describe(),
        bytes: stored.bytes(),
        objects: objects.collect(),
        strange: stored.strange.iter().map(|(key, _)| &**key).collect(),
    })
}

fn words(stored: &Stored) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for (oid, object) in &stored.objects {
        let _ = writeln!(
            out,
            "{oid} {:>12} {}",
            object.size,
            log::time(object.modified)
        );
    }
    for (key, _) in &stored.strange {
        let _ = writeln!(out, "no object: {}", findings::plain(key));
    }
    let count = stored.objects.len();
    let _ = writeln!(out, "{count} objects, {}", human(stored.bytes()));
    out
}
