//! Writing: a whole temporary file beside its place, then, under the lock, one rename.
//!
//! A crash before the rename leaves a temporary file that no listing shows and the next
//! large write into that folder sweeps away; a crash after it leaves the new content.

use super::failure::failed;
use super::lock::{self, Lock, TEMP};
use super::path::Root;
use super::read;
use super::version::{self, SMALL};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{Precondition, Put, Version};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

/// A [`Precondition`] that can go to another thread.
#[derive(Debug)]
pub(super) enum When {
    Always,
    Absent,
    Unchanged(Version),
}

impl From<Precondition<'_>> for When {
    fn from(when: Precondition<'_>) -> Self {
        match when {
            Precondition::Always => Self::Always,
            Precondition::Absent => Self::Absent,
            Precondition::Unchanged(version) => Self::Unchanged(version.clone()),
        }
    }
}

impl When {
    fn holds(&self, root: &Root, key: &Key) -> Result<bool> {
        Ok(match self {
            Self::Always => true,
            Self::Absent => root.find(key)?.is_none(),
            Self::Unchanged(expected) => {
                read::head(root, key)?.is_some_and(|now| now.version == *expected)
            }
        })
    }
}

/// Writes a small file whole, if the condition holds.
pub(super) fn put(root: &Root, key: &Key, body: &[u8], when: &When) -> Result<Put> {
    // Asked first without the lock: a race that is lost already need not sync a disk.
    if !when.holds(root, key)? {
        return Ok(Put::Lost);
    }
    let mut staged = Staged::create(root, key)?;
    staged
        .file
        .write_all(body)
        .map_err(|error| staged.failed(error))?;
    let content = (body.len() as u64 <= SMALL).then_some(body);
    staged.publish(root, content, when)
}

/// Deletes a file, and the folders that it leaves empty: a bucket has no folders.
pub(super) fn delete(root: &Root, key: &Key) -> Result<()> {
    let Some((path, _)) = root.find(key)? else {
        return Ok(());
    };
    let act = format!("delete {key} in {}", root.display());
    // Under the lock: it must not slip between another writer's look and its rename.
    let held = Lock::take(root)?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(act, error)),
        _ => {}
    }
    let mut left: &Path = root;
    for folder in root.folders(&path).into_iter().rev() {
        if fs::remove_dir(folder).is_err() {
            left = folder;
            break;
        }
    }
    drop(held);
    match sync_folder(left) {
        // Another deletion took the folder away meanwhile, and synced the one above.
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(act, error)),
        _ => Ok(()),
    }
}

/// A temporary file beside the place that it is for; gone when dropped unpublished.
#[derive(Debug)]
pub(super) struct Staged {
    /// Open and locked: whoever gets the lock knows that its writer is dead.
    pub(super) file: File,
    pub(super) path: PathBuf,
    key: Key,
    place: PathBuf,
    act: String,
    published: bool,
}

impl Staged {
    /// Creates an empty one, and the folders around it.
    pub(super) fn create(root: &Root, key: &Key) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // More than enough: each turn needs another process to do the wrong thing between
        // two of our calls.
        const TURNS: u32 = 1000;
        let place = root.path(key)?;
        let act = format!("write {key} in {}", root.display());
        let mut turn = 0;
        loop {
            turn += 1;
            make_folders(root, &place, key)?;
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{TEMP}{}-{number}", std::process::id());
            let path = place.with_file_name(name);
            let file = match File::create_new(&path) {
                // A dead process of our number left it, or a deletion took the folder.
                Err(error)
                    if turn < TURNS
                        && matches!(
                            error.kind(),
                            io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
                        ) =>
                {
                    continue;
                }
                file => file.map_err(|error| failed(&act, error))?,
            };
            share(root, &path);
            let staged = Self {
                file,
                path,
                key: key.clone(),
                place: place.clone(),
                act: act.clone(),
                published: false,
            };
            lock::hold(&staged.file).map_err(|error| lock::refused(&act, error))?;
            // A sweep may have taken it for a dead one before the lock was ours.
            if staged.path.exists() || turn == TURNS {
                return Ok(staged);
            }
        }
    }

    /// The error of writing this file.
    pub(super) fn failed(&self, error: io::Error) -> Error {
        failed(&self.act, error)
    }

    /// Gives the file its name, durably, if the condition holds. `content` is what was
    /// written, if it is small.
    pub(super) fn publish(
        mut self,
        root: &Root,
        content: Option<&[u8]>,
        when: &When,
    ) -> Result<Put> {
        self.file.sync_all().map_err(|error| self.failed(error))?;
        let mut held = Lock::take(root)?;
        if !when.holds(root, &self.key)? {
            return Ok(Put::Lost);
        }
        let version = self
            .stamp(&mut held, content)
            .map_err(|error| self.failed(error))?;
        // commit point: before it, readers see what was there; after it, all of ours.
        fs::rename(&self.path, &self.place)
            .map_err(|error| self.in_doubt(when, self.failed(error)))?;
        self.published = true;
        drop(held);
        // Readers see the file already. Whoever builds on it before this sync syncs the
        // same folder, and so makes it durable before anything is said of it.
        let folder = self.place.parent().unwrap_or(root);
        sync_folder(folder).map_err(|error| self.in_doubt(when, self.failed(error)))?;
        Ok(Put::Written(version))
    }

    fn stamp(&self, held: &mut Lock, content: Option<&[u8]>) -> io::Result<Version> {
        let now = version::modified(&self.file.metadata()?);
        let time = held.stamp(now)?;
        // Where the file system refuses, the content alone tells writes apart.
        let _ = self.file.set_modified(UNIX_EPOCH + time);
        Ok(version::of(&self.file.metadata()?, content))
    }

    /// A conditional rename that failed may have happened, on a network file system, and
    /// one that was not synced may be gone after a power cut.
    fn in_doubt(&self, when: &When, error: Error) -> Error {
        let sure = matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Denied);
        if sure || matches!(when, When::Always) {
            return error;
        }
        let doubt = Error::new(ErrorKind::InDoubt, error.to_string());
        match error.hint() {
            Some(hint) => doubt.with_hint(hint),
            None => doubt,
        }
        .with_source(error)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Once published, the temporary name may be another writer's: process numbers
        // repeat on the machines that share a disk.
        if !self.published {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Creates the root and the folders from it down to `place`, durably.
fn make_folders(root: &Root, place: &Path, key: &Key) -> Result<()> {
    let act = || format!("write {key} in {}", root.display());
    if make_folder(root, root).map_err(|error| no_root(root, error))?
        && let Some(around) = root.parent()
    {
        // Best effort: the folder around ours may be one that we can enter but not read.
        let _ = sync_folder(around);
    }
    for folder in root.folders(place) {
        match make_folder(root, folder) {
            Ok(true) => sync_folder(folder.parent().unwrap_or(root))
                .map_err(|error| failed(act(), error))?,
            Ok(false) => {}
            // A deletion took the folder above: the caller goes round again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(act(), error)),
        }
    }
    Ok(())
}

/// Creates one folder unless it is there; says whether it did.
fn make_folder(root: &Root, folder: &Path) -> io::Result<bool> {
    match fs::create_dir(folder) {
        Ok(()) => {
            share(root, folder);
            return Ok(true);
        }
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) => {}
    }
    // The root may be a link, but below it none is followed.
    let found = if folder == &**root {
        fs::metadata(folder)?
    } else {
        fs::symlink_metadata(folder)?
    };
    if found.is_dir() {
        Ok(false)
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

fn no_root(root: &Root, error: io::Error) -> Error {
    let act = format!("create the folder {}", root.display());
    match (error.kind(), root.parent()) {
        (io::ErrorKind::NotFound, Some(around)) => Error::new(
            ErrorKind::Missing,
            format!("cannot {act}: {} is not there", around.display()),
        )
        .with_hint("check the path for a typing error, or create that folder first")
        .with_source(error),
        _ => failed(act, error),
    }
}

/// Makes names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    match File::open(folder)?.sync_all() {
        // Some file systems have nothing to sync in a folder, and say so in this way.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}

/// Lets the group in on what is created, where it may write the root: a folder that a
/// team shares would otherwise belong to whoever pushed first. Nothing is worth failing for.
pub(super) fn share(root: &Root, path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    const GROUP_WRITES: u32 = 0o020;
    let (Ok(of_root), Ok(made)) = (fs::metadata(&**root), fs::metadata(path)) else {
        return;
    };
    let of_root = of_root.permissions().mode();
    let mode = made.permissions().mode();
    let wanted = match (of_root & GROUP_WRITES != 0, made.is_dir()) {
        (false, _) => mode,
        (true, true) => mode | (of_root & 0o2070),
        (true, false) => mode | 0o060,
    };
    if wanted != mode {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(wanted));
    }
}
