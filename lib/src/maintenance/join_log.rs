//! Many small segments of the push log become one. No entry is forgotten.

use super::merge::{Merged, commit};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::SegmentRef;
use crate::transaction::{LogRework, Rework, Snapshot, read_log};
use crate::transfer::{Context, upload_segment};

/// Segments of more bytes than this together are not joined: nobody wants to write them anew.
/// Some 250,000 pushes.
const LARGE: u64 = 16 << 20;

/// So many stay. Each takes some 60 bytes of the manifest, packed, which every push reads and
/// writes.
///
/// With fewer, the same entries are written anew more often, and a reader that needs a part of
/// one reads more beside it.
pub(super) const FEW: usize = 7;

/// So many are worth a commit of their own. Where packs are merged it never comes to that: each
/// merge joins what is more than [`FEW`].
const MANY: usize = 12;

/// So many become one at most; the rest waits for the next time.
const MOST: usize = 64;

/// What counts as newer than the newest segment, in bytes: about what the entries in the
/// manifest take, packed.
const INLINE: u64 = 4 << 10;

/// How often it starts again because somebody else was faster.
const MAX_TRIES: u32 = 4;

/// The segments that shall become one, where they are so many that it is worth a commit.
#[must_use]
pub fn segments_to_join(segments: &[SegmentRef]) -> &[SegmentRef] {
    if segments.len() < MANY {
        return &[];
    }
    run(segments, FEW)
}

/// The run of segments that shall become one so that so many are left, if there are more.
///
/// It is the one that weighs least against all that came after it. So sizes are a
/// progression: a reader takes, of a segment that it needs in part, a few times what it needs
/// of newer ones at most, and there are never more of them, however long the log grows.
pub(super) fn run(segments: &[SegmentRef], few: usize) -> &[SegmentRef] {
    let len = (segments.len() + 1).saturating_sub(few).min(MOST);
    if len < 2 {
        return &[];
    }
    let weigh = |run: &[SegmentRef]| -> u64 {
        run.iter()
            .fold(0, |sum: u64, one| sum.saturating_add(one.size))
    };
    let mut best: Option<(usize, u64, u64)> = None;
    for at in (0..=segments.len() - len).rev() {
        let bytes = weigh(&segments[at..at + len]);
        let newer = weigh(&segments[at + len..]).saturating_add(INLINE);
        // The lesser of two quotients, without dividing.
        let less = |(_, other, after): (usize, u64, u64)| {
            u128::from(bytes) * u128::from(after) < u128::from(other) * u128::from(newer)
        };
        if bytes <= LARGE && best.is_none_or(less) {
            best = Some((at, bytes, newer));
        }
    }
    best.map_or(&[], |(at, _, _)| &segments[at..at + len])
}

/// Makes one segment of a run of small ones; answers of how many, 0 if there was nothing to
/// do.
///
/// The old ones are condemned. Costs one GET of the manifest; where there is something to
/// do, one GET for each segment that is not in the cache, one PUT for the new one and one
/// for the manifest.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if a segment is gone or wrong, and those of the store. Nothing
/// has changed then, unless the kind is [`ErrorKind::InDoubt`]: then it has changed or not,
/// and the repository is right in both cases.
pub async fn join_log(context: &Context, who: &str) -> Result<usize> {
    for _ in 0..MAX_TRIES {
        let at = Snapshot::read(&*context.store, &context.cache, None).await?;
        let Some(at) = at else { return Ok(0) };
        let old = segments_to_join(&at.manifest.log.segments);
        let count = old.len();
        let Some(log) = join(context, &at, old).await? else {
            return Ok(0);
        };
        let rework = Rework {
            log: Some(log),
            ..Rework::default()
        };
        if let Merged::Done(_) = commit(context, at, "log", rework, who.to_owned()).await? {
            return Ok(count);
        }
    }
    // Somebody else does the same; it has no hurry.
    Ok(0)
}

/// Uploads what takes the place of these segments; nothing if there are none.
pub(super) async fn join(
    context: &Context,
    at: &Snapshot,
    old: &[SegmentRef],
) -> Result<Option<LogRework>> {
    let all = &at.manifest.log.segments;
    let mut entries = Vec::new();
    for segment in old {
        let back = all.iter().rev().position(|one| one.id == segment.id);
        let part = read_log(&*context.store, &context.cache, at, back.unwrap_or(0)).await?;
        let part = part.unwrap_or_default();
        let ends = part.first().zip(part.last());
        let ends = ends.map(|(first, last)| (first.generation, last.generation));
        if ends != Some((segment.first, segment.last)) {
            return Err(wrong(segment));
        }
        entries.extend(part);
    }
    let new = upload_segment(context, &entries).await?;
    Ok(new.map(|new| LogRework {
        old: old.iter().map(|segment| segment.id.clone()).collect(),
        new: vec![new],
        forgets: false,
    }))
}

fn wrong(segment: &SegmentRef) -> Error {
    let SegmentRef { first, last, .. } = segment;
    Error::new(
        ErrorKind::Corrupt,
        format!("cannot join the log: the segment {first}-{last} holds other entries"),
    )
    .with_hint("`git pail fsck` tells what is hurt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(sizes: &[u64], few: usize) -> Vec<u64> {
        let segments = SegmentRef::of_sizes(sizes);
        let run = run(&segments, few).iter();
        run.map(|segment| segment.first).collect()
    }

    #[test]
    fn a_commit_of_its_own_is_made_only_for_many() {
        for (count, joined) in [(0, false), (MANY - 1, false), (MANY, true)] {
            let segments = SegmentRef::of_sizes(&vec![1000; count]);
            assert_eq!(!segments_to_join(&segments).is_empty(), joined, "{count}");
        }
    }

    #[test]
    fn those_become_one_that_weigh_least_against_what_came_after() {
        assert!(joined(&[], 2).is_empty());
        assert!(joined(&[5, 5], 2).is_empty());
        assert_eq!(
            joined(&[90_000; 3], 2),
            [1, 2],
            "against 90,000, not against nothing"
        );
        assert_eq!(joined(&[900_000, 1000, 1000, 1000], 3), [2, 3]);
        assert_eq!(joined(&[900_000, 90_000, 9000, 9000], 3), [3, 4]);
        assert_eq!(joined(&[1000; 12], 7), Vec::from_iter(1..=6));
        assert!(joined(&[LARGE; 20], 2).is_empty(), "never written anew");
        assert_eq!(joined(&[1; 1000], 1).len(), MOST);
    }

    #[test]
    fn any_number_of_segments_leaves_few_and_writes_an_entry_seldom() {
        // Parts of 600 bytes, some 8 pushes each: 10,000 pushes.
        const COUNT: u64 = 1250;
        const SIZE: u64 = 600;
        let (mut sizes, mut written) = (Vec::new(), 0);
        for _ in 0..COUNT {
            sizes.push(SIZE);
            let run = joined(&sizes, FEW);
            if let Some(first) = run.first() {
                let start = usize::try_from(*first).unwrap() - 1;
                let sum = sizes.drain(start..start + run.len()).sum::<u64>();
                sizes.insert(start, sum);
                written += sum;
            }
            assert!(sizes.len() <= FEW);
            // Who needs the first entry of a segment reads at most so much more than who needs
            // the last one of the segment before.
            let mut newer = INLINE;
            for size in sizes.iter().rev() {
                assert!(*size <= 5 * newer, "{sizes:?}");
                newer += size;
            }
        }
        assert_eq!(sizes.iter().sum::<u64>(), COUNT * SIZE);
        assert!(written < 14 * COUNT * SIZE, "{written}");
    }
}
