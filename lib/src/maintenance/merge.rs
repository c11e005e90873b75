//! A run of packs becomes one.

use super::lender;
use super::levels::{self, Run};
use super::same_objects::same_objects;
use super::sweep;
use super::workshop::Workshop;
use super::{aside, join_log};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{Holds, PackEntry, PackSource};
use crate::local::Spool;
use crate::store::NoJournal;
use crate::transaction::{Basis, Change, Committed, Rework, Snapshot};
use crate::transfer::{Context, salt, upload_overflow, upload_pack};
use serde_json::Map;
use std::sync::Arc;

/// What became of a merge.
#[derive(Debug)]
pub enum Merged {
    /// The run is one pack, in this state of the repository.
    Done(Box<Snapshot>),
    /// Somebody else has replaced the packs meanwhile; nothing was changed.
    Overtaken,
}

/// Makes one pack of a run, and commits it. The parts that readers slightly behind still
/// take stay in the manifest; the others are condemned.
///
/// Older alternatives move into the list that lies aside, and parts of the push log are joined
/// on the way, where there are many of either.
///
/// Every step may be killed. Costs one GET a pack of the run (or for its index,
/// where the workshop's lender has what is in it), one PUT for the new one (two
/// if it has an index) and one for the manifest; one PUT more for a list, and for a part of the
/// log, with the GETs for what it is made of that is not in the cache; condemned files whose time has come are
/// deleted on the way.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if a pack is not what the manifest says; those of git and of the
/// store. Nothing has changed then, unless the kind is [`ErrorKind::InDoubt`]: then it has
/// changed or not, and the repository is right in both cases.
pub async fn merge(
    context: &Context,
    workshop: &Workshop,
    at: Snapshot,
    run: &Run,
    who: String,
) -> Result<Merged> {
    let format = at.manifest.object_format;
    let repository = workshop.repository(format).await?;
    let lender = workshop.lender();
    let parts = match lender::exactly(context, &repository, lender, &run.packs).await {
        Ok(parts) => parts,
        Err(error) if error.kind() == ErrorKind::Missing => {
            return replaced(context, &at, error).await;
        }
        Err(error) => return Err(error),
    };
    let spool = Spool::new(&repository, &*context.ids)?;
    let packed = repository.join_packs(&parts, &spool).await?;
    let packed = packed.ok_or_else(|| lacks("git packed nothing"))?;
    // The old packs go one day: what is not in the new one would be lost.
    if !same_objects(&parts, &packed.index, format)? {
        return Err(lacks("git packed other objects than those of the packs"));
    }
    let salted = salt(packed.clone(), format, Arc::clone(&context.ids)).await?;
    let new = upload_pack(context, &salted, &packed.index, &NoJournal).await?;
    let (from, to) = run.interval();
    let new = PackEntry {
        name: new.name,
        size: new.size,
        index: new.index,
        objects: new.objects,
        from,
        to,
        holds: Holds::All,
        source: PackSource::Merge,
        unknown: Map::new(),
    };
    let mut packs = at.manifest.packs.clone();
    packs.push(new.clone());
    let due = sweep::due(&at.manifest, context.clock.now())?;
    let mut rework = Rework {
        new: vec![new],
        parts: run.packs.iter().map(|pack| pack.name.clone()).collect(),
        drop: levels::superfluous(&packs),
        deleted: sweep::delete(&*context.store, &due).await?,
        ..Rework::default()
    };
    aside::thin(context, &at, &mut rework).await?;
    let segments = &at.manifest.log.segments;
    rework.log = match join_log::join(context, &at, join_log::run(segments, join_log::FEW)).await {
        Ok(log) => log,
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            return replaced(context, &at, error).await;
        }
        Err(error) => return Err(error),
    };
    commit(context, at, "merge", rework, who).await
}

/// Commits a rework that was made against this state.
pub(super) async fn commit(
    context: &Context,
    at: Snapshot,
    what: &str,
    rework: Rework,
    who: String,
) -> Result<Merged> {
    let basis = (at.manifest.repository.clone(), at.manifest.epoch);
    let create = (basis.0.clone(), at.manifest.object_format);
    let mut change = Change {
        rework: Some(Rework {
            at: basis.clone(),
            ..rework
        }),
        basis: Basis {
            at: Some(basis),
            haves: Vec::new(),
        },
        ..Change::new(what, who, context.clock.now(), create)
    };
    upload_overflow(context, Some(&at), &mut change).await?;
    match context.committer().commit(Some(at), &change).await? {
        // Where the version is not known, the next look tells it.
        Committed::Done(_, Some(now)) => Ok(Merged::Done(now)),
        Committed::Done(_, None) => {
            let now = Snapshot::read(&*context.store, &context.cache, None).await?;
            Ok(now.map_or(Merged::Overtaken, |now| Merged::Done(Box::new(now))))
        }
        Committed::Remake(_) => Ok(Merged::Overtaken),
    }
}

/// A pack is gone: the newest manifest must not name it any more.
pub(super) async fn replaced(context: &Context, at: &Snapshot, error: Error) -> Result<Merged> {
    let newer = Snapshot::read(&*context.store, &context.cache, Some(at)).await?;
    if newer.is_some_and(|newer| newer.manifest.write_id == at.manifest.write_id) {
        return Err(Error::new(ErrorKind::Corrupt, format!("{error}; the manifest still names it"))
            .with_hint("a file was removed from the bucket by something else than git-pail; `git pail fsck` tells what is hurt"));
    }
    Ok(Merged::Overtaken)
}

fn lacks(why: &str) -> Error {
    Error::new(ErrorKind::Local, format!("cannot merge packs: {why}"))
        .with_hint("nothing was changed; please report this")
}
