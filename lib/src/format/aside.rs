//! The list of packs that lies aside: JSON lines packed with zstd, an element of `packs` each.

use super::manifest::{Manifest, PackEntry, decode_pack, encode_pack, pack_fault};
use super::{corrupt, lines};
use crate::error::Result;

const WHAT: &str = "the list of packs that lies aside";

/// Writes it.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if packing fails.
pub fn encode(packs: &[PackEntry]) -> Result<Vec<u8>> {
    lines::pack(WHAT, packs.iter().map(encode_pack))
}

/// Reads the one that this manifest names.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if it is not zstd, too large, holds no packs, or one that the
/// manifest itself could not name.
pub fn decode(packed: &[u8], manifest: &Manifest) -> Result<Vec<PackEntry>> {
    let packs = lines::unpack(WHAT, packed, decode_pack)?;
    match pack_fault(&packs, manifest) {
        Some(why) => Err(corrupt(WHAT, why)),
        None => Ok(packs),
    }
}
