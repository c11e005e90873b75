//! `git pail lfs fsck`: are the LFS objects there, and right?

use super::places;
use crate::commands::findings;
use crate::commands::stop::Stop;
use crate::ui::bytes::human;
use pail::maintenance::lfs;
use serde::Serialize;
use std::path::PathBuf;

/// Check the LFS objects of a bucket
///
/// Compares what lies there with what the history names: every pointer file that a ref
/// reaches, or reached within the retention time. For that the history is downloaded, as for
/// a clone. --full also downloads every object and computes its id anew.
///
/// Nothing is changed. Exit code 3 says that something is broken.
///
/// With --json, one object: url, full, repositories (whose histories were looked through),
/// checked (objects, bytes, and named, the objects that the histories name) and findings (as
/// of `git pail fsck`).
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// Read every byte of every object
    #[arg(long)]
    full: bool,
    /// Folder for temporary files; default: the system's
    #[arg(long, value_name = "FOLDER")]
    temp: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out<'a> {
    url: String,
    full: bool,
    repositories: &'a [String],
    checked: Counts,
    findings: Vec<findings::Shown<'a>>,
}

#[derive(Serialize)]
struct Counts {
    objects: u64,
    bytes: u64,
    named: u64,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let places = places::find(args.url.as_deref()).await?;
    let (objects, bench) = (places.objects.context(), places::bench(args.temp));
    let checked = lfs::fsck(objects, &places.repositories, &bench, args.full).await?;
    let out = Out {
        url: objects.store.describe(),
        full: args.full,
        repositories: &places.names,
        checked: Counts {
            objects: checked.objects,
            bytes: checked.bytes,
            named: checked.named,
        },
        findings: findings::shown(&checked.findings),
    };
    let words = (!args.json).then(|| {
        let how = if args.full { "hashed" } else { "by size only" };
        let mut words = format!(
            "checked {} objects, {}, {how}; the history names {}\n",
            checked.objects,
            human(checked.bytes),
            checked.named
        );
        if places.names.is_empty() {
            words.push_str("no repository lies here: what is missing cannot be told\n");
        } else if checked.findings.is_empty() {
            words.push_str("nothing is wrong\n");
        }
        words
    });
    findings::end(&checked.findings, &out, words.as_deref())
}
