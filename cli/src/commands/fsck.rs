//! `git pail fsck`: is what lies in the bucket right?

use super::stop::Stop;
use super::{findings, repository};
use crate::ui::bytes::human;
use crate::ui::count::count;
use pail::format::names;
use pail::local::Git;
use pail::maintenance::Bench;
use pail::maintenance::fsck::Report;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// How many refs that are hurt are shown to people.
const SHOWN_REFS: usize = 20;

/// Check what lies in a bucket
///
/// The quick check reads the manifest, the table of refs and the push log, and compares
/// every file that they name with what is there: the key, the size, whether the packs
/// cover the whole history. It downloads no pack. --full downloads all of them into a
/// temporary repository, where git computes the id of every object anew, compares the
/// indexes, and follows every ref to its end; that costs as much as a clone.
///
/// Says which refs are hurt. The quick check names those that may be, the full one those
/// that are. Nothing is changed. Exit code 3 says that something is broken.
///
/// With --json, one object: url, full, checked (generation, files, bytes, refs, packs,
/// objects), findings (a list of severity: note, warning or error; code, a word for
/// programs; subject; reason; and mend, or null), hurt (a list of refs) and certain
/// (whether each of those is known to be hurt). In names of refs, a byte that is not UTF-8
/// stands as %XX, and % as %25.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// Read every byte of every pack
    #[arg(long)]
    full: bool,
    /// Folder for the temporary repository of --full; default: the system's
    #[arg(long, value_name = "FOLDER", requires = "full")]
    temp: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out<'a> {
    url: String,
    full: bool,
    checked: Checked,
    findings: Vec<findings::Shown<'a>>,
    hurt: Vec<String>,
    certain: bool,
}

#[derive(Serialize)]
struct Checked {
    generation: u64,
    files: u64,
    bytes: u64,
    refs: u64,
    packs: u64,
    objects: u64,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let remote = repository::open_with(args.url.as_deref(), args.full && !args.json).await?;
    let bench = args.full.then(|| Bench {
        git: Git::new(),
        folder: args.temp.unwrap_or_else(std::env::temp_dir),
        lender: None,
    });
    let report = remote.fsck(bench.as_ref()).await?;
    let checked = report.checked;
    let out = Out {
        url: remote.context().store.describe(),
        full: args.full,
        checked: Checked {
            generation: checked.generation,
            files: checked.files,
            bytes: checked.bytes,
            refs: checked.refs,
            packs: checked.packs,
            objects: checked.objects,
        },
        findings: findings::shown(&report.findings),
        hurt: report
            .hurt
            .iter()
            .map(|name| names::encode(name.as_bytes()))
            .collect(),
        certain: report.certain,
    };
    let words = (!args.json).then(|| words(&report, args.full));
    findings::end(&report.findings, &out, words.as_deref())
}

fn words(report: &Report, full: bool) -> String {
    let checked = &report.checked;
    let mut out = String::new();
    if !report.hurt.is_empty() {
        let what = if report.certain {
            "cannot be fetched whole"
        } else {
            "may not be fetched whole; --full tells"
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "hurt: {} {what}",
            count(report.hurt.len() as u64, "ref")
        );
        for name in report.hurt.iter().take(SHOWN_REFS) {
            let _ = writeln!(out, "  {name}");
        }
        if report.hurt.len() > SHOWN_REFS {
            let more = report.hurt.len() - SHOWN_REFS;
            let _ = writeln!(out, "  and {more} more; --json shows them all");
        }
    }
    if checked.generation > 0 {
        let _ = write!(
            out,
            "checked generation {}: {}, {}, {}, {}",
            checked.generation,
            count(checked.refs, "ref"),
            count(checked.packs, "pack"),
            count(checked.files, "file"),
            human(checked.bytes)
        );
        let _ = match full {
            true => writeln!(out, "; {}", count(checked.objects, "object")),
            false => writeln!(out, "; by size only"),
        };
    }
    if report.worst().is_none() {
        out.push_str("nothing is wrong\n");
    }
    out
}
