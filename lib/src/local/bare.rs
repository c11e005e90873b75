//! A bare repository of our own, for work that the user's one is not to see.

use super::command::Git;
use super::pack_objects::SpooledPack;
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

    /// Lets git read no objects any more but those that are here.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if that cannot be written down.
    pub fn borrow_no_more(&self) -> Result<()> {
        let file: PathBuf = self.objects().join("info/alternates");
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            done => done.during(|| format!("remove {}", file.display())),
        }
    }

    /// Takes over a pack and its index that git has made elsewhere; they stay there, too.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if that cannot be written.
    pub fn adopt(&self, pack: &SpooledPack) -> Result<()> {
        let folder = self.objects().join("pack");
        for path in [&pack.pack, &pack.index] {
            // Git finds packs by the start of their names.
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let rest = name.rsplit('-').next().unwrap_or_default();
            let place = folder.join(format!("pack-{rest}"));
            // A copy: the original may be changed where it is.
            std::fs::copy(path, &place).during(|| format!("write {}", place.display()))?;
        }
        Ok(())
    }
}
