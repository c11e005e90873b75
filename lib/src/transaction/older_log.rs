//! The part of the log that no longer stands in the manifest, read backwards.

use super::files::{Cache, read_segment};
use super::snapshot::Snapshot;
use crate::error::{ErrorKind, Result};
use crate::format::manifest::{LogEntry, SegmentRef};
use crate::store::Store;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt, TryStreamExt};

/// Bytes of the first wave, as they lie in the bucket; it ends with the segment that
/// reaches them. A push of one ref takes some 30 to 75, so that it holds 1,000 pushes.
const FIRST_WAVE: u64 = 96 << 10;

/// Each wave may have so many times the bytes of the one before.
const GROWTH: u64 = 8;

/// Segments that are asked for at the same time, at most. They are small.
const PARALLEL: usize = 64;

/// Reads older log entries, in waves: the manifest names all segments, so that those of one
/// wave are read at the same time.
///
/// A reader does not know how far back it must read. A wave of everything would cost one
/// that is slightly behind the log of years, waves of one segment a request in a row each.
#[derive(Debug)]
pub struct OlderLog<'a> {
    store: &'a dyn Store,
    cache: &'a Cache,
    /// Those that were not read, oldest first.
    left: &'a [SegmentRef],
    /// Bytes of the next wave.
    bytes: u64,
}

impl<'a> OlderLog<'a> {
    /// Begins before the oldest entry that stands in the manifest. No request.
    pub fn new(store: &'a dyn Store, cache: &'a Cache, at: &'a Snapshot) -> Self {
        Self {
            store,
            cache,
            left: &at.manifest.log.segments,
            bytes: FIRST_WAVE,
        }
    }

    /// The next older entries, oldest first; `None` past the oldest.
    ///
    /// Costs one GET for each segment of the wave that is not in the cache, all at the same
    /// time.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Corrupt`] if a segment is gone or wrong, and those of the store.
    pub async fn next(&mut self) -> Result<Option<Vec<LogEntry>>> {
        let (left, wave) = self
            .left
            .split_at(self.left.len() - wave(self.left, self.bytes));
        if wave.is_empty() {
            return Ok(None);
        }
        // Boxed, since the compiler cannot see that they may move between threads otherwise.
        let reads: Vec<_> = wave
            .iter()
            .map(|segment| read_segment(self.store, self.cache, segment).boxed())
            .collect();
        let entries: Vec<Vec<LogEntry>> =
            stream::iter(reads).buffered(PARALLEL).try_collect().await?;
        self.left = left;
        self.bytes = self.bytes.saturating_mul(GROWTH);
        Ok(Some(entries.into_iter().flatten().collect()))
    }
}

/// How often the manifest is read again because a part of its log was gone.
const MAX_TURNS: u32 = 4;

/// Does something that reads the log of a state. Where a part of it is gone because it was
/// joined with others meanwhile, reads the newest state and does it again; answers with the
/// state that was good.
///
/// # Errors
///
/// What it says about a state that nobody has changed, or again and again; those of the store.
pub async fn with_log<T>(
    store: &dyn Store,
    cache: &Cache,
    mut at: Snapshot,
    mut read: impl AsyncFnMut(&Snapshot) -> Result<T>,
) -> Result<(Snapshot, T)> {
    let mut turns = 0;
    loop {
        let error = match read(&at).await {
            Ok(done) => return Ok((at, done)),
            Err(error) if error.kind() == ErrorKind::Corrupt && turns < MAX_TURNS => error,
            Err(error) => return Err(error),
        };
        match Snapshot::read(store, cache, Some(&at)).await? {
            Some(newer) if newer.manifest.write_id != at.manifest.write_id => at = newer,
            _ => return Err(error),
        }
        turns += 1;
    }
}

/// How many of the newest segments make up a wave of so many bytes: at least one, if there
/// is one, and never more than are read at the same time.
fn wave(segments: &[SegmentRef], bytes: u64) -> usize {
    let mut before = 0_u64;
    let newest = segments.iter().rev().take(PARALLEL);
    newest
        .take_while(|segment| {
            let fits = before < bytes;
            before = before.saturating_add(segment.size);
            fits
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_ends_with_the_segment_that_reaches_its_bytes() {
        assert_eq!(wave(&[], 10), 0);
        assert_eq!(wave(&SegmentRef::of_sizes(&[100]), 10), 1, "at least one");
        assert_eq!(
            wave(&SegmentRef::of_sizes(&[1, 5, 5, 9]), 10),
            2,
            "the newest ones"
        );
        assert_eq!(wave(&SegmentRef::of_sizes(&[1, 5, 5]), 10), 2);
        assert_eq!(wave(&SegmentRef::of_sizes(&[1, 5, 4]), 10), 3);
        assert_eq!(
            wave(&SegmentRef::of_sizes(&[u64::MAX, u64::MAX]), u64::MAX),
            1
        );
        assert_eq!(wave(&SegmentRef::of_sizes(&[1; 1000]), 10_000), PARALLEL);
    }
}
