//! Temporary files that dead writers left: found, and removed.

use super::failure::{failed, is_absence};
use super::lock::TEMP;
use super::path::{RESERVED, Root};
use super::version;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Unfinished;
use std::fs::{self, DirEntry, File};
use std::io;
use std::path::Path;

/// The temporary files of dead writers whose path below the root starts with `prefix`. A
/// living writer holds a lock on its own.
pub(super) fn list(root: &Root, prefix: &str) -> Result<Vec<Unfinished>> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        match look(root, &folder, prefix, &mut folders, &mut found) {
            // Deleted since its name was read, or the root of a bucket that nobody wrote yet.
            Err(error) if !is_absence(&error) => {
                let act = format!("list {}", root.join(folder).display());
                return Err(failed(act, error));
            }
            _ => {}
        }
    }
    Ok(found)
}

fn look(
    root: &Root,
    folder: &str,
    prefix: &str,
    folders: &mut Vec<String>,
    found: &mut Vec<Unfinished>,
) -> io::Result<()> {
    for entry in root.join(folder).read_dir()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let key = format!("{folder}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !name.starts_with(RESERVED) {
            let inside = key + "/";
            if inside.starts_with(prefix) || prefix.starts_with(&inside) {
                folders.push(inside);
            }
        } else if kind.is_file() && name.starts_with(TEMP) && key.starts_with(prefix) {
            found.extend(dead(&entry, key, name));
        }
    }
    Ok(())
}

/// What a dead writer left; nothing if it lives, or has just ended.
fn dead(entry: &DirEntry, key: String, token: String) -> Option<Unfinished> {
    let file = File::options().write(true).open(entry.path()).ok()?;
    file.try_lock().ok()?;
    let metadata = file.metadata().ok()?;
    let started = version::modified(&metadata).as_secs();
    Some(Unfinished {
        key,
        token,
        started: i64::try_from(started).unwrap_or(i64::MAX),
        size: Some(metadata.len()),
    })
}

/// Removes one of them.
pub(super) fn abandon(root: &Root, key: &str, token: &str) -> Result<()> {
    let act = format!("remove {key} in {}", root.display());
    let folder = match key.rsplit_once('/') {
        Some((folder, name)) if name == token => folder,
        None if key == token => "",
        _ => return Ok(()),
    };
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    if !token.starts_with(TEMP) || !(folder.is_empty() || folder.split('/').all(plain)) {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("cannot {act}: it is no temporary file of ours"),
        ));
    }
    // Links are not followed, so that no name reaches outside.
    let path = root.join(key);
    let real = |folder: &&Path| fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir());
    if !root.folders(&path).iter().all(real) {
        return Ok(());
    }
    match fs::remove_file(&path) {
        Err(error) if !is_absence(&error) => Err(failed(act, error)),
        _ => Ok(()),
    }
}
