//! Objects out of a quarantine into the object database.

use std::fs;
use std::io;
use std::path::Path;

/// Moves packs and loose objects from one object directory into another one beside it.
///
/// An index comes after its pack, because git takes a pack for present when it finds the
/// index, and a `.keep` comes before both, so that no concurrent repack removes the pack.
/// What is there already stays.
///
/// # Errors
///
/// If a file cannot be moved; what was moved before is complete and harmless.
pub(super) fn migrate(from: &Path, to: &Path) -> io::Result<()> {
    for folder in fs::read_dir(from)? {
        let folder = folder?;
        let name = folder.file_name();
        let loose = name.len() == 2;
        if !folder.file_type()?.is_dir() || !(loose || name == "pack") {
            continue;
        }
        let mut files = fs::read_dir(folder.path())?.collect::<io::Result<Vec<_>>>()?;
        files.sort_by_key(|file| rank(&file.path()));
        let place = to.join(&name);
        if !files.is_empty() {
            fs::create_dir_all(&place)?;
        }
        for file in files {
            let target = place.join(file.file_name());
            if loose && target.exists() {
                continue;
            }
            fs::rename(file.path(), target)?;
        }
    }
    Ok(())
}

fn rank(path: &Path) -> u8 {
    match path.extension().and_then(|kind| kind.to_str()) {
        Some("keep") => 0,
        Some("idx") => 2,
        _ => 1,
    }
}
