//! `git pail lfs gc`: LFS objects that nobody needs any more.

use super::places::{self, Places};
use crate::commands::stop::{Stop, invalid, say};
use crate::commands::{json, repository};
use crate::ui::bytes::human;
use pail::format::settings;
use pail::maintenance::Bench;
use pail::maintenance::lfs::{self, GcPlan, GcRequest};
use serde::Serialize;
use std::path::PathBuf;

/// Delete the LFS objects that nobody needs any more
///
/// Those that no ref names, nor named within the retention time of the repository, and that
/// are older than that time, and than a day. They go in two steps: the first run condemns
/// them, and a run at least a day later deletes what still nobody needs. A push that needs
/// one meanwhile takes it off the list. Shows the plan first; with --dry-run ends there. The
/// history is downloaded, as for a clone, but for what the repository of the current folder
/// has of it (unless pail.localObjects is false).
///
/// Where several repositories keep objects (`git pail lfs share`), all of them are counted,
/// and nothing is deleted unless all can be read.
///
/// --at-once deletes them without the day between. A push that is under way may lose what it
/// found in the bucket, so nobody may push meanwhile. What was lost so by the end of this run
/// is told.
///
/// With --json, one object: url, dry_run, repositories (whose histories were looked through),
/// grace (seconds), needed, young, condemned (by this run), waiting (condemned before, and not
/// for a day) and garbage (what goes now; all numbers of objects), bytes (of the garbage), oids
/// (of the garbage), deleted (how many are gone) and deleted_bytes.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// Keep what is younger than this, too: 60d, 36h
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,
    /// Do not wait for a day: nobody may push meanwhile
    #[arg(long)]
    at_once: bool,
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
    condemned: u64,
    waiting: u64,
    garbage: u64,
    bytes: u64,
    oids: Vec<String>,
    deleted: u64,
    deleted_bytes: u64,
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
    let request = GcRequest {
        grace,
        at_once: args.at_once,
    };
    let plan = lfs::plan_gc(objects, &places.repositories, &bench, request).await?;
    let mut out = Out::of(&plan, &places, args.dry_run);
    if !args.json {
        tell(&out)?;
    }
    if !args.dry_run && !plan.is_empty() {
        let swept = places.objects.sweep_lfs(&places.repositories, plan).await?;
        (out.deleted, out.deleted_bytes) = (swept.objects, swept.bytes);
        out.condemned = swept.condemned;
        if !args.json {
            tell_done(&out)?;
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
            condemned: plan.condemned.len() as u64,
            waiting: plan.waiting,
            garbage: plan.garbage.len() as u64,
            bytes: plan.bytes(),
            oids: plan.garbage.keys().map(ToString::to_string).collect(),
            deleted: 0,
            deleted_bytes: 0,
        }
    }
}

/// The plan.
fn tell(out: &Out) -> Result<(), Stop> {
    for oid in &out.oids {
        say(&format!("nobody needs {oid}"))?;
    }
    let age = settings::show_time(out.grace);
    let all = out.needed + out.young + out.condemned + out.waiting + out.garbage;
    say(&format!(
        "of {all} objects {} are needed, {} are younger than {age}, {} can go: {}",
        out.needed,
        out.young,
        out.garbage,
        human(out.bytes)
    ))?;
    if out.condemned + out.waiting > 0 {
        say(&format!(
            "{} more are condemned now, {} were before: they go a day after that",
            out.condemned, out.waiting
        ))?;
    }
    Ok(())
}

/// What was done.
fn tell_done(out: &Out) -> Result<(), Stop> {
    if out.condemned > 0 {
        say(&format!(
            "condemned {} objects; `git pail lfs gc` deletes them in a day, if nobody needs them",
            out.condemned
        ))?;
    }
    if out.garbage > 0 {
        say(&format!(
            "deleted {} objects, {}",
            out.deleted,
            human(out.deleted_bytes)
        ))?;
    }
    Ok(())
}
