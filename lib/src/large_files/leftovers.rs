//! What dead transfers of large files left on this machine: removed once it is old, and found,
//! shown and removed for `git pail doctor`.

use super::journal::{Note, is_at_work};
use crate::clock::Clock;
use crate::error::{IoContext, Result};
use crate::store::Store;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How long it stays, in seconds: two weeks.
const MAX_AGE: i64 = 14 * 24 * 60 * 60;

/// Removes it from a folder of ours, but for what somebody works on.
pub(super) fn tidy(folder: &Path, clock: &dyn Clock) {
    let now = clock.now();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(is_ours);
        let age = entry.metadata().ok().map(|found| now - written(&found));
        if !ours || age.is_none_or(|age| age <= MAX_AGE) {
            continue;
        }
        let file = File::options().write(true).open(entry.path());
        if file.is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file is one that transfers make: their names begin with a SHA-256.
fn is_ours(name: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.get(..64).is_some_and(|sum| sum.bytes().all(digit))
}

fn written(metadata: &fs::Metadata) -> i64 {
    let time = metadata.modified().ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(i64::MAX, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// A file that came in part, or the note of an upload that was begun.
#[derive(Debug)]
pub struct Left {
    file: PathBuf,
    bytes: u64,
    modified: i64,
    note: Option<Note>,
}

impl Left {
    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Bytes on the disk.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When it was last written, in seconds since 1970.
    pub fn modified(&self) -> i64 {
        self.modified
    }

    /// The bucket to which an upload was begun, as [`Store::describe`] says it; `None` of a
    /// file that came.
    pub fn location(&self) -> Option<&str> {
        self.note.as_ref().map(|note| &*note.location)
    }

    /// Removes it; the parts in the bucket first, if they are in this one. One request for
    /// those. Answers how many uploads were thrown away.
    ///
    /// # Errors
    ///
    /// Those of [`Store::abandon`], with the note kept; [`crate::ErrorKind::Local`] if the file
    /// cannot be removed.
    pub async fn throw_away(self, store: &dyn Store) -> Result<u64> {
        let mut count = 0;
        if let Some(note) = self.note.filter(|note| note.location == store.describe()) {
            store.abandon(&note.key, &note.token).await?;
            count = 1;
        }
        fs::remove_file(&self.file).during(|| format!("remove {}", self.file.display()))?;
        let _ = fs::remove_file(self.file.with_extension("lock"));
        Ok(count)
    }
}

/// What lies in such a folder. Nothing of a large transfer that is under way
/// is among it; of a small one may be, for its time. No request.
pub fn left(folder: &Path) -> Vec<Left> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let (file, name) = (entry.path(), entry.file_name());
        let name = name.to_str().filter(|name| is_ours(name))?;
        let metadata = entry.metadata().ok()?;
        let note = match name.rsplit_once('.') {
            None if File::open(&file).ok()?.try_lock_shared().is_err() => return None,
            None => None,
            Some((_, "json")) if !is_at_work(&file) => Some(Note::read(&file)?),
            Some(_) => return None,
        };
        Some(Left {
            bytes: metadata.len(),
            modified: written(&metadata),
            note,
            file,
        })
    });
    found.collect()
}

/// Key and token of the uploads in a bucket that a push from here would take up again.
pub fn waiting(folder: &Path, location: &str) -> BTreeSet<(String, String)> {
    let notes = left(folder).into_iter().filter_map(|left| left.note);
    let here = notes.filter(|note| note.location == location);
    here.map(|note| (note.key, note.token)).collect()
}
