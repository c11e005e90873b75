//! Pure: what maintenance changes in a manifest, laid over a newer one, or given up.

use super::rebase::{Applied, Change, log_it};
use super::snapshot::Snapshot;
use crate::error::Result;
use crate::format::manifest::{AsideRef, Condemned, Holds, PackEntry, SegmentRef, Why};
use crate::format::{Manifest, keys};
use std::collections::BTreeSet;

/// What maintenance does to packs and files. It moves no ref.
///
/// It is given up ([`Applied::Remake`]), rather than laid over a manifest that it does not
/// fit: what it uploaded is then a leftover.
#[derive(Debug, Clone, Default)]
pub struct Rework {
    /// The repository and the epoch that it was made against.
    pub at: (String, u64),
    /// The write id of the one manifest that it may replace; `None` if any newer one of the
    /// same epoch does.
    pub only: Option<String>,
    /// Packs that were uploaded.
    pub new: Vec<PackEntry>,
    /// The packs that those were made of. All of them must still be in the manifest.
    pub parts: Vec<String>,
    /// Packs that leave the manifest. They are condemned.
    pub drop: Vec<String>,
    /// Whether objects leave with them. Otherwise a pack stays for which no other one
    /// stands in.
    pub drops_objects: bool,
    /// Keys that no manifest names, to be condemned. Only with `only`.
    pub leftovers: Vec<String>,
    /// Condemned keys that were deleted, to be struck off the list.
    pub deleted: Vec<String>,
    /// Other segments for a part of the log.
    pub log: Option<LogRework>,
    /// Another list of the packs that lie aside.
    pub aside: Option<AsideRework>,
}

/// Another list of the packs that lie aside. What it names stays in no other way, so the
/// packs of the manifest must stand in for all of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AsideRework {
    /// The id of the list that it was made from; `None` if there was none.
    pub old: Option<String>,
    /// The list that takes its place; `None` if there is nothing to list.
    pub new: Option<AsideRef>,
    /// The packs that it names. None of them may be condemned.
    pub lists: Vec<String>,
    /// Those of them that stood in the manifest, and leave it.
    pub moved: Vec<String>,
    /// Packs of the old list that are not in the new one. They are condemned.
    pub drop: Vec<PackEntry>,
}

/// Other segments for the oldest part of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogRework {
    /// The ids of the segments that go, which follow each other.
    pub old: Vec<String>,
    /// Those that take their place.
    pub new: Vec<SegmentRef>,
    /// Whether entries are forgotten.
    pub forgets: bool,
}

/// Lays it over a manifest.
pub(super) fn apply(
    current: Option<&Snapshot>,
    change: &Change,
    rework: &Rework,
) -> Result<Applied> {
    let Some(current) = current.filter(|current| fits(&current.manifest, rework)) else {
        return Ok(Applied::Remake);
    };
    let mut next = current.manifest.clone();
    next.generation += 1;
    next.packs.extend(rework.new.iter().cloned());
    let mut leaves = rework.aside.iter().flat_map(|aside| &aside.drop);
    let mut raise = rework.drops_objects && (!rework.drop.is_empty() || leaves.next().is_some());
    drop_packs(&mut next, change, rework)?;
    if let Some(aside) = &rework.aside
        && !move_aside(&mut next, change, rework, aside)?
    {
        return Ok(Applied::Remake);
    }
    let condemn = |key: &String| Condemned {
        key: key.clone(),
        generation: next.generation,
        time: change.time,
        why: Why::Leftover,
    };
    let leftovers: Vec<_> = rework.leftovers.iter().map(condemn).collect();
    next.condemned.extend(leftovers);
    let deleted: BTreeSet<&str> = rework.deleted.iter().map(|key| &**key).collect();
    next.condemned.retain(|gone| {
        let struck = deleted.contains(&*gone.key);
        // Its writer may sleep: it will not find the key on the list any more.
        raise |= struck && gone.why == Why::Leftover;
        !struck
    });
    if let Some(log) = &rework.log {
        // A writer looks for its own entry there when an answer was lost.
        raise |= log.forgets;
        rework_log(&mut next, change, log)?;
    }
    if same(&next, &current.manifest) {
        return Ok(Applied::Nothing(Vec::new()));
    }
    next.epoch += u64::from(raise);
    log_it(&mut next, change, Vec::new());
    Ok(Applied::Next(
        Box::new(next),
        current.refs.clone(),
        Vec::new(),
    ))
}

/// Whether there is nothing to write.
fn same(next: &Manifest, now: &Manifest) -> bool {
    next.packs == now.packs
        && next.aside == now.aside
        && next.condemned == now.condemned
        && next.log.segments == now.log.segments
}

/// Whether everything that the rework takes for granted still holds.
fn fits(manifest: &Manifest, rework: &Rework) -> bool {
    let named: BTreeSet<&str> = manifest.packs.iter().map(|pack| &*pack.name).collect();
    let dropped: BTreeSet<&str> = rework.drop.iter().map(|name| &**name).collect();
    // Somebody else has done the same work.
    let done = |new: &PackEntry| {
        manifest
            .packs
            .iter()
            .any(|pack| encloses(pack, new) && !dropped.contains(&*pack.name))
    };
    let segments = &manifest.log.segments;
    let log = rework.log.as_ref().is_none_or(|log| {
        let ids: Vec<&str> = segments.iter().map(|segment| &*segment.id).collect();
        let old: Vec<&str> = log.old.iter().map(|id| &**id).collect();
        ids.windows(old.len().max(1)).any(|run| run == old)
    });
    rework.at == (manifest.repository.clone(), manifest.epoch)
        && rework
            .only
            .as_ref()
            .is_none_or(|only| *only == manifest.write_id)
        && rework.parts.iter().all(|name| named.contains(&**name))
        && !rework.new.iter().any(done)
        && log
        && match &rework.aside {
            Some(aside) => aside_fits(manifest, &named, aside),
            // What it names may hold what leaves.
            None => manifest.aside.is_none() || !rework.drops_objects,
        }
}

/// Whether the list was made from the one that there is, and nothing in it is to be deleted.
fn aside_fits(manifest: &Manifest, named: &BTreeSet<&str>, aside: &AsideRework) -> bool {
    let condemned: BTreeSet<&str> = manifest
        .condemned
        .iter()
        .filter_map(|gone| keys::pack_name(&gone.key))
        .collect();
    let old = manifest.aside.as_ref().map(|list| &list.id);
    old == aside.old.as_ref()
        && aside.moved.iter().all(|name| named.contains(&**name))
        && !aside.lists.iter().any(|name| condemned.contains(&**name))
}

/// Whether one pack, alone, covers all that another one does.
fn encloses(outer: &PackEntry, inner: &PackEntry) -> bool {
    outer.holds == Holds::All && outer.from <= inner.from && inner.to <= outer.to
}

/// Puts another list in the place of the one that there is, and condemns that and what is
/// listed no more; `false` if a pack would be listed for which no pack of the manifest stands
/// in.
fn move_aside(
    next: &mut Manifest,
    change: &Change,
    rework: &Rework,
    aside: &AsideRework,
) -> Result<bool> {
    let moved: BTreeSet<&str> = aside.moved.iter().map(|name| &**name).collect();
    let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut next.packs)
        .into_iter()
        .partition(|pack| moved.contains(&*pack.name));
    next.packs = kept;
    let dropped = aside.drop.iter().filter(|_| !rework.drops_objects);
    if !gone
        .iter()
        .chain(dropped)
        .all(|pack| stands_in(&next.packs, pack))
    {
        return Ok(false);
    }
    for pack in &aside.drop {
        condemn_pack(next, change, rework, pack)?;
    }
    if let Some(old) = std::mem::replace(&mut next.aside, aside.new.clone()) {
        next.condemned.push(Condemned {
            key: keys::aside(&old.id)?.as_str().to_owned(),
            generation: next.generation,
            time: change.time,
            why: Why::Merged,
        });
    }
    Ok(true)
}

/// Takes packs out and condemns them. Where no objects may leave, a pack goes only if what
/// stays holds its objects, too.
fn drop_packs(next: &mut Manifest, change: &Change, rework: &Rework) -> Result<()> {
    let asked: BTreeSet<&str> = rework.drop.iter().map(|name| &**name).collect();
    let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut next.packs)
        .into_iter()
        .partition(|pack| asked.contains(&*pack.name));
    next.packs = kept;
    for pack in gone {
        if !rework.drops_objects && !stands_in(&next.packs, &pack) {
            next.packs.push(pack);
            continue;
        }
        condemn_pack(next, change, rework, &pack)?;
    }
    Ok(())
}

/// Puts a pack and its index on the list of what is to be deleted.
fn condemn_pack(
    next: &mut Manifest,
    change: &Change,
    rework: &Rework,
    pack: &PackEntry,
) -> Result<()> {
    let why = if rework.drops_objects {
        Why::Dropped
    } else {
        Why::Merged
    };
    let index = pack.index.map(|_| keys::index(&pack.name)).transpose()?;
    for key in std::iter::once(keys::pack(&pack.name)?).chain(index) {
        next.condemned.push(Condemned {
            key: key.as_str().to_owned(),
            generation: next.generation,
            time: change.time,
            why,
        });
    }
    Ok(())
}

/// Whether other packs hold what this one does: one with all objects of its generations,
/// or two halves.
pub(crate) fn stands_in(packs: &[PackEntry], gone: &PackEntry) -> bool {
    let around = |pack: &&PackEntry| pack.from <= gone.from && gone.to <= pack.to;
    packs.iter().filter(around).any(|pack| {
        let mut group = packs.iter().filter(|other| {
            (other.from, other.to, other.source) == (pack.from, pack.to, pack.source)
        });
        let halves: BTreeSet<Holds> = group.clone().map(|pack| pack.holds).collect();
        group.any(|one| one.holds == Holds::All)
            || halves.contains(&gone.holds)
            || halves.len() == 2
    })
}

/// Puts other segments in the place of some, and condemns the files of those.
fn rework_log(next: &mut Manifest, change: &Change, log: &LogRework) -> Result<()> {
    let old: BTreeSet<&str> = log.old.iter().map(|id| &**id).collect();
    let segments = std::mem::take(&mut next.log.segments);
    let place = segments
        .iter()
        .position(|segment| old.contains(&*segment.id))
        .unwrap_or(0);
    let (gone, mut kept): (Vec<_>, Vec<_>) = segments
        .into_iter()
        .partition(|segment| old.contains(&*segment.id));
    kept.splice(place..place, log.new.iter().cloned());
    next.log.segments = kept;
    for segment in gone {
        let key = keys::segment(segment.first, segment.last, &segment.id)?;
        next.condemned.push(Condemned {
            key: key.as_str().to_owned(),
            generation: next.generation,
            time: change.time,
            why: if log.forgets {
                Why::Dropped
            } else {
                Why::Merged
            },
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
