//! Where the local repository is, and what kind.

use super::command::Git;
use crate::error::{Error, ErrorKind, Result};
use crate::oid::{ObjectFormat, ObjectId};
use crate::refs::RefName;
use std::path::{Path, PathBuf};

/// The user's repository.
#[derive(Debug, Clone)]
pub struct Repository {
    pub(super) git: Git,
    objects: PathBuf,
    common: PathBuf,
    format: ObjectFormat,
    shallow: bool,
}

impl Repository {
    /// Asks git where it is. One spawn.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] outside a repository, or if git is too old.
    pub async fn open(git: Git) -> Result<Self> {
        let args = [
            "rev-parse",
            "--git-path",
            "objects",
            "--git-common-dir",
            "--show-object-format",
            "--is-shallow-repository",
        ];
        let out = git
            .ok("find the local repository", args, Vec::new())
            .await?;
        let lines: Vec<&[u8]> = out.split(|byte| *byte == b'\n').collect();
        let odd = || {
            Error::new(
                ErrorKind::Local,
                "cannot find the local repository: git rev-parse gave an unexpected answer",
            )
        };
        let [objects, common, format, shallow, ..] = lines[..] else {
            return Err(odd());
        };
        let format = std::str::from_utf8(format).map_err(|_| odd())?.parse()?;
        let base = git.folder().cloned().unwrap_or_default();
        Ok(Self {
            objects: base.join(path(objects)),
            common: base.join(path(common)),
            git,
            format,
            shallow: shallow == b"true",
        })
    }

    /// Where its objects lie.
    pub fn objects(&self) -> &Path {
        &self.objects
    }

    /// Its git directory, the one that all worktrees share.
    pub fn common_dir(&self) -> &Path {
        &self.common
    }

    /// The hash of its object ids.
    pub fn format(&self) -> ObjectFormat {
        self.format
    }

    /// Whether part of its history was left behind on cloning.
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// The commits at which a shallow history ends. Reads the file that git itself keeps.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if it cannot be read.
    pub async fn shallow_boundary(&self) -> Result<Vec<ObjectId>> {
        if !self.shallow {
            return Ok(Vec::new());
        }
        let out = self
            .git
            .ok(
                "find the shallow file",
                ["rev-parse", "--git-path", "shallow"],
                Vec::new(),
            )
            .await?;
        let file = self
            .git
            .folder()
            .cloned()
            .unwrap_or_default()
            .join(path(out.trim_ascii_end()));
        let text = std::fs::read(&file).map_err(|error| {
            Error::new(
                ErrorKind::Local,
                format!("cannot read {}: {error}", file.display()),
            )
            .with_source(error)
        })?;
        Ok(text
            .split(|byte| *byte == b'\n')
            .filter_map(ObjectId::from_hex)
            .collect())
    }

    /// The branch that the local HEAD names, born or not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if git cannot be run.
    pub async fn head(&self) -> Result<Option<RefName>> {
        let output = self
            .git
            .run(["symbolic-ref", "-q", "HEAD"], Vec::new())
            .await?;
        Ok(RefName::new(output.stdout.trim_ascii_end())
            .ok()
            .filter(RefName::is_branch))
    }

    /// Who commits here: `Name <mail>`; a stand-in where git knows nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if git cannot be run.
    pub async fn committer(&self) -> Result<String> {
        committer(&self.git).await
    }
}

/// Who commits: `Name <mail>`, without the time that git adds.
async fn committer(git: &Git) -> Result<String> {
    let output = git.run(["var", "GIT_COMMITTER_IDENT"], Vec::new()).await?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(match text.rfind('>') {
        Some(end) if output.status.success() => text[..=end].to_owned(),
        _ => "unknown <unknown>".to_owned(),
    })
}

impl Git {
    /// Who commits, by this git's configuration; needs no repository.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if git cannot be run.
    pub async fn committer(&self) -> Result<String> {
        committer(self).await
    }
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}
