//! A download beside the file that git-annex looks at.
//!
//! With trees, git-annex reads along while the file grows. 10.20261026 then calls the content
//! wrong if our answer comes before it has read the last bytes, which a plain `cp` in our place
//! runs into as well. A file that appears whole it reads afterwards.

use pail::Error;
use pail::error::IoContext;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where a download goes until it ends.
#[derive(Debug)]
pub(super) struct Aside<'a> {
    file: &'a Path,
    part: PathBuf,
}

impl<'a> Aside<'a> {
    /// Takes what is there of the file already aside, too.
    pub(super) fn begin(file: &'a Path) -> Result<Self, Error> {
        let mut part = file.as_os_str().to_owned();
        part.push(".pail-part");
        let part = PathBuf::from(part);
        moved(file, &part)?;
        Ok(Self { file, part })
    }

    /// The file to write.
    pub(super) fn path(&self) -> &Path {
        &self.part
    }

    /// Gives the file its name, be it whole or the start that a later download goes on from.
    pub(super) fn end(self) -> Result<(), Error> {
        moved(&self.part, self.file)
    }
}

/// Renames a file, if it is there.
fn moved(from: &Path, to: &Path) -> Result<(), Error> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.during(|| format!("rename {} to {}", from.display(), to.display())),
    }
}
