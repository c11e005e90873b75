//! The push path: what do they lack, pack it, upload it, commit.

use super::Context;
use super::gap::Gap;
use super::kept::Plan;
use super::pack::Pack;
use super::publish::upload_overflow;
use crate::error::{Error, ErrorKind, Result};
use crate::local::Repository;
use crate::refs::{Outcome, RefEdit, RefName, Refusal};
use crate::transaction::{Applied, Change, Committed, HeadChange, Snapshot, Writes, apply};
use std::sync::Arc;

/// How often a pack is made again because gc dropped what it relied on.
const MAX_REMAKES: u32 = 5;

/// What a push asks for.
#[derive(Debug, Clone)]
pub struct PushRequest {
    /// The moves of refs. Their new objects are in the local repository.
    pub edits: Arc<[RefEdit]>,
    /// Whether one refused edit refuses them all.
    pub atomic: bool,
    /// Whether to stop before the first write.
    pub dry_run: bool,
    /// The branch that HEAD shall name in a new repository, if it is pushed.
    pub prefer_head: Option<RefName>,
    /// Push options, for the log.
    pub options: Vec<String>,
    /// Whether git shows its progress on standard error.
    pub progress: bool,
}

/// What a push came to.
#[derive(Debug)]
pub struct Pushed {
    /// What became of each edit, in their order.
    pub outcomes: Vec<Outcome>,
    /// The repository as this push left it, where it changed it and that is known.
    pub now: Option<Box<Snapshot>>,
}

/// Publishes the edits: packs first, the manifest last.
///
/// `at` is the repository as it was when git was told its refs, or `None` if there was none.
/// Costs one PUT for the manifest and, if objects are new to the bucket, one for their pack
/// and one for its index if the pack is large; large packs go in parts.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if the object formats differ; those of packing, uploading and
/// committing, with no ref moved, except [`ErrorKind::InDoubt`].
pub async fn push(
    context: &Context,
    repository: &Repository,
    at: Option<Snapshot>,
    request: &PushRequest,
) -> Result<Pushed> {
    push_as(context, repository, at, request, None).await
}

/// How the log tells what a push was for.
#[derive(Debug, Clone)]
pub struct Told {
    /// What it was: `push`, `restore` …
    pub what: String,
    /// Who, as git's committer identity.
    pub who: String,
}

/// As [`push`]; where it is told otherwise, the log does not call it a push of the local
/// committer.
///
/// # Errors
///
/// As [`push`].
pub async fn push_as(
    context: &Context,
    repository: &Repository,
    at: Option<Snapshot>,
    request: &PushRequest,
    told: Option<&Told>,
) -> Result<Pushed> {
    let mut current = at;
    for _ in 0..MAX_REMAKES {
        let mut gap = Gap::find(repository, current.as_ref(), &request.edits).await?;
        let holes = gap
            .holes(repository, current.as_ref(), &request.edits)
            .await?;
        let (edits, places) = without_holes(request, &holes);
        let mut change = change(context, repository, current.as_ref(), request, edits).await?;
        change.basis = gap.basis(current.as_ref());
        if let Some(told) = told {
            (change.what, change.who) = (told.what.clone(), told.who.clone());
        }
        let preview = apply(current.as_ref(), &change)?;
        if request.dry_run || matches!(preview, Applied::Nothing(_)) {
            let outcomes = outcomes_of(preview, &change.edits);
            let outcomes = merge(&holes, places, outcomes, request);
            return Ok(Pushed {
                outcomes,
                now: None,
            });
        }
        // A million refs take memory: another preview is made once the pack is up.
        drop(preview);
        change.lease = match &current {
            Some(current) => current.manifest.leased(),
            None => context.probe().await? == Writes::Lease,
        };
        context.may_write(change.lease)?;
        // Its files live until the commit is through: then they may go.
        let wanted = gap.request(&change.edits, request.progress);
        let plan = Plan {
            location: context.store.describe(),
            format: repository.format(),
            shallow: &repository.shallow_boundary().await?,
            edits: &change.edits,
            request: wanted.as_ref(),
            at: current.as_ref(),
        };
        let mut pack = Pack::find_or_make(context, repository, &plan).await?;
        if let Some(found) = pack.take() {
            let (new, found) = match found.upload(context).await {
                // Its name is used up: it is packed again, under another.
                Err(error) if error.kind() == ErrorKind::Stale => continue,
                done => done?,
            };
            change.basis.haves.extend(&found.haves);
            change.pack = Some(new);
            pack = Some(found);
        }
        upload_overflow(context, current.as_ref(), &mut change).await?;
        let committed = context.committer().commit(current, &change).await?;
        if let Some(pack) = pack {
            pack.done();
        }
        match committed {
            Committed::Done(outcomes, now) => {
                let outcomes = merge(&holes, places, outcomes, request);
                return Ok(Pushed { outcomes, now });
            }
            Committed::Remake(newer) => current = newer.map(|newer| *newer),
        }
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "cannot push: gc dropped objects during each of the attempts",
    )
    .with_hint("nothing was changed; push again"))
}

/// The change that this push asks for, without its uploads.
async fn change(
    context: &Context,
    repository: &Repository,
    at: Option<&Snapshot>,
    request: &PushRequest,
    edits: Arc<[RefEdit]>,
) -> Result<Change> {
    let create = match at {
        Some(at) => at.manifest.repository.clone(),
        None => context.ids.hex()?,
    };
    let head = request
        .prefer_head
        .clone()
        .map_or(HeadChange::Keep, HeadChange::Prefer);
    let who = if request.dry_run {
        String::new()
    } else {
        repository.committer().await?
    };
    let create = (create, repository.format());
    Ok(Change {
        edits,
        atomic: request.atomic,
        head,
        options: request.options.clone(),
        ..Change::new("push", who, context.clock.now(), create)
    })
}

/// The edits that can be made, and their places in the request. If one cannot and the push
/// is atomic, none is left.
fn without_holes(request: &PushRequest, holes: &[bool]) -> (Arc<[RefEdit]>, Vec<usize>) {
    let all = &request.edits;
    if !holes.contains(&true) {
        return (Arc::clone(all), (0..all.len()).collect());
    }
    if request.atomic {
        return (Arc::default(), Vec::new());
    }
    let places: Vec<usize> = (0..all.len()).filter(|at| !holes[*at]).collect();
    let edits = places.iter().map(|at| all[*at].clone());
    (edits.collect(), places)
}

/// Puts the outcomes back into the order of the request.
fn merge(
    holes: &[bool],
    places: Vec<usize>,
    outcomes: Vec<Outcome>,
    request: &PushRequest,
) -> Vec<Outcome> {
    let refused = |hole: &bool| {
        Outcome::Refused(if *hole {
            Refusal::Shallow
        } else {
            Refusal::AtomicPushFailed
        })
    };
    let mut all: Vec<_> = holes.iter().map(refused).collect();
    debug_assert_eq!(all.len(), request.edits.len(), "one outcome for each edit");
    for (place, outcome) in places.into_iter().zip(outcomes) {
        all[place] = outcome;
    }
    all
}

/// What would become of the edits, for a dry run.
fn outcomes_of(applied: Applied, edits: &[RefEdit]) -> Vec<Outcome> {
    match applied {
        Applied::Nothing(outcomes) | Applied::Next(_, _, outcomes) => outcomes,
        Applied::Remake => vec![Outcome::Updated; edits.len()],
    }
}
