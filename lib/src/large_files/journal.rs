//! How large uploads were begun, so that a later process takes them up again.
//!
//! `<SHA-256 of the place>.json` for each; `.lock` beside it is held by whoever works on it.

use crate::key::Key;
use crate::oid::hex;
use crate::store::{Begun, Journal, lock_kept};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

/// The note of one upload, locked; or none, where it cannot be kept or is not worth it.
#[derive(Debug, Default)]
pub(super) struct Noted(Option<Held>);

#[derive(Debug)]
struct Held {
    path: PathBuf,
    location: String,
    modified: String,
    note: Mutex<Option<Note>>,
    /// Locked.
    _lock: File,
}

/// How an upload was begun.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    /// The bucket, without secrets.
    pub(super) location: String,
    /// The key.
    pub(super) key: String,
    /// When the file that is sent was last written, in nanoseconds since 1970: parts of
    /// another file that had its name are of no use.
    modified: String,
    /// What names the upload in the bucket.
    pub(super) token: String,
    part: u64,
}

impl Note {
    /// Reads one; `None` if the file is none.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = fs::read(path).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// Whether somebody works on the upload of which this is the note.
pub(super) fn is_at_work(note: &Path) -> bool {
    let lock = File::open(note.with_extension("lock"));
    lock.is_ok_and(|lock| lock.try_lock_shared().is_err())
}

impl Noted {
    /// Opens the note of an upload of this file to a place.
    pub(super) fn open(folder: &Path, location: &str, key: &Key, file: &Path) -> Self {
        Self(hold(folder, location, key, file).ok())
    }
}

fn hold(folder: &Path, location: &str, key: &Key, file: &Path) -> io::Result<Held> {
    let name = hex(&Sha256::digest(format!("{location}\n{key}")));
    let path = folder.join(format!("{name}.json"));
    let lock_path = path.with_extension("lock");
    let lock = lock_kept(&lock_path)?;
    let since = fs::metadata(file)?.modified()?.duration_since(UNIX_EPOCH);
    let modified = since.map_err(io::Error::other)?.as_nanos().to_string();
    let same = |note: &Note| note.modified == modified && note.part > 0;
    Ok(Held {
        note: Mutex::new(Note::read(&path).filter(same)),
        location: location.to_owned(),
        modified,
        path,
        _lock: lock,
    })
}

impl Held {
    fn note(&self) -> MutexGuard<'_, Option<Note>> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, note: &Note) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        fs::write(&beside, serde_json::to_vec_pretty(note)?)?;
        fs::rename(&beside, &self.path)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.note().is_none() {
            let _ = fs::remove_file(&self.path);
            // The lock goes last.
            let _ = fs::remove_file(self.path.with_extension("lock"));
        }
    }
}

impl Journal for Noted {
    fn begun(&self, _: &Key) -> Option<Begun> {
        let note = self.0.as_ref()?.note();
        let note = note.as_ref()?;
        Some(Begun {
            token: note.token.clone(),
            part: note.part,
            // The key of an object may be used again: who finds nothing there sends it anew.
            ending: false,
        })
    }

    fn note(&self, key: &Key, begun: Option<Begun>) -> bool {
        let Some(held) = &self.0 else {
            return false;
        };
        let note = begun.map(|begun| Note {
            location: held.location.clone(),
            key: key.as_str().to_owned(),
            modified: held.modified.clone(),
            token: begun.token,
            part: begun.part,
        });
        let written = note.as_ref().is_none_or(|note| held.write(note).is_ok());
        *held.note() = note;
        written
    }
}
