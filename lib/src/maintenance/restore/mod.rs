//! A ref as it was: a bad force-push or a deletion is undone.
//!
//! Comes in: a ref, and when. Goes out: one ordinary commit that gives it the value that it
//! had then.

mod find;
mod objects;

pub use find::When;

use super::Bench;
use crate::error::{Error, ErrorKind, Result};
use crate::format::settings::OVERRIDE_PROTECTION;
use crate::oid::ObjectId;
use crate::refs::{Expected, Outcome, RefEdit, RefName, RefValue};
use crate::transaction::{Applied, Basis, Change, Committed, Snapshot, apply, with_log};
use crate::transfer::{Context, PushRequest, Told, push_as};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct RestoreRequest {
    /// The ref.
    pub name: RefName,
    /// As it was when.
    pub when: When,
    /// Whether a protected ref may be rewound.
    pub override_protection: bool,
    /// Whether to stop before the first write.
    pub dry_run: bool,
    /// Who, as git's committer identity.
    pub who: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The value that the ref had; `None` if it was not there.
    pub old: Option<ObjectId>,
    /// The value that it has now.
    pub new: ObjectId,
    /// The generation that had given it this value, if that is known.
    pub generation: Option<u64>,
    /// Whether it was moved, or refused; [`Outcome::Updated`] also where it would be moved,
    /// in a dry run.
    pub outcome: Outcome,
}

/// Gives a ref the value that it had. `at` is the repository as it is now.
///
/// While nothing was ever dropped, every value that a branch had is still there: one GET for
/// each older part of the log that is needed, and one PUT. Else the packs are looked through
/// in the bench, which costs as much as a clone.
///
/// # Errors
///
/// [`ErrorKind::Missing`] if the ref had no value then, the log does not reach back so far,
/// or its objects are gone; [`ErrorKind::Stale`] if the repository changed meanwhile; those
/// of the store and of git.
pub async fn restore(
    context: &Context,
    at: Snapshot,
    request: &RestoreRequest,
    bench: &Bench,
) -> Result<Restored> {
    let (store, cache) = (&*context.store, &context.cache);
    let value = async |at: &Snapshot| find::value(context, at, request).await;
    let (at, (new, generation)) = with_log(store, cache, at, value).await?;
    let old = at.refs.get(&request.name).map(|value| value.oid);
    let restored = |outcome| Restored {
        old,
        new,
        generation,
        outcome,
    };
    if old == Some(new) {
        return Ok(restored(Outcome::UpToDate));
    }
    // A value that another ref has is known to be there, with what it peels to.
    let known = at.refs.iter().find(|(_, value)| value.oid == new);
    let plain = request.name.is_branch() && at.manifest.epoch == 0;
    let value = match known {
        Some((_, value)) => Some(value),
        None => plain.then_some(RefValue::plain(new)),
    };
    let edit = |value| RefEdit {
        name: request.name.clone(),
        new: Some(value),
        expected: old.map_or(Expected::Absent, Expected::Exactly),
        leased: true,
        continues: false,
    };
    let outcomes = match value {
        Some(value) => commit(context, at, request, edit(value)).await?,
        None => {
            let (scratch, value) = objects::gather(context, &at, new, bench).await?;
            let told = Told {
                what: "restore".to_owned(),
                who: request.who.clone(),
            };
            let push = PushRequest {
                edits: [edit(value)].into(),
                atomic: true,
                dry_run: request.dry_run,
                prefer_head: None,
                options: options(request),
                progress: false,
            };
            push_as(context, scratch.repository(), Some(at), &push, Some(&told))
                .await?
                .outcomes
        }
    };
    let none = || Error::new(ErrorKind::Local, "no answer for this ref");
    Ok(restored(outcomes.into_iter().next().ok_or_else(none)?))
}

/// What stands in the log beside who and what.
fn options(request: &RestoreRequest) -> Vec<String> {
    let overridden = request.override_protection;
    let overridden = overridden.then(|| OVERRIDE_PROTECTION.to_owned());
    overridden.into_iter().collect()
}

/// Moves the ref; its objects are there.
async fn commit(
    context: &Context,
    at: Snapshot,
    request: &RestoreRequest,
    edit: RefEdit,
) -> Result<Vec<Outcome>> {
    let create = (at.manifest.repository.clone(), at.manifest.object_format);
    let haves = edit.new.iter().map(|value| value.oid).collect();
    let change = Change {
        edits: [edit].into(),
        options: options(request),
        // If gc drops objects meanwhile, this one may be among them.
        basis: Basis {
            at: Some((at.manifest.repository.clone(), at.manifest.epoch)),
            haves,
        },
        ..Change::new("restore", request.who.clone(), context.clock.now(), create)
    };
    if request.dry_run {
        return Ok(match apply(Some(&at), &change)? {
            Applied::Nothing(outcomes) | Applied::Next(_, _, outcomes) => outcomes,
            Applied::Remake => Vec::new(),
        });
    }
    match context.committer().commit(Some(at), &change).await? {
        Committed::Done(outcomes, _) => Ok(outcomes),
        Committed::Remake(_) => Err(Error::new(
            ErrorKind::Stale,
            "cannot restore: gc dropped objects meanwhile; try again",
        )),
    }
}
