//! An object in.

use super::folder::Folder;
use super::object::Object;
use super::sum::Checked;
use crate::error::{ErrorKind, Result};
use crate::key::Key;
use crate::progress::{Phase, Progress};
use crate::store::{Journal, Limits, Store, upload_noting};
use std::path::Path;

/// How an object got there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It was sent.
    Uploaded,
    /// It was there, or somebody else has sent it at the same time.
    Present,
}

/// Uploads an object from a file, unless the bucket has it.
///
/// Costs one HEAD if it is there; else one PUT more, or where it has more than `limits.part`
/// bytes one request for each of its parts and two. What is there with another size is
/// broken, and is replaced. A large upload that dies is taken up again by the next one that
/// has the same folder.
///
/// # Errors
///
/// [`ErrorKind::Local`] if the file is not the object: nothing of it is seen in the bucket
/// then. Those of the store.
pub async fn put(
    store: &dyn Store,
    object: &Object,
    file: &Path,
    limits: Limits,
    progress: &dyn Progress,
    folder: &Folder,
) -> Result<Sent> {
    let key = object.oid.key()?;
    progress.begin(Phase::Upload, object.size);
    let sent = if is_there(store, &key, object).await? {
        Sent::Present
    } else {
        send(store, (object, &key), file, limits, progress, folder).await?
    };
    progress.end(Phase::Upload);
    Ok(sent)
}

async fn send(
    store: &dyn Store,
    (object, key): (&Object, &Key),
    file: &Path,
    limits: Limits,
    progress: &dyn Progress,
    folder: &Folder,
) -> Result<Sent> {
    let source = Checked::open(file, object)?;
    let journal = folder.journal(store, key, object.size > limits.part, file);
    match upload_noting(store, key, &source, limits, progress, &journal).await {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::Local | ErrorKind::Denied) => {
            return Err(error);
        }
        // Where two uploads of one file do not stand apart, one of them fails.
        Err(error) => {
            if !is_there(store, key, object).await.unwrap_or(false) {
                return Err(error);
            }
            journal.note(key, None);
            return Ok(Sent::Present);
        }
    }
    journal.note(key, None);
    Ok(Sent::Uploaded)
}

/// Whether the bucket has the object, as far as its size tells. One HEAD.
async fn is_there(store: &dyn Store, key: &Key, object: &Object) -> Result<bool> {
    match store.head(key).await {
        Ok(found) => Ok(found.is_some_and(|info| info.size == object.size)),
        // S3 says so of a file that is not there, too, if it must not tell which are.
        Err(error) if error.kind() == ErrorKind::Denied => Ok(false),
        Err(error) => Err(error.context(format_args!("cannot look for {key}"))),
    }
}
