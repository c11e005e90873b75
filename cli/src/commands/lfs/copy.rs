//! `git pail lfs copy`: LFS objects from one bucket to another.

use super::places;
use crate::commands::stop::{Stop, say};
use crate::commands::{json, repository};
use crate::ui::bytes::human;
use pail::maintenance::lfs;
use serde::Serialize;
use std::path::PathBuf;

/// Copy LFS objects from one bucket to another
///
/// Copies what the other bucket lacks, or has with another size. Within one service and
/// account the service copies the objects by itself, and the size of each copy is looked at;
/// --verify reads them afterwards. Elsewhere they pass through this machine, and every object
/// is hashed on its way; a broken one ends the run. What was copied stays: run again, it goes
/// on with the rest.
///
/// With --json, one object: from, to, dry_run, present (objects that were there), objects and
/// bytes (that were copied, or would be), by_service and by_machine (the bytes that the
/// service copied, and those that passed through this machine).
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// From where: a URL, or the name of a remote
    from: String,
    /// Where to: a URL, or the name of a remote
    to: String,
    /// Count what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
    /// Read what the service has copied, and compute its ids anew
    #[arg(long, conflicts_with = "dry_run")]
    verify: bool,
    /// Folder for temporary files; default: the system's
    #[arg(long, value_name = "FOLDER")]
    temp: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out {
    from: String,
    to: String,
    dry_run: bool,
    present: u64,
    objects: u64,
    bytes: u64,
    by_service: u64,
    by_machine: u64,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let from = repository::open(Some(&args.from)).await?;
    let to = repository::open(Some(&args.to)).await?;
    let (from, to) = (from.context(), to.context());
    let plan = lfs::plan_copy(from, to).await?;
    let mut out = Out {
        from: from.store.describe(),
        to: to.store.describe(),
        dry_run: args.dry_run,
        present: plan.present,
        objects: plan.missing.len() as u64,
        bytes: plan.bytes(),
        by_service: 0,
        by_machine: 0,
    };
    if !args.json {
        say(&format!(
            "{} objects are there already; {} are not: {}",
            out.present,
            out.objects,
            human(out.bytes)
        ))?;
    }
    if !args.dry_run {
        let bench = places::bench(args.temp);
        let sum = lfs::copy(from, to, &plan, &bench, args.verify).await?;
        (out.by_service, out.by_machine) = (sum.by_service, sum.by_machine);
    }
    match (args.json, args.dry_run) {
        (true, _) => json::print(&out),
        (false, true) => Ok(()),
        (false, false) => say(&format!(
            "copied {} objects: {} by the service, {} through this machine",
            out.objects,
            human(out.by_service),
            human(out.by_machine)
        )),
    }
}
