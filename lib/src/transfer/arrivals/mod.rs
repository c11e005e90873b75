//! Large packs on their way down, kept outside the repository until they are installed, so
//! that the next fetch, or the next clone, asks only for what is missing
//! (`docs/design/0007-resumption.md`).
//!
//! Each is two files in `downloads/<repository id>/` of the cache folder: `<pack>.pack`, in
//! which every byte stands at its own place, and `<pack>.ranges`, which says how much of each
//! range has come. Whoever works on it holds a lock on the second. Nothing in them is
//! believed: a pack that they helped to make is verified as any other, and if it is wrong
//! they are thrown away.

mod ranges;
mod shelf;

pub(super) use shelf::{Left, left};

use super::Context;
use crate::format::manifest::PackEntry;
use crate::store::{Keep, read_kept};
use crate::transaction::Snapshot;
use bytes::Bytes;
use ranges::Ranges;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Packs of fewer ranges than this are not kept (32 MiB, by default): to bring one again
/// costs little.
const KEEP_FROM: u64 = 4;

/// Where they lie in the cache folder.
pub(super) const FOLDER: &str = "downloads";

/// What is kept of the packs that a fetch brings, by their place in its list.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    packs: Vec<Option<Arrival>>,
    /// Whether an earlier run had left something that was used.
    helped: AtomicBool,
}

/// One pack of which what comes is kept.
#[derive(Debug)]
struct Arrival {
    path: PathBuf,
    ranges: PathBuf,
    /// None after the disk refused something.
    files: Mutex<Option<(File, Ranges)>>,
}

impl Arrivals {
    /// Prepares for these packs, each named with its place in the list. Where there is no
    /// room, no cache, or somebody else at work on a pack, it is not kept.
    pub(super) fn open(context: &Context, at: &Snapshot, packs: &[&PackEntry]) -> Self {
        let least = KEEP_FROM.saturating_mul(context.limits.part);
        let large = |pack: &PackEntry| pack.size >= least;
        let Some(cache) = context
            .cache
            .folder()
            .filter(|_| context.cache.keeps_downloads())
        else {
            return Self::default();
        };
        let cache = cache.join(FOLDER);
        if !packs.iter().any(|pack| large(pack)) {
            return Self::default();
        }
        let shelf = cache.join(&at.manifest.repository);
        shelf::tidy(&cache, context.clock.now());
        let open = |pack: &&PackEntry| {
            let room =
                || std::fs::create_dir_all(&shelf).is_ok() && shelf::has_room(&shelf, pack.size);
            (large(pack) && room())
                .then(|| Arrival::open(&shelf, pack, context.limits.part).ok())
                .flatten()
        };
        Self {
            packs: packs.iter().map(open).collect(),
            helped: AtomicBool::new(false),
        }
    }

    /// Whether an earlier run had left something that was used: then that may be what is
    /// wrong with a pack.
    pub(super) fn helped(&self) -> bool {
        self.helped.load(Ordering::Relaxed)
    }

    /// Throws everything away: the packs are installed, or what was kept is wrong.
    pub(super) fn remove(self) {
        for arrival in self.packs.into_iter().flatten() {
            shelf::remove(&arrival.path, &arrival.ranges);
        }
    }

    fn at(&self, file: usize) -> Option<&Arrival> {
        self.packs.get(file)?.as_ref()
    }
}

impl Keep for Arrivals {
    fn left(&self, file: usize, range: Range<u64>) -> Vec<Bytes> {
        let found = self.at(file).and_then(|arrival| arrival.left(range).ok());
        let found = found.unwrap_or_default();
        if !found.is_empty() {
            self.helped.store(true, Ordering::Relaxed);
        }
        found
    }

    fn came(&self, file: usize, at: u64, bytes: &Bytes) {
        if let Some(arrival) = self.at(file) {
            arrival.came(at, bytes);
        }
    }
}

impl Arrival {
    fn open(shelf: &Path, pack: &PackEntry, part: u64) -> io::Result<Self> {
        let path = shelf.join(format!("{}.pack", pack.name));
        let ranges = shelf.join(format!("{}.ranges", pack.name));
        let known = Ranges::open(&ranges, pack.size, part)?;
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(known.is_fresh())
            .open(&path)?;
        Ok(Self {
            path,
            ranges,
            files: Mutex::new(Some((file, known))),
        })
    }

    /// What is there from the start of a range on.
    fn left(&self, range: Range<u64>) -> io::Result<Vec<Bytes>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((file, ranges)) = files.as_mut() else {
            return Ok(Vec::new());
        };
        let end = ranges.known_from(range.start).min(range.end);
        read_kept(file, range.start..end)
    }

    fn came(&self, at: u64, bytes: &Bytes) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((file, ranges)) = files.as_mut() else {
            return;
        };
        // First the bytes, then the word that they are there.
        let kept =
            ranges::write_at(file, at, bytes).and_then(|()| ranges.add(at, bytes.len() as u64));
        if kept.is_err() {
            // A full disk must not end the fetch, nor be kept full by us.
            *files = None;
            shelf::remove(&self.path, &self.ranges);
        }
    }
}
