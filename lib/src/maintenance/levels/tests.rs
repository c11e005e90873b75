use super::*;
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

fn pushes(sizes: &[u64]) -> Vec<PackEntry> {
    (0..)
        .zip(sizes)
        .map(|(at, size)| pack(at, at + 1, *size, PackSource::Push))
        .collect()
}

fn interval(packs: &[PackEntry]) -> Option<(u64, u64)> {
    merge(packs).map(|run| run.interval())
}

#[test]
fn four_of_a_size_become_one() {
    assert_eq!(interval(&pushes(&[])), None);
    assert_eq!(interval(&pushes(&[10])), None);
    assert_eq!(interval(&pushes(&[10, 10, 10])), None);
    assert_eq!(interval(&pushes(&[10, 10, 10, 10])), Some((0, 4)));
    // A large pack is left alone until what came after it is three times as large.
    assert_eq!(interval(&pushes(&[1000, 10, 10, 10])), None);
    assert_eq!(interval(&pushes(&[1000, 10, 10, 10, 10])), Some((1, 5)));
    assert_eq!(interval(&pushes(&[10, 1000])), Some((0, 2)));
    // Four levels at once.
    assert_eq!(
        interval(&pushes(&[40, 40, 40, 10, 10, 10, 10])),
        Some((0, 7))
    );
}

#[test]
fn what_is_large_enough_for_ranges_is_not_joined() {
    assert_eq!(interval(&pushes(&[MAX_BYTES / 4; 4])), Some((0, 4)));
    assert_eq!(interval(&pushes(&[MAX_BYTES / 3; 4])), None);
}

#[test]
fn a_base_is_left_as_it_is() {
    let mut packs = pushes(&[1, 1, 1, 1, 1, 1]);
    for holds in [Holds::CommitsAndTrees, Holds::Blobs] {
        let mut half = pack(0, 2, 1, PackSource::Base);
        half.holds = holds;
        half.name = holds.name().to_owned();
        packs.push(half);
    }
    assert_eq!(interval(&packs), Some((2, 6)));
    let names: Vec<_> = of_a_clone(&packs).iter().map(|pack| pack.to).collect();
    assert_eq!(names, [2, 2, 3, 4, 5, 6]);
}

/// As many pushes as that, each followed by maintenance. Hears the packs after each.
fn history(
    count: u64,
    mut size: impl FnMut() -> u64,
    mut hear: impl FnMut(u64, &[PackEntry], &[u64]),
) {
    let (mut packs, mut bytes) = (Vec::new(), vec![0]);
    for at in 0..count {
        let size = size();
        bytes.push(bytes.last().unwrap() + size);
        packs.push(pack(at, at + 1, size, PackSource::Push));
        while let Some(run) = merge(&packs) {
            let (from, to) = run.interval();
            packs.push(pack(from, to, run.bytes(), PackSource::Merge));
            let gone = superfluous(&packs);
            packs.retain(|pack| !gone.contains(&pack.name));
        }
        hear(at + 1, &packs, &bytes);
    }
}

/// Sizes that differ by powers of ten: an xorshift generator (Marsaglia, 2003).
fn sizes() -> impl FnMut() -> u64 {
    let mut state: u64 = 88_172_645_463_325_252;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        200 + (1 << (state % 14))
    }
}

/// Exact enough for what is below 2^32 thousands.
fn number(n: u64) -> f64 {
    u32::try_from(n).map_or_else(
        |_| f64::from(u32::try_from(n / 1000).unwrap()) * 1000.0,
        f64::from,
    )
}

#[test]
fn after_n_pushes_a_clone_takes_at_most_two_log_n_packs() {
    let check = |n: u64, packs: &[PackEntry], _: &[u64]| {
        let bound = 2.0 * number(n).log2();
        let clone = of_a_clone(packs).len() as u64;
        assert!(
            n < 3 || number(clone) <= bound,
            "{clone} packs after {n} pushes"
        );
    };
    history(1500, || 500, check);
    history(1500, sizes(), check);
}

#[test]
fn the_manifest_names_a_number_of_packs_that_grows_with_log_n() {
    let mut most = BTreeMap::new();
    for uniform in [true, false] {
        let mut random = sizes();
        history(
            1100,
            || if uniform { 500 } else { random() },
            |n, packs, _| {
                for bound in [64, 256, 1024] {
                    if n <= bound {
                        let most = most.entry(bound).or_insert(0);
                        *most = packs.len().max(*most);
                    }
                }
            },
        );
    }
    // Seven for each doubling at most.
    for (n, most) in most {
        assert!(
            number(most as u64) <= 7.0 * number(n).log2(),
            "{most} after {n}"
        );
    }
}

#[test]
fn a_reader_behind_takes_little_more_than_what_it_lacks() {
    for uniform in [true, false] {
        let mut random = sizes();
        let (mut worst, mut sum, mut count) = (0.0_f64, 0.0, 0.0);
        history(
            700,
            || if uniform { 500_000 } else { 1000 * random() },
            |n, packs, bytes| {
                let whole =
                    |packs: Vec<&PackEntry>| packs.iter().map(|pack| pack.size).sum::<u64>();
                for start in 0..n {
                    if n % 50 != 0 && n - start > 12 {
                        continue;
                    }
                    let taken = whole(cover(packs, start, n).expect("the packs join up"));
                    let lacking =
                        bytes[usize::try_from(n).unwrap()] - bytes[usize::try_from(start).unwrap()];
                    // One push behind: exactly that push.
                    assert!(start + 1 < n || taken == lacking, "{start} of {n}");
                    let more = number(taken) / number(lacking);
                    worst = worst.max(more);
                    sum += more;
                    count += 1.0;
                }
            },
        );
        assert!(
            worst <= 1.7 && sum / count <= 1.15,
            "{worst}, {}",
            sum / count
        );
    }
}

#[test]
fn of_a_long_run_the_newest_parts_stay() {
    let mut packs = pushes(&[10; 200]);
    assert_eq!(interval(&packs), Some((0, 200)));
    packs.push(pack(0, 200, 1500, PackSource::Merge));
    let gone = superfluous(&packs);
    packs.retain(|pack| !gone.contains(&pack.name));
    assert_eq!(packs.len(), MAX_PARTS + 1);
    assert_eq!(cover(&packs, 199, 200).unwrap()[0].size, 10);
}
