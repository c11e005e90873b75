//! Copying by the kernel, which shares the blocks of the two files where the file system can.

use super::path::Root;
use super::write::{Staged, When};
use crate::error::Result;
use crate::key::Key;
use crate::store::{Copied, Put, Whereabouts};
use std::fs::File;
use std::io;
use std::path::PathBuf;

/// All folders are of one service.
const SERVICE: &str = "folder";

/// `None` for a folder whose path is no text.
pub(super) fn whereabouts(root: &Root, key: &Key) -> Option<Whereabouts> {
    Some(Whereabouts {
        service: SERVICE.to_owned(),
        bucket: root.to_str()?.to_owned(),
        name: key.as_str().to_owned(),
    })
}

/// Copies a file of another folder, or of this one.
pub(super) fn copy(root: &Root, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
    if from.service != SERVICE {
        return Ok(Copied::NotHere);
    }
    let there = Root::new(PathBuf::from(&from.bucket));
    let Some((path, _)) = there.find(&Key::new(from.name.as_str())?)? else {
        return Ok(Copied::NotHere);
    };
    let Ok(mut source) = File::open(path) else {
        return Ok(Copied::NotHere);
    };
    let mut staged = Staged::create(root, key)?;
    let copied = io::copy(&mut source, &mut staged.file).map_err(|error| staged.failed(error))?;
    if copied != size {
        return Ok(Copied::NotHere);
    }
    match staged.publish(root, None, &When::Always)? {
        Put::Written(_) => Ok(Copied::Done),
        Put::Lost => Ok(Copied::NotHere),
    }
}
