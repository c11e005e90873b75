use super::*;
use crate::format::manifest::{Holds, PackSource};
use crate::transfer::cover;
use serde_json::Map;

fn pack(from: u64, to: u64, size: u64, source: PackSource) -> PackEntry {
    PackEntry {
        name: format!("{from}-{to}-{}", source.name()),
        size,
        index: None,
        objects: 3,
        from,
        to,
        holds: Holds::All,
        source,
        unknown: Map::new(),
    }
}

/// A repository, as far as its packs go.
#[derive(Default)]
struct World {
    inline: Vec<PackEntry>,
    listed: Vec<PackEntry>,
    lists: u64,
}

impl World {
    /// One push, and maintenance after it.
    fn push(&mut self, at: u64, size: u64) {
        self.inline.push(pack(at, at + 1, size, PackSource::Push));
        while let Some(run) = levels::merge(&self.inline) {
            let (from, to) = run.interval();
            self.inline
                .push(pack(from, to, run.bytes(), PackSource::Merge));
            let gone = levels::superfluous(&self.inline);
            self.inline.retain(|pack| !gone.contains(&pack.name));
            let moved: BTreeSet<String> = surplus(&self.inline).into_iter().collect();
            if moved.is_empty() {
                continue;
            }
            let before = self.inline.len() + self.listed.len();
            let listed = std::mem::take(&mut self.listed);
            let Thinned { gone, list } = Thinned::of(self.inline.clone(), &moved, listed);
            let leaves = |pack: &PackEntry| {
                gone.contains(&pack.name) || list.moved.iter().any(|one| one.name == pack.name)
            };
            let dropped = gone.len() + list.drop.len();
            self.inline.retain(|pack| !leaves(pack));
            self.listed = [list.kept, list.moved].concat();
            assert_eq!(before, self.inline.len() + self.listed.len() + dropped);
            self.lists += 1;
        }
    }

    /// Bytes that a reader takes who has everything up to this generation.
    fn taken(&self, start: u64, end: u64, aside: bool) -> u64 {
        let mut packs = self.inline.clone();
        if aside {
            packs.extend(self.listed.iter().cloned());
        }
        let path = cover(&packs, start, end).expect("the packs join up");
        path.iter().map(|pack| pack.size).sum()
    }
}

#[test]
fn few_alternatives_stay_and_readers_far_behind_take_what_moved() {
    const SIZE: u64 = 100_000;
    let mut world = World::default();
    for n in 1..=1100_u64 {
        world.push(n - 1, SIZE);
        let clone = levels::of_a_clone(&world.inline).len();
        let bound = 2 * n.ilog2() as usize;
        let all = world.inline.len();
        // Between two merges come some pushes.
        assert!(
            all <= bound.max(clone + LEAST) + STEP,
            "{all} packs after {n}"
        );
        assert!(all <= clone + MOST);
        assert!(n < 64 || !world.listed.is_empty(), "{n}");
        for pack in &world.listed {
            assert!(stands_in(&world.inline, pack), "{} after {n}", pack.name);
        }
        for behind in (1..n).filter(|behind| n % 50 == 0 || *behind < 4) {
            let (taken, lacking) = (world.taken(n - behind, n, true), behind * SIZE);
            assert!(taken * 10 <= lacking * 17, "{behind} behind {n}: {taken}");
            // Who is slightly behind has no use for the list.
            if behind < 4 {
                let inline = world.taken(n - behind, n, false);
                assert!(inline * 2 <= lacking * 3, "{behind} behind {n}: {inline}");
            }
        }
    }
    assert!(world.lists < 1100 / 8, "{} lists", world.lists);
}

#[test]
fn what_a_clone_takes_never_moves() {
    let mut packs: Vec<PackEntry> = (0..100)
        .map(|at| pack(at, at + 1, 1000, PackSource::Push))
        .collect();
    assert!(surplus(&packs).is_empty(), "nothing stands in for them");
    packs.push(pack(0, 90, 90_000, PackSource::Merge));
    let moved = surplus(&packs);
    let stay = packs.iter().filter(|pack| !moved.contains(&pack.name));
    let stay: Vec<PackEntry> = stay.cloned().collect();
    // Of the ninety parts the newest stay.
    assert_eq!(stay.len(), 10 + 1 + LEAST - STEP);
    assert!(stay.iter().any(|pack| (pack.from, pack.to) == (89, 90)));
    assert!(cover(&stay, 0, 100).is_some());
    // One whose interval no single pack encloses has none that stands in for it.
    packs.push(pack(88, 93, 10, PackSource::Merge));
    assert!(!surplus(&packs).contains(&"88-93-merge".to_owned()));
}

#[test]
fn halves_of_a_base_stand_in_together() {
    let mut packs: Vec<PackEntry> = (0..20)
        .map(|at| pack(at, at + 1, 1000, PackSource::Push))
        .collect();
    for holds in [Holds::CommitsAndTrees, Holds::Blobs] {
        let mut half = pack(0, 20, 9000, PackSource::Base);
        half.name = holds.name().to_owned();
        half.holds = holds;
        packs.push(half);
    }
    let moved = surplus(&packs);
    assert_eq!(
        moved.len(),
        20 - (4 - STEP),
        "8 are the bound, 2 of them a clone's, and 2 for pushes to come"
    );
    packs.pop();
    assert!(surplus(&packs).is_empty(), "half of a base is no base");
}
