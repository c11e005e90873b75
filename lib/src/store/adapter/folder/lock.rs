//! One writer at a time, between threads and between processes.
//!
//! The lock is the kernel's and ends with the process that holds it, so a crash leaves
//! nothing to break. Ways without a lock lose updates (measured: hard links to numbered
//! names lose 4 of 400, compare and rename loses 11 to 94).

use super::failure::failed;
use super::path::{RESERVED, Root};
use super::write::share;
use crate::error::{Error, ErrorKind, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

/// The right to change names below a root, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Waits for the lock of an existing root.
    pub(super) fn take(root: &Root) -> Result<Self> {
        let path = root.join(format!("{RESERVED}lock"));
        let act = format!("lock {}", root.display());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failed(&act, error))?;
        share(root, &path);
        hold(&file).map_err(|error| refused(&act, error))?;
        Ok(Self { file })
    }

    /// A time that no write below this root had before: `now`, or just past the last one.
    ///
    /// The last one is not synced: after a power cut the clock has moved on by itself. One
    /// that lies a day ahead is forgotten, because a clock that was wrong once would
    /// otherwise date every later file.
    pub(super) fn stamp(&mut self, now: Duration) -> io::Result<Duration> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let mut text = String::new();
        self.file.rewind()?;
        // Whatever else stands there counts as nothing.
        let _ = Read::by_ref(&mut self.file)
            .take(64)
            .read_to_string(&mut text);
        let last = text
            .trim()
            .parse()
            .map_or(Duration::ZERO, Duration::from_nanos);
        let next = if last > now + DAY {
            now
        } else {
            now.max(last + Duration::from_nanos(1))
        };
        self.file.rewind()?;
        writeln!(self.file, "{:020}", next.as_nanos())?;
        Ok(next)
    }
}

/// Waits until this handle holds the lock on its file.
pub(super) fn hold(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// The error of a file system that cannot lock.
pub(super) fn refused(act: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Unsupported, format!("cannot {act}: {error}"))
        .with_source(error)
        .with_hint(
            "the file system has no file locks, without which two writers lose each other's \
             work; NFS needs version 4 or a running lock service, and no `nolock`",
        )
}

/// Removes the temporary files that dead writers left in a folder.
///
/// A living writer holds a lock on its temporary file, so no clock is asked. Nothing here
/// is worth failing for.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = folder.read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(TEMP))
            && let Ok(file) = File::options().write(true).open(entry.path())
        {
            match file.try_lock() {
                Ok(()) => {
                    let _ = std::fs::remove_file(entry.path());
                }
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
            }
        }
    }
}

/// Start of the names of temporary files.
pub(super) const TEMP: &str = ".pail-tmp-";
