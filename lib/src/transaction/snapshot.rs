//! A manifest, its refs, and the version that it was read at.

use super::files::Cache;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::MAX_BYTES;
use crate::format::refs::{BaseTable, RefTable};
use crate::format::{Manifest, keys};
use crate::store::{Body, Got, Store, Version, Want};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

/// How often a manifest is asked for whose body was cut.
const MAX_TRIES: u32 = 3;

/// A repository as it was at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The version of the manifest file, to commit against.
    pub version: Version,
    /// The manifest.
    pub manifest: Manifest,
    /// All refs, the base table included.
    pub refs: RefTable,
}

impl Snapshot {
    /// Reads the newest manifest; `None` if there is no repository here.
    ///
    /// Costs one GET, conditional if `known` is given, and one more for a base ref table
    /// that neither `known` nor the cache has.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if a newer program has written here,
    /// [`ErrorKind::Corrupt`] if what is there is no manifest, and those of the store.
    pub async fn read(
        store: &dyn Store,
        cache: &Cache,
        known: Option<&Self>,
    ) -> Result<Option<Self>> {
        let want = Want {
            range: None,
            unless: known.map(|known| known.version.clone()),
        };
        let mut tries = 1;
        let (version, bytes) = loop {
            let got = store.get(&keys::manifest()?, want.clone()).await?;
            let body = match (got, known) {
                (Got::Found(body), _) => body,
                (Got::NotModified, Some(known)) => return Ok(Some(known.clone())),
                (Got::NotModified | Got::Missing, _) => return Ok(None),
            };
            let version = body.info.version.clone();
            match collect(body, MAX_BYTES, "the manifest").await {
                Ok(bytes) => break (version, bytes),
                // An answer that was cut: the store does not ask again once it has begun.
                Err(error) if error.kind() == ErrorKind::Unavailable && tries < MAX_TRIES => {
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        };
        let manifest = Manifest::decode(&bytes)?;
        let base = match (&manifest.base, known) {
            (None, _) => BaseTable::default(),
            (Some(table), Some(known)) if known.manifest.base.as_ref() == Some(table) => {
                known.refs.base.clone()
            }
            (Some(table), _) => {
                let packed = cache
                    .read(store, &keys::table(&table.id)?, table.size, &table.sha256)
                    .await?;
                BaseTable::decode(&packed, manifest.object_format)?
            }
        };
        let refs = RefTable {
            base,
            updates: manifest.updates.clone(),
        };
        Ok(Some(Self {
            version,
            manifest,
            refs,
        }))
    }
}

/// Reads a whole small file into memory.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if it is larger than `bound`, [`ErrorKind::Unavailable`] if it
/// ends before its size.
async fn collect(body: Body, bound: u64, what: &str) -> Result<Bytes> {
    let size = body.info.size;
    if size > bound {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!("cannot read {what}: it has {size} bytes, more than {bound}"),
        ));
    }
    let mut out = BytesMut::new();
    let mut bytes = body.bytes;
    while let Some(chunk) = bytes.next().await {
        out.extend_from_slice(&chunk?);
        if out.len() as u64 > size {
            break;
        }
    }
    if out.len() as u64 != size {
        let message = format!("cannot read {what}: {} of {size} bytes came", out.len());
        return Err(Error::new(ErrorKind::Unavailable, message));
    }
    Ok(out.freeze())
}
