//! Where a key lies on the disk.

use super::failure::{failed, is_absence};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use std::fs::{self, Metadata};
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Start of every name that is ours and no key's.
pub(super) const RESERVED: &str = ".pail-";

/// The folder that is the bucket.
#[derive(Debug, Clone)]
pub(super) struct Root(Arc<Path>);

impl Deref for Root {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Root {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path.into())
    }

    /// The path of a key.
    pub(super) fn path(&self, key: &Key) -> Result<PathBuf> {
        let text = key.as_str();
        let why = if text.is_empty() {
            "the empty key names the folder itself"
        } else if text.split('/').any(|part| part.starts_with(RESERVED)) {
            "names that begin with .pail- are kept for the lock and for temporary files"
        } else {
            return Ok(self.join(text));
        };
        Err(Error::new(
            ErrorKind::Invalid,
            format!("cannot use '{text}' in {}: {why}", self.display()),
        ))
    }

    /// Looks a key up without following symbolic links.
    pub(super) fn find(&self, key: &Key) -> Result<Option<(PathBuf, Metadata)>> {
        let path = self.path(key)?;
        match self.look(&path) {
            Ok(Some(found)) if found.is_file() => Ok(Some((path, found))),
            Ok(_) => Ok(None),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(failed(
                format_args!("look at {key} in {}", self.display()),
                error,
            )),
        }
    }

    /// What is at `path`, if only real folders lead there.
    fn look(&self, path: &Path) -> io::Result<Option<Metadata>> {
        for folder in self.folders(path) {
            if !fs::symlink_metadata(folder)?.is_dir() {
                return Ok(None);
            }
        }
        fs::symlink_metadata(path).map(Some)
    }

    /// The folders between the root and a path, outermost first, both left out.
    pub(super) fn folders<'a>(&self, path: &'a Path) -> Vec<&'a Path> {
        let mut folders: Vec<_> = path
            .ancestors()
            .skip(1)
            .take_while(|folder| *folder != &**self)
            .collect();
        folders.reverse();
        folders
    }
}
