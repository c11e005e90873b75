//! A folder for files on their way, beside the objects, gone when it is dropped.

use super::repository::Repository;
use crate::error::{IoContext, Result};
use crate::ids::Ids;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// How the name of every spool starts. That of git's own begins alike, so that `git prune`
/// clears what a killed process left behind.
pub(crate) const PREFIX: &str = "tmp_objdir-pail-";

/// A folder for files on their way: out to the bucket, or in, where it is a quarantine as
/// git's own receive-pack has one.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
}

impl Spool {
    /// Makes an empty folder in the object directory of a repository.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if it cannot be made.
    pub fn new(repository: &Repository, ids: &dyn Ids) -> Result<Self> {
        let path = repository.objects().join(format!("{PREFIX}{}", ids.hex()?));
        // Absolute, because git may run in another folder than we do.
        let path = std::fs::create_dir(&path)
            .and_then(|()| std::fs::canonicalize(&path))
            .during(|| format!("make the folder {}", path.display()))?;
        let spool = Self { path };
        spool.borrow_from(repository)?;
        Ok(spool)
    }

    /// Lets git read the repository's objects from here, too, when this is its object
    /// directory. A file says so, because a path in the environment would need quoting.
    fn borrow_from(&self, repository: &Repository) -> Result<()> {
        let file = self.path.join("info/alternates");
        let write = || {
            // The folder may be named relative to the current one; alternates may not.
            let mut objects = std::fs::canonicalize(repository.objects())?.into_os_string();
            objects.push("\n");
            std::fs::create_dir(self.path.join("info"))?;
            std::fs::write(&file, objects.as_encoded_bytes())
        };
        write().during(|| format!("write {}", file.display()))
    }

    /// Lets a git write here what it would write among the objects, temporary files too: a
    /// git that fails or is killed removes nothing itself.
    pub(super) fn shelter(&self, command: &mut Command) {
        command.env("GIT_OBJECT_DIRECTORY", &self.path);
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // Git's own packs are read-only files; removing them needs no right but the
        // folder's. A git that was killed a moment ago may still make a last file.
        for _ in 0..10 {
            match std::fs::remove_dir_all(&self.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => std::thread::yield_now(),
                _ => break,
            }
        }
    }
}
