//! Pure: which refs are hurt when some packs cannot be used.

use super::history::{History, Moved};
use crate::format::manifest::{PackEntry, PackSource};
use crate::format::refs::RefTable;
use crate::refs::RefName;
use crate::transfer::cover;
use std::collections::BTreeSet;

/// The last generation whose refs are whole although these packs cannot be used; `None` if
/// all are.
///
/// The objects of a cover of (0, n] are all that the refs of generation n reach (Law 4). A
/// pack of a push brought its objects at the end of its interval: refs that moved in it
/// before that need nothing of it.
pub(super) fn whole_up_to(packs: &[PackEntry], broken: &BTreeSet<&str>) -> Option<u64> {
    let is_broken = |pack: &&PackEntry| broken.contains(pack.name.as_str());
    // Packs of one interval and source belong together: one that is broken breaks them all.
    let lost: BTreeSet<_> = packs
        .iter()
        .filter(is_broken)
        .map(|pack| (pack.from, pack.to, pack.source))
        .collect();
    let left = |pack: &&PackEntry| !lost.contains(&(pack.from, pack.to, pack.source));
    let good: Vec<PackEntry> = packs.iter().filter(left).cloned().collect();
    let covered = packs.iter().map(|pack| pack.to).max().unwrap_or(0);
    let reaches = |end: u64| {
        let known = good.iter().any(|pack| pack.to >= end);
        end == 0 || (known && cover(&good, 0, end).is_some())
    };
    if reaches(covered) {
        return None;
    }
    let ends: BTreeSet<u64> = good.iter().map(|pack| pack.to).collect();
    let ends: Vec<u64> = ends.into_iter().collect();
    // Who can be covered up to n can be covered up to anything before.
    let reached = ends.partition_point(|end| reaches(*end));
    let sound = reached.checked_sub(1).map_or(0, |at| ends[at]);
    let next = packs
        .iter()
        .filter(|pack| pack.to > sound)
        .map(|pack| match pack.source {
            PackSource::Push => pack.to - 1,
            _ => pack.from,
        })
        .min();
    Some(next.unwrap_or(sound).max(sound))
}

/// The refs that moved after that generation, and those of which nobody knows when they did.
pub(super) fn moved_after(refs: &RefTable, history: &History, sound: u64) -> BTreeSet<RefName> {
    let is_whole = |name: &RefName, oid| {
        let moved = history.moved.get(name);
        moved.is_some_and(|Moved { generation, value }| *generation <= sound && *value == Some(oid))
    };
    refs.iter()
        .filter(|(name, value)| !is_whole(name, value.oid))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::manifest::Holds;
    use serde_json::Map;

    fn pack(name: &str, from: u64, to: u64, source: PackSource) -> PackEntry {
        PackEntry {
            name: name.to_owned(),
            size: 1,
            index: None,
            objects: 1,
            from,
            to,
            holds: Holds::All,
            source,
            unknown: Map::new(),
        }
    }

    #[test]
    fn refs_before_the_lost_pack_are_whole() {
        use PackSource::{Merge, Push};
        let packs = [
            pack("a", 0, 1, Push),
            pack("b", 1, 2, Push),
            pack("c", 2, 5, Push),
            pack("d", 5, 6, Push),
        ];
        let up_to = |lost: &[&str]| whole_up_to(&packs, &lost.iter().copied().collect());
        assert_eq!(up_to(&[]), None);
        // Generations 3 and 4 moved refs only: the objects of `c` came with 5.
        assert_eq!(up_to(&["c"]), Some(4));
        assert_eq!(up_to(&["a"]), Some(0));
        assert_eq!(up_to(&["d"]), Some(5));
        assert_eq!(up_to(&["b", "d"]), Some(1));
        // A merged pack stands in for what it joined, and the other way round.
        let mut both = packs.to_vec();
        both.push(pack("m", 0, 5, Merge));
        let up_to = |lost: &[&str]| whole_up_to(&both, &lost.iter().copied().collect());
        assert_eq!(up_to(&["c"]), None);
        assert_eq!(up_to(&["m"]), None);
        assert_eq!(up_to(&["m", "c"]), Some(2));
    }

    #[test]
    fn half_of_a_base_is_no_base() {
        let half = |name: &str, holds| PackEntry {
            holds,
            ..pack(name, 0, 4, PackSource::Base)
        };
        let packs = [
            half("t", Holds::CommitsAndTrees),
            half("b", Holds::Blobs),
            pack("p", 4, 5, PackSource::Push),
        ];
        assert_eq!(whole_up_to(&packs, &BTreeSet::from(["b"])), Some(0));
    }
}
