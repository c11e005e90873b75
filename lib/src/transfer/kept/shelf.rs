//! All that is kept in one repository: found, counted, bounded.

use super::note::Note;
use super::{Kept, LOCK, NEW, NOTE};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// How many packs of dead pushes stay, besides those that are being worked on.
const MAX_KEPT: usize = 4;

/// How many bytes they may have together. The newest stays whatever its size.
const MAX_BYTES: u64 = 16 << 30;

/// How long one stays, in seconds: two weeks.
const MAX_AGE: i64 = 14 * 24 * 60 * 60;

/// What lies on a shelf and nobody works on.
#[derive(Debug)]
pub(in crate::transfer) struct Resting {
    pub(in crate::transfer) folder: PathBuf,
    /// All files together.
    pub(in crate::transfer) bytes: u64,
    /// When it was made, in seconds since 1970; 0 if that is not known.
    pub(in crate::transfer) made: i64,
    /// Where it was going, without secrets; nothing if that is not known.
    pub(in crate::transfer) location: Option<String>,
    /// Its lock alone, if it is broken or was never whole.
    pub(in crate::transfer) kept: Result<Kept, File>,
}

impl Resting {
    /// Key and token of what was begun in the bucket.
    pub(in crate::transfer) fn uploads(&self) -> Vec<(String, String)> {
        self.kept
            .as_ref()
            .map_or_else(|_| Vec::new(), Kept::uploads)
    }

    /// Removes it from the disk.
    pub(in crate::transfer) fn remove(self) {
        match self.kept {
            Ok(kept) => kept.remove(),
            Err(_lock) => {
                let _ = fs::remove_dir_all(&self.folder);
            }
        }
    }
}

/// Everything on a shelf on which nobody works.
pub(in crate::transfer) fn resting(shelf: &Path) -> Vec<Resting> {
    let Ok(entries) = fs::read_dir(shelf) else {
        return Vec::new();
    };
    let folders = entries.flatten().map(|entry| entry.path());
    folders.filter_map(look).collect()
}

fn look(folder: PathBuf) -> Option<Resting> {
    let lock = File::options().write(true).open(folder.join(LOCK));
    // Somebody works on it, or has just made the folder.
    let lock = lock.ok().filter(|lock| lock.try_lock().is_ok())?;
    let named = |name: &str| name.starts_with(NEW);
    let whole = !folder.file_name()?.to_str().is_some_and(named);
    let bytes = fs::read(folder.join(NOTE)).ok().filter(|_| whole);
    let note = bytes.and_then(|bytes| Note::parse(&bytes));
    Some(Resting {
        bytes: size(&folder),
        made: note.as_ref().map_or(0, |note| note.made),
        location: note.as_ref().map(|note| note.location.clone()),
        kept: match note {
            Some(note) => Ok(Kept {
                folder: folder.clone(),
                note: Mutex::new(note),
                _lock: lock,
            }),
            None => Err(lock),
        },
        folder,
    })
}

/// Bytes of the files in a folder.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}

/// What a look at a shelf came to.
#[derive(Debug, Default)]
pub(super) struct Tidied {
    /// What stays, newest first.
    pub(super) stays: Vec<Kept>,
    /// What is too old or too much, to be thrown away.
    pub(super) goes: Vec<Kept>,
}

/// Removes what is broken, and tells what is too old or too much.
pub(super) fn tidy(shelf: &Path, now: i64) -> Tidied {
    let mut all = resting(shelf);
    all.sort_by_key(|one| std::cmp::Reverse(one.made));
    let mut bytes = 0_u64;
    let mut out = Tidied::default();
    for one in all {
        bytes = bytes.saturating_add(one.bytes);
        let stays = &out.stays;
        let fits = stays.is_empty() || (stays.len() < MAX_KEPT && bytes <= MAX_BYTES);
        match one.kept {
            Ok(kept) if fits && now.saturating_sub(one.made) <= MAX_AGE => out.stays.push(kept),
            Ok(kept) => out.goes.push(kept),
            broken @ Err(_) => Resting {
                kept: broken,
                ..one
            }
            .remove(),
        }
    }
    out
}
