//! The manifest: read strictly; where that fails, for the names of its refs.

use super::Report;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{self, MAX_BYTES};
use crate::format::{Manifest, keys, names};
use crate::maintenance::{Finding, Severity};
use crate::refs::RefName;
use crate::store::{Got, Version, Want};
use crate::transfer::Context;
use bytes::BytesMut;
use futures_util::StreamExt;
use serde_json::Value;

/// How often a manifest is asked for whose body was cut.
const MAX_TRIES: u32 = 3;

/// What lies where the manifest should.
#[derive(Debug)]
pub(super) enum Root {
    /// Nothing.
    None,
    /// A sound manifest, and its version.
    Sound(Box<Manifest>, Version),
    /// Something else: the finding is in the report.
    Broken,
}

/// Reads it. One GET.
pub(super) async fn read(context: &Context, report: &mut Report) -> Result<Root> {
    let Some((bytes, version)) = bytes(context).await? else {
        return Ok(Root::None);
    };
    match Manifest::decode(&bytes) {
        Ok(manifest) => Ok(Root::Sound(Box::new(manifest), version)),
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            report.findings.push(
                Finding::new(Severity::Error, "manifest", keys::MANIFEST, error.to_string())
                    .with_mend("restore an older version of this file, from a backup or the versions that the bucket keeps, or push everything again from a complete clone, into an empty prefix"),
            );
            // Nobody can read the repository: every ref is hurt, as far as they are told.
            report.hurt = names_in(&bytes);
            report.certain = true;
            Ok(Root::Broken)
        }
        Err(error) => Err(error),
    }
}

async fn bytes(context: &Context) -> Result<Option<(Vec<u8>, Version)>> {
    let mut tries = 1;
    loop {
        let body = match context.store.get(&keys::manifest()?, Want::all()).await? {
            Got::Found(body) => body,
            Got::Missing | Got::NotModified => return Ok(None),
        };
        let (info, mut out) = (body.info, BytesMut::new());
        if info.size > MAX_BYTES {
            let message = format!(
                "cannot read the manifest: it has {} bytes, more than {MAX_BYTES}",
                info.size
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        let mut chunks = body.bytes;
        let mut failed = None;
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(chunk) => out.extend_from_slice(&chunk),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if failed.is_none() && out.len() as u64 == info.size {
            return Ok(Some((out.to_vec(), info.version)));
        }
        if tries == MAX_TRIES {
            let cut = || Error::new(ErrorKind::Unavailable, "the answer was cut");
            return Err(failed
                .unwrap_or_else(cut)
                .context("cannot read the manifest"));
        }
        tries += 1;
    }
}

/// The refs that a broken manifest names, as far as its JSON can be read.
fn names_in(bytes: &[u8]) -> std::collections::BTreeSet<RefName> {
    let text = manifest::text(bytes).unwrap_or_default();
    let json: Value = serde_json::from_slice(&text).unwrap_or_default();
    let updates = json["refs"]["updates"].as_object();
    let names = updates.into_iter().flatten();
    names
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(name, _)| RefName::new(names::decode(name)?).ok())
        .collect()
}
