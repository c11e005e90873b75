//! The checksums of `x-goog-hash`: <https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash>.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};

/// CRC32C, big-endian, in Base64.
pub(super) fn crc32c(bytes: &[u8]) -> String {
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes);
    let sum = u32::try_from(sum).expect("CRC32C has 32 bits");
    BASE64_STANDARD.encode(sum.to_be_bytes())
}

/// MD5, in Base64.
pub(super) fn md5(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Md5::digest(bytes))
}

/// MD5, in hexadecimal digits: what the ETag of an object holds that came in one piece.
pub(super) fn md5_hex(bytes: &[u8]) -> String {
    let digest = Md5::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether all checksums that a client sent are those of the body.
pub(super) fn agree<'a>(claims: impl Iterator<Item = &'a str>, body: &[u8]) -> bool {
    let mut claims = claims.flat_map(|value| value.split(',')).map(str::trim);
    claims.all(|claim| match claim.split_once('=') {
        Some(("crc32c", sum)) => sum == crc32c(body),
        Some(("md5", sum)) => sum == md5(body),
        _ => false,
    })
}
