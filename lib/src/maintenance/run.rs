//! What there is to do, and doing it, one bite after the other.

use super::join_log::segments_to_join;
use super::levels::{self, Run};
use super::merge::{Merged, commit, merge};
use super::sweep;
use super::workshop::Workshop;
use crate::error::Result;
use crate::format::manifest::Condemned;
use crate::transaction::{Rework, Snapshot};
use crate::transfer::Context;

/// How many bites one run takes at most: whatever is left is for the next one.
const MAX_ROUNDS: u32 = 64;

/// What there is to do now, for who wants to see it first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The next run of packs that becomes one.
    pub merge: Option<Run>,
    /// Condemned files whose time has come.
    pub delete: Vec<Condemned>,
}

/// Makes the plan. Pure; no request.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if the settings cannot be read.
pub fn plan(at: &Snapshot, now: i64) -> Result<Plan> {
    Ok(Plan {
        merge: levels::merge(&at.manifest.packs),
        delete: sweep::due(&at.manifest, now)?,
    })
}

/// Whether a push leaves work behind that is worth a process of its own.
#[must_use]
pub fn is_due(at: &Snapshot) -> bool {
    levels::merge(&at.manifest.packs).is_some()
        || !segments_to_join(&at.manifest.log.segments).is_empty()
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The runs that became one pack each.
    pub merged: Vec<Run>,
    /// How many files were deleted.
    pub deleted: usize,
    /// How often somebody else was faster with the same work.
    pub overtaken: u32,
}

/// Merges packs until none are to be merged, and deletes what was condemned long enough.
///
/// # Errors
///
/// As [`merge`]; what was done before stays done.
pub async fn run(context: &Context, workshop: &Workshop, who: &str) -> Result<Report> {
    let mut report = Report::default();
    let mut known: Option<Snapshot> = None;
    for _ in 0..MAX_ROUNDS {
        let at = Snapshot::read(&*context.store, &context.cache, known.as_ref()).await?;
        let Some(at) = at else { break };
        let plan = plan(&at, context.clock.now())?;
        let ended = if let Some(run) = plan.merge {
            let ended = merge(context, workshop, at.clone(), &run, who.to_owned()).await?;
            if matches!(ended, Merged::Done(_)) {
                report.merged.push(run);
            }
            ended
        } else if plan.delete.is_empty() {
            break;
        } else {
            let deleted = sweep::delete(&*context.store, &plan.delete).await?;
            let rework = Rework {
                deleted,
                ..Rework::default()
            };
            commit(context, at.clone(), "sweep", rework, who.to_owned()).await?
        };
        match ended {
            Merged::Done(now) => {
                report.deleted += plan.delete.len();
                known = Some(*now);
            }
            Merged::Overtaken => {
                report.overtaken += 1;
                known = Some(at);
            }
        }
    }
    Ok(report)
}
