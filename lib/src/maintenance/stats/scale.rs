//! Pure: the packs by size.

use super::kinds::Tally;
use crate::format::manifest::PackEntry;
use crate::maintenance::levels::RADIX;
use std::collections::{BTreeMap, BTreeSet};

/// Packs of some size. Merging keeps those that a clone takes in a geometric progression, so
/// that each level holds a few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Bytes of a pack: at least so many …
    pub from: u64,
    /// … and fewer than so many.
    pub to: u64,
    /// Packs that a clone takes.
    pub clone: Tally,
    /// Packs that stay beside them for readers slightly behind.
    pub beside: Tally,
}

/// The packs, each level [`RADIX`] times as large as the one before it.
pub(super) fn levels(packs: &[PackEntry], clone: &[PackEntry]) -> Vec<Level> {
    let clone: BTreeSet<&str> = clone.iter().map(|pack| pack.name.as_str()).collect();
    let mut levels: BTreeMap<u64, Level> = BTreeMap::new();
    for pack in packs {
        let from = RADIX.pow(pack.size.max(1).ilog(RADIX));
        let level = levels.entry(from).or_insert(Level {
            from,
            to: from.saturating_mul(RADIX),
            clone: Tally::default(),
            beside: Tally::default(),
        });
        if clone.contains(pack.name.as_str()) {
            level.clone.add(pack.size);
        } else {
            level.beside.add(pack.size);
        }
    }
    levels.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maintenance::stats::growth::tests::pack;

    #[test]
    fn a_level_holds_the_packs_from_a_power_of_four_up_to_the_next() {
        let packs = [
            pack(0, 1, 0),
            pack(1, 2, 1024),
            pack(2, 3, 4095),
            pack(3, 4, 4096),
            pack(4, 5, u64::MAX),
        ];
        let found = levels(&packs, &packs[2..]);
        let shown: Vec<_> = found
            .iter()
            .map(|one| (one.from, one.to, one.clone.files, one.beside.files))
            .collect();
        let last = 1 << 62;
        assert_eq!(
            shown,
            [
                (1, 4, 0, 1),
                (1024, 4096, 1, 1),
                (4096, 16384, 1, 0),
                (last, u64::MAX, 1, 0),
            ]
        );
    }
}
