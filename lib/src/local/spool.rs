//! A folder for files on their way, beside the objects, gone when it is dropped.

use super::repository::Repository;
use crate::error::{IoContext, Result};
use crate::ids::Ids;
use std::path::{Path, PathBuf};

/// A folder for files on their way.
///
/// Its name starts with `tmp_objdir-`, so that `git prune` clears what a killed process
/// left behind.
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
        let path = repository
            .objects()
            .join(format!("tmp_objdir-pail-{}", ids.hex()?));
        // Absolute, because git may run in another folder than we do.
        let path = std::fs::create_dir(&path)
            .and_then(|()| std::fs::canonicalize(&path))
            .during(|| format!("make the folder {}", path.display()))?;
        Ok(Self { path })
    }

    /// Lets git read the repository's objects from here, too, when this is its object
    /// directory. A file says so, because a path in the environment would need quoting.
    pub(super) fn borrow_from(&self, repository: &Repository) -> Result<()> {
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // Git's own packs are read-only files; removing them needs no right but the folder's.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
