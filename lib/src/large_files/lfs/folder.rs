//! Where objects land on this machine, and what is kept of transfers that died.
//!
//! `<oid>` is a download that has come as far as it is long; whoever works on it holds a lock
//! on it. `<oid>-<chance>` is one that is not kept, or whole and on its way to the caller.
//! `<hash>.json` and `.lock` are of uploads, see `large_files/journal.rs`. All may be removed when no
//! transfer is under way.

use super::object::Object;
use crate::clock::Clock;
use crate::error::{IoContext, Result};
use crate::ids::Ids;
use crate::key::Key;
use crate::large_files::journal::Noted;
use crate::large_files::leftovers;
use crate::store::{Keep, Limits, Store, lock_kept, read_kept};
use bytes::Bytes;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder of ours, on the file system on which the objects shall end up.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    ids: Arc<dyn Ids>,
    clock: Arc<dyn Clock>,
}

impl Folder {
    /// A folder that is made when it is first needed.
    pub fn new(path: impl Into<PathBuf>, ids: Arc<dyn Ids>, clock: Arc<dyn Clock>) -> Self {
        Self {
            path: path.into(),
            ids,
            clock,
        }
    }

    /// Where how an upload was begun is written down, if it is worth that.
    pub(super) fn journal(&self, store: &dyn Store, key: &Key, worth: bool, file: &Path) -> Noted {
        if !worth || fs::create_dir_all(&self.path).is_err() {
            return Noted::default();
        }
        leftovers::tidy(&self.path, &*self.clock);
        Noted::open(&self.path, &store.describe(), key, file)
    }

    /// Where an object lands: beyond one part, in a file that outlives this process.
    pub(super) fn landing(&self, object: &Object, limits: Limits) -> Result<Landing> {
        fs::create_dir_all(&self.path).during(|| format!("make {}", self.path.display()))?;
        let passing = self
            .path
            .join(format!("{}-{}", object.oid, self.ids.hex()?));
        let kept = if object.size > limits.part {
            leftovers::tidy(&self.path, &*self.clock);
            take_up(&self.path.join(object.oid.as_str()), object.size).ok()
        } else {
            None
        };
        Ok(match kept {
            Some((path, file, kept)) => Landing {
                path,
                passing,
                kept,
                file: Some(file),
            },
            None => Landing {
                path: passing.clone(),
                passing,
                kept: 0,
                file: None,
            },
        })
    }
}

/// Opens what has come of an object, and locks it. An error if somebody is at work on it.
fn take_up(path: &Path, size: u64) -> io::Result<(PathBuf, File, u64)> {
    let file = lock_kept(path)?;
    let mut kept = file.metadata()?.len();
    if kept > size {
        file.set_len(0)?;
        kept = 0;
    }
    Ok((path.to_owned(), file, kept))
}

/// A file that an object is being written to.
#[derive(Debug)]
pub(super) struct Landing {
    path: PathBuf,
    /// Its name on the way to the caller.
    passing: PathBuf,
    /// Bytes that had come before.
    kept: u64,
    /// Locked, if it outlives this process.
    file: Option<File>,
}

impl Landing {
    pub(super) fn kept(&self) -> u64 {
        self.kept
    }

    /// What is being done, for an error.
    pub(super) fn act(&self) -> String {
        format!("write {}", self.path.display())
    }

    /// The file, at its start.
    pub(super) fn writer(&self) -> io::Result<File> {
        match &self.file {
            Some(file) => file.try_clone(),
            None => File::create_new(&self.path),
        }
    }

    /// What had come before.
    pub(super) fn keep(&self) -> Before {
        let file = self.file.as_ref().filter(|_| self.kept > 0);
        Before {
            file: file.and_then(|_| File::open(&self.path).ok()),
            len: self.kept,
        }
    }

    /// What came is of no use.
    pub(super) fn throw_away(self) {
        let _ = fs::remove_file(&self.path);
    }

    /// The object is whole: from here on the file is the caller's alone.
    pub(super) fn hand_over(mut self) -> Result<PathBuf> {
        if self.path != self.passing {
            // Under its lock, so that nobody else opens what the caller will move.
            fs::rename(&self.path, &self.passing).during(|| self.act())?;
        }
        self.path.clear();
        Ok(std::mem::take(&mut self.passing))
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        // Only what a later run may go on with is worth its room.
        if self.file.is_none() && !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What had come of an object before.
#[derive(Debug)]
pub(super) struct Before {
    file: Option<File>,
    len: u64,
}

impl Before {
    fn read(&self, range: Range<u64>) -> io::Result<Vec<Bytes>> {
        let Some(mut file) = self.file.as_ref() else {
            return Ok(Vec::new());
        };
        read_kept(&mut file, range.start..self.len.min(range.end))
    }
}

impl Keep for Before {
    fn left(&self, _: usize, range: Range<u64>) -> Vec<Bytes> {
        self.read(range).unwrap_or_default()
    }

    // It is written in order by whoever hashes it.
    fn came(&self, _: usize, _: u64, _: &Bytes) {}
}
