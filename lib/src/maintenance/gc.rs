//! Everything that is needed is packed anew; the rest goes.

use super::gather::gather;
use super::lender::{self, Ends};
use super::merge::{Merged, commit, replaced};
use super::same_objects::{count, within};
use super::workshop::Workshop;
use super::{aside, leftovers, levels, retained};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{Holds, PackEntry, PackSource};
use crate::local::{Kinds, Repository, Spool, SpooledPack};
use crate::oid::ObjectId;
use crate::store::NoJournal;
use crate::transaction::{Rework, Snapshot};
use crate::transfer::{Context, cover, salt, upload_pack};
use serde_json::Map;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// How often everything is packed again because a push built on what was to go.
const MAX_ROUNDS: u32 = 4;

/// How often the commit is tried over newer manifests before that counts as one round.
const MAX_TRIES: u32 = 20;

/// Repositories of fewer bytes get one pack, not one for commits and trees and one for
/// blobs: two requests would cost more than they save.
const SPLIT_FROM: u64 = 1 << 20;

/// Packs of so much of the whole stay beside the base at most, as one part of so many, for
/// readers that are slightly behind.
const KEPT_PART: u64 = 4;

/// What is to be collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// Only if there is something that nothing needs.
    Garbage,
    /// In any case: the packs become better.
    Always,
    /// Nothing is changed; it is only counted.
    Never,
}

/// What was collected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Objects in the packs of a clone, each counted once.
    pub objects: u64,
    /// How many of them nothing needs.
    pub garbage: u64,
    /// Whether packs were made anew.
    pub packed: bool,
    /// Files that nothing names, now condemned (or, where nothing is changed, to be).
    pub leftovers: usize,
    /// Uploads that were begun long ago and not ended, now thrown away (or, where nothing is
    /// changed, to be).
    pub uploads: usize,
}

/// Packs everything anew that the refs reach, or reached within the retention time, and
/// takes the old packs out of the manifest in the same commit, which raises the epoch.
///
/// A push that was committed meanwhile may build on what goes. So the commit replaces only
/// the manifest for which it was found that all refs are whole in the new packs and in those
/// that came since; if they are not, everything is done again. A push that is committed
/// later sees the epoch, and makes its pack again if what it builds on is gone.
///
/// Downloads every pack that a clone takes, but for what the workshop's lender has, and uploads
/// the new ones.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if the bucket does not hold everything that its refs need: then
/// nothing is touched. [`ErrorKind::Unavailable`] if pushes came in between every time.
/// Those of git and of the store.
pub async fn gc(
    context: &Context,
    workshop: &Workshop,
    who: &str,
    when: When,
) -> Result<Collected> {
    let mut done = Collected::default();
    for _ in 0..MAX_ROUNDS {
        let at = Snapshot::read(&*context.store, &context.cache, None).await?;
        let Some(at) = at.filter(|at| !at.manifest.packs.is_empty()) else {
            return Ok(done);
        };
        let stays = at.manifest.unfinished_uploads()?;
        if !round(context, workshop, who, when, at, &mut done).await? {
            continue;
        }
        done.leftovers = if when == When::Never {
            let listed = leftovers::old_files(context).await?;
            match Snapshot::read(&*context.store, &context.cache, None).await? {
                Some(at) => leftovers::unnamed(context, &at, &listed).await?.len(),
                None => 0,
            }
        } else {
            leftovers::condemn(context, who).await?
        };
        done.uploads = leftovers::unfinished(context, stays, when != When::Never).await?;
        return Ok(done);
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "cannot collect garbage: others pushed or maintained during each of the attempts",
    )
    .with_hint("nothing was lost; run it again when less is going on"))
}

/// One attempt; `false` if it has to begin anew.
async fn round(
    context: &Context,
    workshop: &Workshop,
    who: &str,
    when: When,
    at: Snapshot,
    done: &mut Collected,
) -> Result<bool> {
    let format = at.manifest.object_format;
    // First of all: the parts of the log that maintenance joins do not stay for long.
    let former = match retained::former(context, &at).await {
        Ok(former) => former,
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            replaced(context, &at, error).await?;
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    let source = workshop.repository(format).await?;
    let packs: Vec<PackEntry> = levels::of_a_clone(&at.manifest.packs)
        .into_iter()
        .cloned()
        .collect();
    let tips = retained::tips(&at);
    let ends = Ends {
        tips: &tips,
        former: &former,
    };
    let lender = workshop.lender();
    let everything = match lender::history(context, &source, lender, &packs, ends).await {
        Ok(everything) => everything,
        Err(error) if error.kind() == ErrorKind::Missing => {
            replaced(context, &at, error).await?;
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    if !source.is_whole(&tips).await? {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "cannot collect garbage: the bucket does not hold everything that its refs need",
        )
        .with_hint("nothing was touched; `git pail fsck --full` tells what is missing"));
    }
    let needed = retained::whole(&source, former, tips).await?;
    let spool = Spool::new(&source, &*context.ids)?;
    let bytes: u64 = packs.iter().map(|pack| pack.size).sum();
    let new = pack(&source, &needed, &spool, bytes, &at).await?;
    let indexes: Vec<PathBuf> = new.iter().map(|(pack, _)| pack.index.clone()).collect();
    done.objects = count(&everything, format)?;
    done.garbage = done.objects.saturating_sub(count(&indexes, format)?);
    if when == When::Never || (when == When::Garbage && done.garbage == 0) {
        return Ok(true);
    }
    // What is committed in the end must be whole by itself, so it is looked at by itself.
    let result = workshop.second(format).await?;
    for (pack, _) in &new {
        result.adopt(pack)?;
    }
    if !result.is_whole(&needed).await? {
        return Err(Error::new(
            ErrorKind::Local,
            "cannot collect garbage: git left out objects that are needed",
        )
        .with_hint("nothing was changed; please report this"));
    }
    let keep = worth_keeping(context, &source, &at, bytes, &indexes).await?;
    let mut entries = Vec::new();
    for (pack, holds) in new {
        let salted = salt(pack.clone(), format, Arc::clone(&context.ids)).await?;
        let new = upload_pack(context, &salted, &pack.index, &NoJournal).await?;
        entries.push(PackEntry {
            name: new.name,
            size: new.size,
            index: new.index,
            objects: new.objects,
            from: 0,
            to: at.manifest.covered(),
            holds,
            source: PackSource::Base,
            unknown: Map::new(),
        });
    }
    drop(spool);
    let result = Settlement {
        context,
        repository: &result,
        who,
        new: entries,
        keep,
        drops: done.garbage > 0,
    };
    done.packed = result.commit(at).await?;
    Ok(done.packed)
}

/// The new packs: commits, trees and tags in one and blobs in another, or all in one.
async fn pack(
    source: &Repository,
    needed: &BTreeSet<ObjectId>,
    spool: &Spool,
    bytes: u64,
    at: &Snapshot,
) -> Result<Vec<(SpooledPack, Holds)>> {
    let kinds: &[(Kinds, Holds)] = if bytes < SPLIT_FROM {
        &[(Kinds::All, Holds::All)]
    } else {
        &[
            (Kinds::CommitsAndTrees, Holds::CommitsAndTrees),
            (Kinds::Blobs, Holds::Blobs),
        ]
    };
    // Deltas that were found among everything are kept; where most bytes came in since, all
    // are sought anew.
    let based: u64 = at
        .manifest
        .packs
        .iter()
        .filter(|pack| pack.source == PackSource::Base)
        .map(|pack| pack.size)
        .sum();
    let anew = based < bytes / 2;
    let mut packs = Vec::new();
    for (kind, holds) in kinds {
        let packed = source.pack_reachable(needed, *kind, anew, spool).await?;
        packs.extend(packed.map(|pack| (pack, *holds)));
    }
    Ok(packs)
}

/// The packs that stay beside the base for readers slightly behind, by name: the newest of
/// those that are useful to them, those that lie aside too, as far as nothing that goes is in
/// them.
async fn worth_keeping(
    context: &Context,
    source: &Repository,
    at: &Snapshot,
    bytes: u64,
    base: &[PathBuf],
) -> Result<BTreeSet<String>> {
    let covered = at.manifest.covered();
    let listed = aside::listed(context, at).await?;
    let mut packs: Vec<&PackEntry> = at
        .manifest
        .packs
        .iter()
        .chain(&listed)
        .filter(|pack| pack.holds == Holds::All && pack.from > 0)
        .collect();
    packs.sort_by_key(|pack| (covered - pack.to, pack.size));
    let mut left = bytes / KEPT_PART;
    let mut kept = BTreeSet::new();
    for pack in packs.into_iter().take(levels::MAX_PARTS) {
        let Some(rest) = left.checked_sub(pack.size) else {
            continue;
        };
        left = rest;
        let list = match lender::list(context, source, pack).await {
            Ok(list) => list,
            // Somebody has replaced it.
            Err(error) if error.kind() == ErrorKind::Missing => continue,
            Err(error) => return Err(error),
        };
        if within(&list, base, source.format())? {
            kept.insert(pack.name.clone());
        }
    }
    Ok(kept)
}

/// New packs that are in the bucket, and what is needed to commit them.
struct Settlement<'a> {
    context: &'a Context,
    /// Holds the new packs, and nothing else at first.
    repository: &'a Repository,
    who: &'a str,
    new: Vec<PackEntry>,
    /// Old packs that stay.
    keep: BTreeSet<String>,
    /// Whether objects leave.
    drops: bool,
}

impl Settlement<'_> {
    /// Commits the new packs over a manifest whose refs are whole in them and in what came
    /// since; `false` if there is none.
    async fn commit(&self, mut at: Snapshot) -> Result<bool> {
        let (repository, epoch) = (at.manifest.repository.clone(), at.manifest.epoch);
        let covered = self.new.first().map_or(0, |pack| pack.to);
        let mut brought = BTreeSet::new();
        for _ in 0..MAX_TRIES {
            let old = at.manifest.packs.iter();
            let old = old.filter(|pack| pack.to <= covered && !self.keep.contains(&pack.name));
            let mut rework = Rework {
                // Where objects leave, only this very manifest was looked at.
                only: self.drops.then(|| at.manifest.write_id.clone()),
                new: self.new.clone(),
                drop: old.map(|pack| pack.name.clone()).collect(),
                drops_objects: self.drops,
                ..Rework::default()
            };
            let stays = (covered, &self.keep);
            aside::keep(self.context, &at, &mut rework, stays).await?;
            let what = if self.drops { "gc" } else { "base" };
            let who = self.who.to_owned();
            if let Merged::Done(_) = commit(self.context, at.clone(), what, rework, who).await? {
                return Ok(true);
            }
            let store = &*self.context.store;
            let newer = Snapshot::read(store, &self.context.cache, Some(&at)).await?;
            let Some(newer) = newer else { return Ok(false) };
            if (&newer.manifest.repository, newer.manifest.epoch) != (&repository, epoch) {
                return Ok(false);
            }
            if !self.connects(&newer, covered, &mut brought).await? {
                return Ok(false);
            }
            at = newer;
        }
        Ok(false)
    }

    /// Whether all that this state needs is whole in the new packs and those that came since.
    async fn connects(
        &self,
        at: &Snapshot,
        covered: u64,
        brought: &mut BTreeSet<String>,
    ) -> Result<bool> {
        let later = at.manifest.packs.iter().filter(|pack| pack.to > covered);
        let packs: Vec<PackEntry> = later.chain(&self.new).cloned().collect();
        let Some(path) = cover(&packs, covered, at.manifest.covered()) else {
            return Ok(false);
        };
        let missing: Vec<PackEntry> = path
            .into_iter()
            .filter(|pack| pack.to > covered && !brought.contains(&pack.name))
            .cloned()
            .collect();
        if !missing.is_empty() {
            match gather(self.context, self.repository, &missing).await {
                Ok(_) => brought.extend(missing.into_iter().map(|pack| pack.name)),
                Err(error) if error.kind() == ErrorKind::Missing => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        let mut needed = retained::tips(at);
        if !self.repository.is_whole(&needed).await? {
            return Ok(false);
        }
        // What a ref had for a moment may be gone already; what is there must be whole.
        let former = retained::former(self.context, at).await?;
        needed.extend(self.repository.present(former).await?);
        self.repository.is_whole(&needed).await
    }
}
