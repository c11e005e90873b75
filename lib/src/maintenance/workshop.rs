//! Where the work is done: a folder of our own on this machine, one worker at a time.

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::local::{Git, Repository};
use crate::oid::ObjectFormat;
use crate::transfer::leftovers::{self, Spooled};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

const WORK: &str = "work.git";
const SECOND: &str = "second.git";

/// The right to maintain one repository from this machine, and a folder to do it in.
///
/// The lock is the kernel's and ends with the process. What a killed worker left in the
/// folder goes when the next one begins.
#[derive(Debug)]
pub struct Workshop {
    folder: PathBuf,
    git: Git,
    lender: Option<Repository>,
    _lock: File,
}

/// Where the workshops lie, in the cache folder.
pub const WORKSHOPS: &str = "maintenance";

impl Workshop {
    /// Opens the workshop of a repository below `folder`; `None` if another process of this
    /// machine is at work there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the folder cannot be made or locked.
    pub fn open(folder: &Path, repository: &str, git: Git) -> Result<Option<Self>> {
        let folder = folder.join(repository);
        let act = || format!("use the folder {}", folder.display());
        std::fs::create_dir_all(&folder).during(act)?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let lock = options.open(folder.join("lock")).during(act)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                let message = format!("cannot lock {}: {error}", folder.display());
                return Err(Error::new(ErrorKind::Local, message).with_source(error));
            }
        }
        let workshop = Self {
            folder,
            git,
            lender: None,
            _lock: lock,
        };
        workshop.clear()?;
        Ok(Some(workshop))
    }

    /// Takes from this repository what is there, rather than to download it.
    #[must_use]
    pub fn lent_by(mut self, lender: Option<Repository>) -> Self {
        self.lender = lender;
        self
    }

    /// Who lends.
    pub(super) fn lender(&self) -> Option<&Repository> {
        self.lender.as_ref()
    }

    /// An empty bare repository. The one before it is gone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if it cannot be made.
    pub(super) async fn repository(&self, format: ObjectFormat) -> Result<Repository> {
        self.clear()?;
        self.make(WORK, format).await
    }

    /// Another one, beside the first.
    ///
    /// # Errors
    ///
    /// As [`Workshop::repository`].
    pub(super) async fn second(&self, format: ObjectFormat) -> Result<Repository> {
        self.make(SECOND, format).await
    }

    async fn make(&self, name: &str, format: ObjectFormat) -> Result<Repository> {
        let path = self.folder.join(name);
        std::fs::create_dir(&path).during(|| format!("make the folder {}", path.display()))?;
        Repository::bare(&self.git, &path, format).await
    }

    /// What killed workers left below `folder`, unless somebody is at work there again. No
    /// request.
    pub(super) fn left(folder: &Path) -> Vec<Spooled> {
        let shops = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let idle = |shop: &PathBuf| {
            let lock = File::open(shop.join("lock"));
            lock.is_ok_and(|lock| lock.try_lock().is_ok())
        };
        let shops = shops.map(|entry| entry.path()).filter(idle);
        shops
            .flat_map(|shop| [WORK, SECOND].map(|name| shop.join(name)))
            .filter_map(|work| leftovers::measured(&work))
            .collect()
    }

    fn clear(&self) -> Result<()> {
        for name in [WORK, SECOND] {
            let path = self.folder.join(name);
            match std::fs::remove_dir_all(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    let message = format!("cannot remove {}: {error}", path.display());
                    return Err(Error::new(ErrorKind::Local, message).with_source(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // What stays goes when the next one begins.
        let _ = self.clear();
    }
}
