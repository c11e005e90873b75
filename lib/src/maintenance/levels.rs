//! Pure: which run of packs becomes one, and which packs have had their day.
//!
//! The packs that a clone takes are kept in a geometric progression of bytes, as `git
//! repack --geometric` keeps those of a local repository, but in the order of their
//! generations, so that intervals join up.

use crate::format::manifest::{Holds, PackEntry, PackSource};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A pack is merged with all that came after it once those have grown to `RADIX - 1` times
/// its bytes.
///
/// Of n pushes of one size, 3 · log4(n) packs are left, 1.5 · log2(n); of sizes at random
/// up to 2 · log2(n) in simulations. A larger radix merges more seldom and leaves more
/// packs: with 6, up to 2.3 · log2(n).
pub const RADIX: u64 = 4;

/// A part of a merged pack goes once a reader that would take it takes at most so much more
/// without it: three halves of what it lacks.
///
/// With 2 instead, readers would take a quarter more than they lack on average, rather than
/// a tenth, for two fifths fewer entries in the manifest.
pub const MORE: (u64, u64) = (3, 2);

/// So many parts of one merged pack stay at most: the newest. More there are only where
/// nothing was merged for long.
pub const MAX_PARTS: usize = 32;

/// Runs of packs of more bytes together than this are left as they are: what is downloaded
/// in ranges of 8 MiB gains nothing from being one file.
pub const MAX_BYTES: u64 = 2 << 30;

/// A run of packs that shall become one.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The packs, oldest first. Their intervals join up.
    pub packs: Vec<PackEntry>,
}

impl Run {
    /// Bytes of all packs.
    pub fn bytes(&self) -> u64 {
        self.packs.iter().map(|pack| pack.size).sum()
    }

    /// The generations that they cover: after the first, up to the second.
    pub fn interval(&self) -> (u64, u64) {
        let ends = self.packs.first().zip(self.packs.last());
        ends.map_or((0, 0), |(first, last)| (first.from, last.to))
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = self.interval();
        write!(
            f,
            "merge {} packs of generations {} to {to}",
            self.packs.len(),
            from + 1
        )
    }
}

/// Packs of one interval and one source: one step of a cover.
#[derive(Debug)]
struct Step<'a> {
    from: u64,
    to: u64,
    bytes: u64,
    packs: Vec<&'a PackEntry>,
}

impl Step<'_> {
    /// The generation of the reader that needs it and lacks least: of a push before all of
    /// it, of a merged pack one that has nearly everything in it.
    fn reader(&self) -> u64 {
        let push = |pack: &&PackEntry| pack.source == PackSource::Push;
        if self.packs.iter().all(push) {
            self.from
        } else {
            self.to
        }
    }
}

fn steps(packs: &[PackEntry]) -> Vec<Step<'_>> {
    let mut groups: BTreeMap<(u64, u64, PackSource), Vec<&PackEntry>> = BTreeMap::new();
    for pack in packs {
        let group = (pack.from, pack.to, pack.source);
        groups.entry(group).or_default().push(pack);
    }
    groups
        .into_iter()
        .map(|((from, to, _), packs)| Step {
            from,
            to,
            bytes: packs.iter().map(|pack| pack.size).sum(),
            packs,
        })
        .collect()
}

/// The fewest steps from the first generation to the last: those of a clone. Empty if the
/// intervals do not join up.
fn top<'a, 'b>(steps: &'b [Step<'a>]) -> Vec<&'b Step<'a>> {
    let end = steps.iter().map(|step| step.to).max().unwrap_or(0);
    let (mut at, mut path) = (0, Vec::new());
    while at < end {
        let ahead = steps.iter().filter(|step| step.from <= at && step.to > at);
        // Of two that end alike the one that starts here: what it holds joins up exactly.
        let Some(next) = ahead.max_by_key(|step| (step.to, step.from)) else {
            return Vec::new();
        };
        path.push(next);
        at = next.to;
    }
    path
}

/// The run that should become one pack now, if there is one.
///
/// It starts at the oldest pack that what came after it outweighs ([`RADIX`]), and goes up
/// to the newest. Halves of a base are left alone: to merge them would mix what was split.
pub fn merge(packs: &[PackEntry]) -> Option<Run> {
    let steps = steps(packs);
    let top = top(&steps);
    let joined = |step: &&Step<'_>| matches!(step.packs[..], [one] if one.holds == Holds::All);
    let first = top
        .iter()
        .rposition(|step| !joined(step))
        .map_or(0, |at| at + 1);
    let mut newer: u64 = 0;
    let mut start = None;
    for at in (first..top.len()).rev() {
        let bytes = top[at].bytes;
        if newer.saturating_add(bytes) > MAX_BYTES {
            break;
        }
        if at + 1 < top.len() && newer >= bytes.saturating_mul(RADIX - 1) {
            start = Some(at);
        }
        newer += bytes;
    }
    let run = &top[start?..];
    // Overlaps come from elsewhere than from here; what they hold is not known.
    let exact = run.windows(2).all(|pair| pair[0].to == pair[1].from);
    exact.then(|| Run {
        packs: run.iter().map(|step| step.packs[0].clone()).collect(),
    })
}

/// The fewest packs that a clone takes, oldest first.
pub fn of_a_clone(packs: &[PackEntry]) -> Vec<&PackEntry> {
    let steps = steps(packs);
    let top = top(&steps);
    top.iter()
        .flat_map(|step| step.packs.iter().copied())
        .collect()
}

/// The packs that no reader is to take any more, by name: each lies inside a larger one, and
///
/// - starts where that one starts, so that whoever needs it takes the larger one; or
/// - saves too little to who takes it now ([`MORE`]): so much comes after it; or
/// - is one of too many ([`MAX_PARTS`]).
///
/// The newest part of all stays: who is one push behind takes exactly that push.
pub fn superfluous(packs: &[PackEntry]) -> Vec<String> {
    let mut steps = steps(packs);
    let ahead = ahead(&steps);
    let end = steps.iter().map(|step| step.to).max().unwrap_or(0);
    // Larger ones before those that lie inside them.
    steps.sort_by_key(|step| (step.from, std::cmp::Reverse(step.to)));
    let mut around: Vec<usize> = Vec::new();
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut gone = BTreeSet::new();
    for at in 0..steps.len() {
        let step = &steps[at];
        while let Some(outer) = around.last().map(|outer| &steps[*outer]) {
            if outer.from <= step.from && step.to <= outer.to {
                break;
            }
            around.pop();
        }
        if let Some(outer) = around.last().copied() {
            let larger = &steps[outer];
            let after = ahead.get(&larger.to).copied().unwrap_or(0);
            let lacking = ahead.get(&step.reader()).copied().unwrap_or(after);
            let taken = larger.bytes.saturating_add(after);
            let little = taken.saturating_mul(MORE.1) <= lacking.saturating_mul(MORE.0);
            if step.from == larger.from || (little && step.to < end) {
                gone.insert(at);
                continue;
            }
            parts.entry(outer).or_default().push(at);
        }
        around.push(at);
    }
    for parts in parts.values() {
        let too_many = parts.len().saturating_sub(MAX_PARTS);
        gone.extend(parts.iter().take(too_many));
    }
    gone.into_iter()
        .flat_map(|at| steps[at].packs.iter().map(|pack| pack.name.clone()))
        .collect()
}

/// For each start of a step, and for the end: the fewest bytes from there to the end.
fn ahead(steps: &[Step<'_>]) -> BTreeMap<u64, u64> {
    let end = steps.iter().map(|step| step.to).max().unwrap_or(0);
    let mut bytes = BTreeMap::from([(end, 0)]);
    let mut starts: BTreeMap<u64, Vec<&Step<'_>>> = BTreeMap::new();
    for step in steps {
        starts.entry(step.from).or_default().push(step);
    }
    for (from, steps) in starts.into_iter().rev() {
        let least = steps
            .iter()
            .filter_map(|step| Some(step.bytes.saturating_add(*bytes.get(&step.to)?)))
            .min();
        if let Some(least) = least {
            bytes.insert(from, least);
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
