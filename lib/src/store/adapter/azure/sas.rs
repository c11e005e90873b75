//! A signature that lets the service read one blob for us: it reads what it is to copy as any
//! stranger would, and the account's key is not told to strangers.

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::adapter::address::address;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How long it is good for, in seconds: a copy is one short request.
const LIFE: i64 = 15 * 60;

/// The query that reads a blob, `account/container/name`, with the key of the account:
/// <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>, as of 2020-12-06.
pub(super) fn read(key: &Secret, blob: &str, version: &str, now: i64) -> Result<Secret> {
    let wrong = || Error::new(ErrorKind::Invalid, "cannot sign with the account's key");
    let until = jiff::Timestamp::from_second(now + LIFE).map_err(|_| wrong())?;
    let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    // Permission, start, end, resource, identifier, address, protocol, version, kind of
    // resource; then a snapshot, an encryption scope and five headers that are not asked for.
    let text = format!("r\n\n{until}\n/blob/{blob}\n\n\n\n{version}\nb\n\n\n\n\n\n\n");
    let key = BASE64_STANDARD.decode(key.reveal()).map_err(|_| wrong())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| wrong())?;
    mac.update(text.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let pairs = [
        ("sv", version.to_owned()),
        ("sr", "b".to_owned()),
        ("sp", "r".to_owned()),
        ("se", until),
        ("sig", signature),
    ];
    let query = address("", "", &pairs);
    Ok(Secret::new(query.trim_start_matches('?')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_documented_text() {
        // HMAC-SHA256 by Python's hmac, with the bytes 0 to 31 as the key, over the sixteen
        // fields of the page named above.
        let key = Secret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let query = read(&key, "acc/box/a b/c", "2023-11-03", 1795262400).expect("signed");
        assert_eq!(
            query.reveal(),
            "sv=2023-11-03&sr=b&sp=r&se=2026-11-21T12%3A15%3A00Z\
             &sig=fJz1MWdYmiyR8Hi4nG96jSQuFu0oKrz0iPiISmlnTvs%3D"
        );
        assert!(read(&Secret::new("no base 64"), "a/b/c", "2023-11-03", 0).is_err());
    }
}
