//! Pure: where a reader starts, and which packs take it from there.

use crate::format::manifest::{LogEntry, PackEntry};
use crate::oid::ObjectId;
use crate::refs::RefName;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// What one more pack costs, in bytes: about what could be downloaded instead of asking.
pub(super) const PACK_COST: u64 = 32 << 10;

/// The cheapest set of packs that covers the generations `(start, end]`: a shortest path
/// over their intervals, weighted in bytes. `None` if the intervals do not join up.
///
/// Who holds everything up to a generation also holds everything up to an earlier one, so
/// the path may step back at no cost.
pub fn cover(packs: &[PackEntry], start: u64, end: u64) -> Option<Vec<&PackEntry>> {
    let mut nodes: BTreeSet<u64> = packs.iter().flat_map(|pack| [pack.from, pack.to]).collect();
    nodes.insert(0);
    let floor = |at: u64| nodes.range(..=at).next_back().copied().unwrap_or(0);
    let (start, end) = (floor(start), *nodes.range(end..).next()?);
    // Packs of one interval and one source belong together: commits and trees, and blobs.
    let mut groups: BTreeMap<u64, BTreeMap<_, Vec<&PackEntry>>> = BTreeMap::new();
    for pack in packs {
        groups
            .entry(pack.from)
            .or_default()
            .entry((pack.to, pack.source))
            .or_default()
            .push(pack);
    }
    let mut best: BTreeMap<u64, u64> = BTreeMap::from([(start, 0)]);
    let mut came: BTreeMap<u64, (u64, Vec<&PackEntry>)> = BTreeMap::new();
    let mut open = BinaryHeap::from([Reverse((0, start))]);
    while let Some(Reverse((cost, at))) = open.pop() {
        if at == end {
            break;
        }
        if best.get(&at).is_some_and(|known| *known < cost) {
            continue;
        }
        let back = nodes
            .range(..at)
            .next_back()
            .map(|before| (*before, 0, Vec::new()));
        let ahead = groups
            .get(&at)
            .into_iter()
            .flatten()
            .map(|((to, _), group)| {
                (
                    *to,
                    group.iter().map(|pack| pack.size + PACK_COST).sum::<u64>(),
                    group.clone(),
                )
            });
        for (to, weight, group) in ahead.chain(back) {
            let total = cost.saturating_add(weight);
            if best.get(&to).is_none_or(|known| total < *known) {
                best.insert(to, total);
                came.insert(to, (at, group));
                open.push(Reverse((total, to)));
            }
        }
    }
    let mut path = Vec::new();
    let mut at = end;
    while at != start {
        let (before, group) = came.remove(&at)?;
        path.push(group);
        at = before;
    }
    Some(path.into_iter().rev().flatten().collect())
}

/// Finds out how much of a repository a reader has, by reading its push log backwards.
///
/// The reader follows some refs. Where it lacks what such a ref names, the log tells what
/// the ref named before, until the reader has that: it then lacks what came after.
#[derive(Debug, Clone)]
pub struct Start {
    lacking: BTreeSet<RefName>,
    generation: u64,
}

impl Start {
    /// Starts at the newest generation, with the followed refs whose value is not here.
    pub fn new(generation: u64, lacking: BTreeSet<RefName>) -> Self {
        Self {
            lacking,
            generation,
        }
    }

    /// The ids whose presence [`Start::step`] will ask about.
    pub fn questions(&self, entries: &[LogEntry]) -> BTreeSet<ObjectId> {
        let moves = entries
            .iter()
            .flat_map(|entry| &entry.moves)
            .filter(|one| self.lacking.contains(&one.name));
        moves.flat_map(|one| [one.old, one.new]).flatten().collect()
    }

    /// Reads older entries, given oldest first.
    pub fn step(&mut self, entries: &[LogEntry], present: impl Fn(&ObjectId) -> bool) {
        for entry in entries.iter().rev() {
            if self.lacking.is_empty() {
                return;
            }
            if entry.moves_file.is_some() {
                // Any ref may have moved there. To take the pack is cheaper than to look.
                self.generation = self.generation.min(entry.generation.saturating_sub(1));
            }
            for one in &entry.moves {
                if !self.lacking.contains(&one.name) {
                    continue;
                }
                if !one.new.is_some_and(|new| present(&new)) {
                    self.generation = self.generation.min(entry.generation.saturating_sub(1));
                    // A ref that was made here may start anywhere; whether the reader has
                    // that is found out by the connectivity check.
                    if one.old.is_some_and(|old| !present(&old)) {
                        continue;
                    }
                }
                self.lacking.remove(&one.name);
            }
        }
    }

    /// The generation from which on the reader lacks something; `None` while more of the
    /// log must be read.
    pub fn found(&self) -> Option<u64> {
        self.lacking.is_empty().then_some(self.generation)
    }
}

#[cfg(test)]
mod tests;
