//! `git pail maintenance run`: do what there is to do.

use super::host::Every;
use super::schedule;
use crate::commands::stop::{Stop, invalid, say};
use crate::commands::{json, repository};
use crate::ui::bytes::human;
use crate::ui::count::count;
use crate::{detached, env};
use clap::ValueEnum;
use pail::Remote;
use pail::local::Git;
use pail::maintenance::levels::Run;
use pail::maintenance::{self, Plan, When, Workshop};
use pail::transaction::Snapshot;
use serde::Serialize;

/// Do what there is to do, now
///
/// The task merge downloads the packs that it merges. gc and base download every pack that a
/// clone takes, and upload new ones; for who is slightly behind, the newest packs stay. Of packs
/// of 1 MiB or more only the lists of their objects come down where the repository of the
/// current folder has the objects (unless pail.localObjects is false).
/// Shows with --dry-run what would be done, and changes nothing.
///
/// With --json, one object: url, dry_run, busy (another process of this machine is at
/// work there, and nothing was done), merged (with --dry-run: the next run of packs to
/// merge; a list of from and to, the generations, packs, their number, and bytes), joined
/// (parts of the push log that became one), forgotten (entries of the push log that are older
/// than the setting log-retention), deleted (files), overtaken (how often somebody else did the same work first) and collected:
/// null, or objects (in the packs of a clone), garbage (how many of them nothing needs),
/// packed (whether packs were made anew), leftovers (files that nothing names, now
/// condemned: a later run deletes them) and uploads (that were begun long ago and not ended,
/// now thrown away).
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// Only these tasks; default: merge and log
    #[arg(long, value_enum)]
    task: Vec<Task>,
    /// What `git pail maintenance start` has put down for this schedule
    #[arg(long, value_enum, conflicts_with_all = ["url", "task", "auto", "dry_run", "json"])]
    schedule: Option<Every>,
    /// As after a push: say nothing, and leave the terminal's session
    #[arg(long)]
    auto: bool,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// Take the options that are configured for this remote
    #[arg(long, value_name = "REMOTE", hide = true, requires = "url")]
    options_of: Option<String>,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Task {
    /// Make one pack of several, and delete what was condemned long enough
    Merge,
    /// Make one part of the push log of many, so that the manifest stays small; forget what
    /// is older than the setting log-retention, which is nothing by default
    Log,
    /// Pack everything anew if there is something that no ref has, or had within the
    /// retention time; find what dead writers left, unfinished uploads too
    Gc,
    /// Pack everything anew in any case: commits and trees in one pack, blobs in another
    Base,
}

#[derive(Serialize)]
struct Out {
    url: String,
    dry_run: bool,
    busy: bool,
    merged: Vec<Shown>,
    joined: usize,
    forgotten: usize,
    deleted: usize,
    overtaken: u32,
    collected: Option<Counts>,
}

#[derive(Serialize)]
struct Counts {
    objects: u64,
    garbage: u64,
    packed: bool,
    leftovers: usize,
    uploads: usize,
}

#[derive(Serialize)]
struct Shown {
    from: u64,
    to: u64,
    packs: usize,
    bytes: u64,
}

impl Shown {
    fn of(run: &Run) -> Self {
        let (from, to) = run.interval();
        Self {
            from: from + 1,
            to,
            packs: run.packs.len(),
            bytes: run.bytes(),
        }
    }

    fn words(&self) -> String {
        let Self {
            from, to, packs, ..
        } = self;
        let (packs, bytes) = (count(*packs as u64, "pack"), human(self.bytes));
        format!("{packs} of generations {from} to {to}, {bytes}")
    }
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    if let Some(every) = args.schedule {
        return schedule::run(every).await;
    }
    if args.auto {
        detached::leave_session();
    }
    let remote = match (&args.url, &args.options_of) {
        (Some(url), Some(name)) => repository::open_url(url, Some(name)).await?,
        (Some(url), None) if args.auto => repository::open_url(url, None).await?,
        (named, _) => repository::open(named.as_deref()).await?,
    };
    let at = remote.existing().await?;
    let mut out = Out {
        url: remote.context().store.describe(),
        dry_run: args.dry_run,
        busy: false,
        merged: Vec::new(),
        joined: 0,
        forgotten: 0,
        deleted: 0,
        overtaken: 0,
        collected: None,
    };
    let all = args.task.is_empty();
    let collects = args.task.iter().filter_map(|task| task.when()).max();
    // To count garbage everything is downloaded, for a plan too.
    let workshop = if args.dry_run && collects.is_none() {
        None
    } else {
        let opened = open_workshop(&at.manifest.repository)?;
        out.busy = opened.is_none();
        match opened {
            Some(workshop) => Some(workshop.lent_by(repository::lender().await?)),
            None => None,
        }
    };
    if all || args.task.contains(&Task::Merge) {
        merge(&remote, &at, workshop.as_ref(), &mut out).await?;
    }
    if all || args.task.contains(&Task::Log) {
        join_log(&remote, &at, workshop.is_some(), &mut out).await?;
    }
    if let (Some(when), Some(workshop)) = (collects, &workshop) {
        let when = if args.dry_run { When::Never } else { when };
        let who = repository::committer().await?;
        let done = maintenance::gc(remote.context(), workshop, &who, when).await?;
        out.collected = Some(Counts {
            objects: done.objects,
            garbage: done.garbage,
            packed: done.packed,
            leftovers: done.leftovers,
            uploads: done.uploads,
        });
    }
    if args.json {
        return json::print(&out);
    }
    if args.auto { Ok(()) } else { tell(&out) }
}

impl Task {
    /// Its word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Log => "log",
            Self::Gc => "gc",
            Self::Base => "base",
        }
    }

    /// When it packs everything anew, if it does.
    fn when(self) -> Option<When> {
        match self {
            Self::Merge | Self::Log => None,
            Self::Gc => Some(When::Garbage),
            Self::Base => Some(When::Always),
        }
    }
}

async fn merge(
    remote: &Remote,
    at: &Snapshot,
    workshop: Option<&Workshop>,
    out: &mut Out,
) -> Result<(), Stop> {
    let context = remote.context();
    if out.dry_run {
        let Plan { merge, delete } = maintenance::plan(at, context.clock.now())?;
        out.merged.extend(merge.iter().map(Shown::of));
        out.deleted = delete.len();
    } else if let Some(workshop) = workshop {
        let who = repository::committer().await?;
        let report = maintenance::run(context, workshop, &who).await?;
        out.merged.extend(report.merged.iter().map(Shown::of));
        (out.deleted, out.overtaken) = (report.deleted, report.overtaken);
    }
    Ok(())
}

async fn join_log(
    remote: &Remote,
    at: &Snapshot,
    at_work: bool,
    out: &mut Out,
) -> Result<(), Stop> {
    if out.dry_run {
        out.forgotten = maintenance::forgotten(remote.context(), at)
            .await?
            .entries();
        out.joined = maintenance::segments_to_join(&at.manifest.log.segments).len();
    } else if at_work {
        let who = repository::committer().await?;
        // First, so that nothing is joined that goes.
        out.forgotten = maintenance::forget_log(remote.context(), &who).await?;
        out.joined = maintenance::join_log(remote.context(), &who).await?;
    }
    Ok(())
}

/// Where the work is done; `None` if another process of this machine is at it.
fn open_workshop(repository: &str) -> Result<Option<Workshop>, Stop> {
    let folder = env::cache_folder().ok_or_else(|| {
        invalid(
            "no folder to work in is known",
            "set PAIL_CACHE to a folder on a disk with room for the packs",
        )
    })?;
    let folder = folder.join(maintenance::WORKSHOPS);
    Ok(Workshop::open(&folder, repository, Git::new())?)
}

fn tell(out: &Out) -> Result<(), Stop> {
    if out.busy {
        return say("another process of this machine is at work there; nothing was done");
    }
    let (merge, delete) = if out.dry_run {
        ("would merge", "would delete")
    } else {
        ("merged", "deleted")
    };
    for run in &out.merged {
        say(&format!("{merge} {}", run.words()))?;
    }
    if out.joined > 0 {
        let join = if out.dry_run { "would join" } else { "joined" };
        say(&format!(
            "{join} {} of the push log",
            count(out.joined as u64, "part")
        ))?;
    }
    if out.forgotten > 0 {
        let forget = if out.dry_run {
            "would forget"
        } else {
            "forgot"
        };
        let entries = match out.forgotten {
            1 => "1 entry".to_owned(),
            many => format!("{many} entries"),
        };
        say(&format!("{forget} {entries} of the push log"))?;
    }
    if out.deleted > 0 {
        say(&format!(
            "{delete} {} that nothing names any more",
            count(out.deleted as u64, "file")
        ))?;
    }
    let Some(done) = &out.collected else {
        if out.merged.is_empty() && out.joined + out.forgotten + out.deleted == 0 {
            say("nothing to do")?;
        }
        return Ok(());
    };
    let Counts {
        objects,
        garbage,
        leftovers,
        uploads,
        ..
    } = done;
    let packed = match (out.dry_run, done.packed) {
        (true, _) => "",
        (false, true) => "; everything else was packed anew",
        (false, false) => "; nothing was packed",
    };
    say(&format!(
        "nothing needs {garbage} of {}{packed}",
        count(*objects, "object")
    ))?;
    if *leftovers > 0 {
        let what = if out.dry_run {
            "would condemn"
        } else {
            "condemned"
        };
        say(&format!(
            "{what} {} that nothing names",
            count(*leftovers as u64, "file")
        ))?;
    }
    if *uploads > 0 {
        let what = if out.dry_run {
            "would throw away"
        } else {
            "threw away"
        };
        let uploads = count(*uploads as u64, "upload");
        say(&format!("{what} {uploads} begun long ago and not ended"))?;
    }
    Ok(())
}
