//! Older alternatives to packs leave the manifest for a list of their own.
//!
//! Every push reads the manifest and writes it; only who is far behind has use for packs that
//! lie inside larger ones. See `docs/design/0010-what-every-push-carries.md`.

use super::levels;
use crate::error::{ErrorKind, Result};
use crate::format::manifest::PackEntry;
use crate::transaction::{AsideRework, Rework, Snapshot, read_aside, stands_in};
use crate::transfer::{Context, upload_aside};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// So many alternatives stand in the manifest at least before some of them move …
const LEAST: usize = 4;

/// … and so many at most: enough for readers some five pushes behind.
const MOST: usize = 6;

/// So many packs stand there in all, as far as those of a clone leave room: a manifest shall be
/// about as long after ten thousand pushes as after a hundred.
const ALL: usize = 14;

/// So many fewer stay once some move, so that not every merge writes the list anew.
const STEP: usize = 2;

/// The alternatives that shall leave a manifest with these packs, by name; none if they are
/// few enough. Those that begin latest stay: they serve who is least behind.
///
/// As many may stay as make, with the packs of a clone, twice the logarithm of the number of
/// pushes, of which each makes at least one generation and merges make some more.
fn surplus(packs: &[PackEntry]) -> Vec<String> {
    let clone: BTreeSet<&str> = levels::of_a_clone(packs)
        .into_iter()
        .map(|pack| &*pack.name)
        .collect();
    let is_redundant = |pack: &&PackEntry| {
        let others: Vec<PackEntry> = packs
            .iter()
            .filter(|other| clone.contains(&*other.name))
            .cloned()
            .collect();
        stands_in(&others, pack)
    };
    let mut beside: Vec<&PackEntry> = packs
        .iter()
        .filter(|pack| !clone.contains(&*pack.name))
        .filter(is_redundant)
        .collect();
    let covered = packs.iter().map(|pack| pack.to).max().unwrap_or(0);
    let bound = 2 * covered.checked_ilog2().unwrap_or(0) as usize;
    let room = bound.saturating_sub(STEP).min(ALL);
    let room = room.saturating_sub(clone.len());
    let most = room.clamp(LEAST, MOST);
    if beside.len() <= most {
        return Vec::new();
    }
    beside.sort_by_key(|pack| Reverse((pack.from, pack.to)));
    let moved = beside.into_iter().skip(most - STEP);
    moved.map(|pack| pack.name.clone()).collect()
}

/// Lets a rework write the list anew, if too many alternatives stand in the manifest that it
/// makes. Those that nobody should take any more go on the way.
///
/// Costs nothing where there are few; else one GET for the list that there is, unless it is
/// in the cache, and one PUT.
///
/// # Errors
///
/// Those of the store. A list that is gone or wrong counts as an empty one: its packs become
/// leftovers, and nothing is lost but what they saved.
pub(super) async fn thin(context: &Context, at: &Snapshot, rework: &mut Rework) -> Result<()> {
    let inline = after(at, rework);
    let moved: BTreeSet<String> = surplus(&inline).into_iter().collect();
    if moved.is_empty() {
        return Ok(());
    }
    let listed = listed(context, at).await?;
    let thinned = Thinned::of(inline, &moved, listed);
    rework.drop.extend(thinned.gone);
    set(context, at, rework, thinned.list).await
}

/// The list that takes the place of another one.
#[derive(Debug, Default)]
struct List {
    /// Packs of the old list that stay.
    kept: Vec<PackEntry>,
    /// Packs of the manifest that move.
    moved: Vec<PackEntry>,
    /// Packs of the old list that go.
    drop: Vec<PackEntry>,
}

/// What becomes of alternatives when some of them move.
#[derive(Debug)]
struct Thinned {
    /// Packs of the manifest that nobody should take any more, by name.
    gone: Vec<String>,
    list: List,
}

impl Thinned {
    fn of(inline: Vec<PackEntry>, moved: &BTreeSet<String>, listed: Vec<PackEntry>) -> Self {
        let all: Vec<PackEntry> = inline.iter().chain(&listed).cloned().collect();
        let gone: BTreeSet<String> = levels::superfluous(&all).into_iter().collect();
        let (of_inline, stay): (Vec<_>, Vec<_>) = inline
            .into_iter()
            .partition(|pack| gone.contains(&pack.name));
        let (drop, kept) = listed
            .into_iter()
            .partition(|pack| gone.contains(&pack.name));
        let moved = stay.into_iter().filter(|pack| moved.contains(&pack.name));
        Self {
            gone: of_inline.into_iter().map(|pack| pack.name).collect(),
            list: List {
                kept,
                moved: moved.collect(),
                drop,
            },
        }
    }
}

/// Lets a rework that packs everything up to a generation anew keep these packs of the list,
/// and what came later, and condemn the others. Costs as [`thin`].
///
/// # Errors
///
/// As [`thin`].
pub(super) async fn keep(
    context: &Context,
    at: &Snapshot,
    rework: &mut Rework,
    (covered, keep): (u64, &BTreeSet<String>),
) -> Result<()> {
    let inline = after(at, rework);
    let moved: BTreeSet<String> = surplus(&inline).into_iter().collect();
    let listed = listed(context, at).await?;
    let (kept, drop) = listed
        .into_iter()
        .partition(|pack| pack.from >= covered || keep.contains(&pack.name));
    let moved = inline
        .into_iter()
        .filter(|pack| moved.contains(&pack.name))
        .collect();
    set(context, at, rework, List { kept, moved, drop }).await
}

/// The packs of the list; none if it is gone or wrong.
///
/// # Errors
///
/// Those of the store.
pub(super) async fn listed(context: &Context, at: &Snapshot) -> Result<Vec<PackEntry>> {
    match read_aside(&*context.store, &context.cache, at).await {
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Vec::new()),
        listed => listed,
    }
}

/// The packs that the manifest will name, as far as the rework tells.
fn after(at: &Snapshot, rework: &Rework) -> Vec<PackEntry> {
    let dropped: BTreeSet<&str> = rework.drop.iter().map(|name| &**name).collect();
    let stay = at.manifest.packs.iter();
    let stay = stay.filter(|pack| !dropped.contains(&*pack.name));
    stay.chain(&rework.new).cloned().collect()
}

/// Uploads the list of these packs, if there are any, and puts it into the rework.
async fn set(
    context: &Context,
    at: &Snapshot,
    rework: &mut Rework,
    List { kept, moved, drop }: List,
) -> Result<()> {
    let old = at.manifest.aside.as_ref().map(|list| list.id.clone());
    if old.is_none() && moved.is_empty() {
        return Ok(());
    }
    let names = |packs: &[PackEntry]| packs.iter().map(|pack| pack.name.clone()).collect();
    let moved_names: Vec<String> = names(&moved);
    let mut packs = kept;
    packs.extend(moved);
    packs.sort_by_key(|pack| (pack.from, pack.to));
    rework.aside = Some(AsideRework {
        old,
        new: upload_aside(context, &packs).await?,
        lists: names(&packs),
        moved: moved_names,
        drop,
    });
    Ok(())
}

#[cfg(test)]
mod tests;
