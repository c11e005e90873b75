//! The mark by which two remotes do not use the same place by mistake.

use super::name::to_key;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{Got, Precondition, Put, Store, Want};
use bytes::Bytes;
use futures_util::TryStreamExt;

/// The name of the file that holds the uuid of the remote, as git-annex's S3 remote has it.
pub const MARKER: &str = "annex-uuid";

/// How a place was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It bore our mark already.
    Ours,
    /// It bears it now.
    New,
}

/// Marks a place as that of the remote with this uuid, and reads the mark back: a server
/// that says yes to everything is found out here. One request, or three.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if it is another remote's; [`ErrorKind::Corrupt`] if the mark does
/// not come back; those of the store.
pub async fn claim(store: &dyn Store, prefix: &str, uuid: &str) -> Result<Claimed> {
    let key = to_key(prefix, MARKER.as_bytes())?;
    match read(store, &key).await {
        Ok(Some(found)) => {
            same(store, &found, uuid)?;
            return Ok(Claimed::Ours);
        }
        Ok(None) => {}
        // A policy without the right to list says that of what is absent, too.
        Err(error) if error.kind() == ErrorKind::Denied => {}
        Err(error) => return Err(error),
    }
    let body = Bytes::copy_from_slice(uuid.as_bytes());
    let put = match store.put(&key, body.clone(), Precondition::Absent).await {
        // A store without conditions: what was there has been looked at.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Invalid) => {
            store.put(&key, body, Precondition::Always).await?
        }
        // Reading back tells.
        Err(error) if error.kind() == ErrorKind::InDoubt => Put::Lost,
        put => put?,
    };
    match (put, read(store, &key).await?) {
        (_, Some(found)) if found == uuid.as_bytes() => Ok(Claimed::New),
        (Put::Lost, Some(found)) => same(store, &found, uuid).map(|()| Claimed::Ours),
        (_, _) => {
            let place = store.describe();
            let why = format!("cannot use {place}: what is written there does not come back");
            Err(Error::new(ErrorKind::Corrupt, why)
                .with_hint("is this the address of a storage service? A web page may answer there"))
        }
    }
}

/// Reads the mark; only its start, whatever lies there.
async fn read(store: &dyn Store, key: &Key) -> Result<Option<Vec<u8>>> {
    /// Longer than any uuid.
    const MOST: usize = 256;
    let Got::Found(mut body) = store.get(key, Want::all()).await? else {
        return Ok(None);
    };
    let mut out = Vec::new();
    while let Some(chunk) = body.bytes.try_next().await? {
        out.extend_from_slice(&chunk);
        if out.len() > MOST {
            out.truncate(MOST);
            break;
        }
    }
    Ok(Some(out.trim_ascii_end().to_vec()))
}

fn same(store: &dyn Store, found: &[u8], uuid: &str) -> Result<()> {
    if found == uuid.as_bytes() {
        return Ok(());
    }
    let place = store.describe();
    let uuid_like = found.len() == 36 && found.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    let text = String::from_utf8_lossy(found);
    let (why, hint) = if uuid_like {
        (
            format!("it belongs to the special remote with the uuid {text}"),
            "choose another fileprefix=, or give the existing remote a second name with --sameas",
        )
    } else {
        (
            format!("its file {MARKER} holds something that is no uuid"),
            "is this the address of a storage service? A web page may answer there",
        )
    };
    Err(Error::new(ErrorKind::Invalid, format!("cannot use {place}: {why}")).with_hint(hint))
}
