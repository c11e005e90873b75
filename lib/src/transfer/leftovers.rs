//! What dead transfers left: found, shown, removed. For `git pail doctor`.
//!
//! On this machine: packs that wait for the next push ([`uploads`]), folders of work that
//! nobody ended ([`spools`]), marks that keep packs from being packed anew ([`keeps`]), and
//! packs that came in part and wait for the next fetch or clone ([`downloads`]). In the bucket: uploads
//! that were begun and not ended, which [`Store::unfinished`] lists and [`Store::abandon`]
//! removes; [`waiting`] says which of them a repository on this machine would take up again.
//!
//! [`Store::unfinished`]: crate::store::Store::unfinished
//! [`Store::abandon`]: crate::store::Store::abandon

use super::arrivals;
use super::kept::{self, Resting};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::local::{KEEP_MARK, Repository, SPOOL_PREFIX};
use crate::store::Store;
use crate::transaction::Cache;
use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A mark of ours is no longer than this, in bytes.
const KEEP_BYTES: u64 = 64;

/// A pack of a push that died, which the same push would take up again.
#[derive(Debug)]
pub struct Upload {
    resting: Resting,
}

impl Upload {
    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.resting.folder
    }

    /// Bytes on the disk.
    pub fn bytes(&self) -> u64 {
        self.resting.bytes
    }

    /// When the push was made, in seconds since 1970; 0 if that is not known.
    pub fn made(&self) -> i64 {
        self.resting.made
    }

    /// The bucket that it was for, as [`Store::describe`] says
    /// it; `None` if it is broken, and no push will take it up.
    pub fn location(&self) -> Option<&str> {
        self.resting.location.as_deref()
    }

    /// How many uploads of it were begun in its bucket and not ended.
    pub fn begun(&self) -> usize {
        self.resting.uploads().len()
    }

    /// Throws it away; the uploads that were begun of it first, if it was for this bucket. One
    /// request for each. Answers how many those were.
    ///
    /// # Errors
    ///
    /// Those of [`Store::abandon`], with the pack kept; [`ErrorKind::Local`] if it cannot be
    /// removed.
    pub async fn throw_away(self, store: &dyn Store) -> Result<u64> {
        let mut count = 0;
        if self.location() == Some(&*store.describe()) {
            for (key, token) in self.resting.uploads() {
                store.abandon(&key, &token).await?;
                count += 1;
            }
        }
        let folder = self.folder().to_owned();
        self.resting.remove();
        gone(&folder)?;
        Ok(count)
    }
}

/// The packs of dead pushes of this repository. No request; those on which a push is at work
/// are not among them, and stay locked against pushes while the answer is held.
pub fn uploads(repository: &Repository) -> Vec<Upload> {
    let resting = kept::resting(&kept::shelf_of(repository));
    resting
        .into_iter()
        .map(|resting| Upload { resting })
        .collect()
}

/// Key and token of the uploads in a bucket that a push from this repository would take up
/// again: to throw those away costs it what has moved, and nothing else.
pub fn waiting(repository: &Repository, location: &str) -> BTreeSet<(String, String)> {
    let here = |upload: &Upload| upload.location() == Some(location);
    let uploads = uploads(repository).into_iter().filter(here);
    uploads
        .flat_map(|upload| upload.resting.uploads())
        .collect()
}

/// A folder of files on their way in or out, see [`Spool`](crate::local::Spool).
#[derive(Debug)]
pub struct Spooled {
    folder: PathBuf,
    bytes: u64,
    modified: i64,
}

impl Spooled {
    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes of its files.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When anything in it was last written, in seconds since 1970.
    pub fn modified(&self) -> i64 {
        self.modified
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if it cannot be removed.
    pub fn remove(self) -> Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .during(|| format!("remove {}", self.folder.display()))
    }
}

/// The spools of a repository, those of transfers under way too: these are told by their
/// age alone. No request.
pub fn spools(repository: &Repository) -> Vec<Spooled> {
    let entries = fs::read_dir(repository.objects()).into_iter().flatten();
    let named = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        name.to_str()
            .is_some_and(|name| name.starts_with(SPOOL_PREFIX))
    };
    let folders = entries.flatten().filter(named).map(|entry| entry.path());
    folders.filter_map(spooled).collect()
}

/// A mark beside a pack that a fetch has brought, which `git repack` heeds. Git takes it away
/// when the fetch has moved its refs; one that was killed leaves it.
#[derive(Debug)]
pub struct Keep {
    file: PathBuf,
    modified: i64,
}

impl Keep {
    /// Its file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// When it was made, in seconds since 1970.
    pub fn modified(&self) -> i64 {
        self.modified
    }

    /// Removes it; the pack stays.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if it cannot be removed.
    pub fn remove(self) -> Result<()> {
        let _ = fs::remove_file(&self.file);
        gone(&self.file)
    }
}

/// The marks of ours in a repository, those of fetches under way too: these are told by their
/// age alone. Those of others stay. No request.
pub fn keeps(repository: &Repository) -> Vec<Keep> {
    let folder = repository.objects().join("pack");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let keep = |entry: fs::DirEntry| {
        let file = entry.path();
        let metadata = entry.metadata().ok()?;
        let is_keep = file.extension().is_some_and(|ending| ending == "keep");
        // It holds one line of ours, or whatever somebody else wrote.
        if !is_keep || metadata.len() > KEEP_BYTES {
            return None;
        }
        let text = fs::read(&file).ok()?;
        let modified = written(&metadata);
        text.starts_with(KEEP_MARK.as_bytes())
            .then_some(Keep { file, modified })
    };
    entries.filter_map(keep).collect()
}

/// Looks at a folder and everything in it; `None` if it is not there.
pub(crate) fn measured(folder: &Path) -> Option<Spooled> {
    spooled(folder.to_owned())
}

/// Looks at everything in a spool; `None` if it has just gone.
fn spooled(folder: PathBuf) -> Option<Spooled> {
    let own = fs::symlink_metadata(&folder).ok()?;
    let (mut bytes, mut modified) = (0_u64, written(&own));
    let mut folders = vec![folder.clone()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries {
            // A link is not followed.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            modified = modified.max(written(&metadata));
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes = bytes.saturating_add(metadata.len());
            }
        }
    }
    Some(Spooled {
        folder,
        bytes,
        modified,
    })
}

fn written(metadata: &Metadata) -> i64 {
    let time = metadata.modified().ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

/// Makes sure that something was removed.
fn gone(path: &Path) -> Result<()> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    let message = format!("cannot remove {}", path.display());
    Err(Error::new(ErrorKind::Local, message).with_hint("remove it by hand"))
}

/// A pack that came in part, and of which the next fetch or clone asks for the rest.
#[derive(Debug)]
pub struct Download {
    left: arrivals::Left,
}

impl Download {
    /// Its file.
    pub fn file(&self) -> &Path {
        &self.left.pack
    }

    /// Bytes on the disk.
    pub fn bytes(&self) -> u64 {
        self.left.bytes
    }

    /// When its last byte came, in seconds since 1970.
    pub fn modified(&self) -> i64 {
        self.left.modified
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if it cannot be removed.
    pub fn remove(self) -> Result<()> {
        let file = self.file().to_owned();
        self.left.remove();
        gone(&file)
    }
}

/// The downloads in a cache that were cut off, of all repositories. No request; those under
/// way are not among them.
pub fn downloads(cache: &Cache) -> Vec<Download> {
    let folder = cache.folder().map(|folder| folder.join(arrivals::FOLDER));
    let left = folder.map(|folder| arrivals::left(&folder));
    let left = left.unwrap_or_default().into_iter();
    left.map(|left| Download { left }).collect()
}
