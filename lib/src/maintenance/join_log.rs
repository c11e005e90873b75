//! Many small segments of the push log become one. No entry is forgotten.

use super::merge::{Merged, commit};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::SegmentRef;
use crate::transaction::{LogRework, Rework, Snapshot, read_log};
use crate::transfer::{Context, upload_segment};

/// Segments of this size are left as they are, in bytes: a reader takes them one by one.
const LARGE: u64 = 256 << 10;

/// Of so many segments below that size some become one.
///
/// Each takes some 60 bytes of the manifest, packed, which every push reads and writes. With
/// fewer, the same entries are written anew more often.
const MANY: usize = 8;

/// So many become one at most; the rest waits for the next time.
const MOST: usize = 64;

/// How often it starts again because somebody else was faster.
const MAX_TRIES: u32 = 4;

/// The segments that shall become one, where small ones are many: the newest, from the
/// oldest one on that what came after it outweighs. So their sizes stay a progression, and
/// an entry is written anew as often as its segment doubles.
#[must_use]
pub fn segments_to_join(segments: &[SegmentRef]) -> &[SegmentRef] {
    let small = segments
        .iter()
        .rev()
        .take_while(|segment| segment.size < LARGE)
        .count();
    if small < MANY {
        return &[];
    }
    let run = &segments[segments.len() - small..];
    let mut newer: u64 = run.iter().map(|segment| segment.size).sum();
    let outweighed = |segment: &SegmentRef| {
        newer -= segment.size;
        segment.size <= newer
    };
    let start = run.iter().position(outweighed).unwrap_or(0);
    let run = &run[start..];
    &run[..run.len().min(MOST)]
}

/// Makes one segment of many small ones; answers of how many, 0 if there was nothing to do.
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
        let old = segments_to_join(&at.manifest.log.segments).to_vec();
        if old.is_empty() {
            return Ok(0);
        }
        let all = &at.manifest.log.segments;
        let mut entries = Vec::new();
        for segment in &old {
            let back = all.iter().rev().position(|one| one.id == segment.id);
            let part = read_log(&*context.store, &context.cache, &at, back.unwrap_or(0)).await?;
            let part = part.unwrap_or_default();
            let ends = part.first().zip(part.last());
            let ends = ends.map(|(first, last)| (first.generation, last.generation));
            if ends != Some((segment.first, segment.last)) {
                return Err(wrong(segment));
            }
            entries.extend(part);
        }
        let new = upload_segment(context, &entries).await?;
        let rework = Rework {
            log: Some(LogRework {
                old: old.iter().map(|segment| segment.id.clone()).collect(),
                new: new.into_iter().collect(),
                forgets: false,
            }),
            ..Rework::default()
        };
        if let Merged::Done(_) = commit(context, at, "log", rework, who.to_owned()).await? {
            return Ok(old.len());
        }
    }
    // Somebody else does the same; it has no hurry.
    Ok(0)
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

    fn joined(sizes: &[u64]) -> Vec<u64> {
        let segments = SegmentRef::of_sizes(sizes);
        let run = segments_to_join(&segments).iter();
        run.map(|segment| segment.first).collect()
    }

    #[test]
    fn the_newest_small_segments_become_one_once_they_are_many() {
        assert!(joined(&[]).is_empty());
        assert!(joined(&[1; MANY - 1]).is_empty());
        assert_eq!(joined(&[1; MANY]), Vec::from_iter(1..=8));
        let mut behind_a_large_one = vec![1, LARGE];
        behind_a_large_one.extend([LARGE - 1; MANY]);
        assert_eq!(joined(&behind_a_large_one), Vec::from_iter(3..=10));
        assert_eq!(joined(&[1; 1000]).len(), MOST);
    }

    #[test]
    fn a_segment_waits_until_as_much_came_after_it() {
        assert_eq!(joined(&[9, 1, 1, 1, 1, 1, 1, 1]), Vec::from_iter(2..=8));
        assert_eq!(joined(&[7, 1, 1, 1, 1, 1, 1, 1]), Vec::from_iter(1..=8));
        assert_eq!(joined(&[21, 7, 2, 1, 1, 1, 1, 1]), Vec::from_iter(2..=8));
        let halves: Vec<u64> = (0..8).rev().map(|power| 1 << power).collect();
        assert_eq!(joined(&halves), Vec::from_iter(1..=8), "never for ever");
    }

    #[test]
    fn any_number_of_segments_leaves_few_and_writes_an_entry_seldom() {
        // Parts of 600 bytes, some 8 pushes each: 10,000 pushes.
        const COUNT: u64 = 1250;
        const SIZE: u64 = 600;
        let (mut sizes, mut written, mut most) = (Vec::new(), 0, 0);
        for _ in 0..COUNT {
            sizes.push(SIZE);
            let run = joined(&sizes);
            if let Some(first) = run.first() {
                let start = usize::try_from(*first).unwrap() - 1;
                let sum = sizes.drain(start..start + run.len()).sum::<u64>();
                sizes.insert(start, sum);
                written += sum;
            }
            most = sizes.len().max(most);
        }
        assert_eq!(sizes.iter().sum::<u64>(), COUNT * SIZE);
        let large = COUNT * SIZE / LARGE;
        assert!(most < usize::try_from(large).unwrap() + MANY, "{most}");
        assert!(written < 6 * COUNT * SIZE, "{written}");
    }
}
