//! A bare repository of our own, for work that the user's one is not to see.

use super::command::Git;
use super::repository::Repository;
use crate::error::{IoContext, Result};
use crate::oid::ObjectFormat;
use std::path::{Path, PathBuf};

impl Repository {
    /// Makes an empty bare repository in a folder that is there and empty. What the caller's
    /// git says about its own repository does not reach it. Two spawns.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if it cannot be made.
    pub async fn bare(git: &Git, folder: &Path, format: ObjectFormat) -> Result<Self> {
        let folder =
            std::fs::canonicalize(folder).during(|| format!("find {}", folder.display()))?;
        let git = git.clone().apart(&folder);
        let format = format!("--object-format={format}");
        // No template: no hooks, and nothing that a user put there.
        let args = ["init", "-q", "--bare", "--template=", &format];
        git.ok("make a repository to work in", args, Vec::new())
            .await?;
        Self::open(git).await
    }

    /// Lets git read the objects of another repository from here, too.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if that cannot be written down.
    pub fn borrow_from(&self, objects: &Path) -> Result<()> {
        let file: PathBuf = self.objects().join("info/alternates");
        let write = || {
            let mut line = std::fs::canonicalize(objects)?.into_os_string();
            line.push("\n");
            std::fs::create_dir_all(self.objects().join("info"))?;
            std::fs::write(&file, line.as_encoded_bytes())
        };
        write().during(|| format!("write {}", file.display()))
    }
}
