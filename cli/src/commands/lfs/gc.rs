//! `git pail lfs gc`: LFS objects that nobody needs any more.

use super::places::{self, Places};
use crate::commands::stop::{Stop, invalid, say};
use crate::commands::{json, repository};
use crate::ui::bytes::human;
use pail::format::settings;
use pail::maintenance::Bench;
use pail::maintenance::lfs::{self, GcPlan};
use serde::Serialize;
use std::path::PathBuf;

/// Delete the LFS objects that nobody needs any more
///
/// Those that no ref names, nor named within the retention time of the repository, and that
/// are older than that time, and than a day. Shows the plan first; with --dry-run ends there.
/// The history is downloaded, as for a clone, but for what the repository of the current folder
/// has of it (unless pail.localObjects is false).
///
/// Where several repositories keep objects (`git pail lfs share`), all of them are counted,
/// and nothing is deleted unless all can be read.
///
/// Do not run it while somebody pushes objects that were in the bucket before and that no ref
/// names any more: what such a push found there may be gone when it is through. That is found
/// out if it was through by the end of this run.
///
/// With --json, one object: url, dry_run, repositories (whose histories were looked through),
/// grace (seconds), needed, young and garbage (numbers of objects), bytes (of the garbage),
/// oids (of the garbage) and deleted (whether it is gone).
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// Keep what is younger than this, too: 60d, 36h
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Folder for temporary files; default: the system's
    #[arg(long, value_name = "FOLDER")]
    temp: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out {
    url: String,
    dry_run: bool,
    repositories: Vec<String>,
    grace: i64,
    needed: u64,
    young: u64,
    garbage: u64,
    bytes: u64,
    oids: Vec<String>,
    deleted: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let words = args.older_than.iter().cloned().collect::<Vec<_>>();
    let grace = match &words[..] {
        [] => None,
        words => settings::parse(&settings::RETENTION, words)?.as_i64(),
    };
    let places = places::find(args.url.as_deref()).await?;
    let objects = places.objects.context();
    let bench = Bench {
        lender: repository::lender().await?,
        ..places::bench(args.temp)
    };
    if places.repositories.is_empty() {
        let place = objects.store.describe();
        return Err(invalid(
            format!("cannot tell which objects are needed: no repository lies at {place}"),
            "name the repositories that keep objects there with `git pail lfs share`",
        )
        .into());
    }
    let plan = lfs::plan_gc(objects, &places.repositories, &bench, grace).await?;
    let mut out = Out::of(&plan, &places, args.dry_run);
    if !args.json {
        tell(&out)?;
    }
    if !args.dry_run && out.garbage > 0 {
        let swept = lfs::sweep(objects, &places.repositories, plan).await?;
        out.deleted = true;
        if !args.json {
            say(&format!(
                "deleted {} objects, {}",
                swept.objects,
                human(swept.bytes)
            ))?;
        }
    }
    if args.json { json::print(&out) } else { Ok(()) }
}

impl Out {
    fn of(plan: &GcPlan, places: &Places, dry_run: bool) -> Self {
        Self {
            url: places.objects.context().store.describe(),
            dry_run,
            repositories: places.names.clone(),
            grace: plan.grace,
            needed: plan.needed,
            young: plan.young,
            garbage: plan.garbage.len() as u64,
            bytes: plan.bytes(),
            oids: plan.garbage.keys().map(ToString::to_string).collect(),
            deleted: false,
        }
    }
}

/// The plan.
fn tell(out: &Out) -> Result<(), Stop> {
    for oid in &out.oids {
        say(&format!("nobody needs {oid}"))?;
    }
    let age = settings::show_time(out.grace);
    say(&format!(
        "of {} objects {} are needed, {} are younger than {age}, {} can go: {}",
        out.needed + out.young + out.garbage,
        out.needed,
        out.young,
        out.garbage,
        human(out.bytes)
    ))
}
