//! What a writer says of an object: <https://cloud.google.com/storage/docs/xml-api/reference-headers>.

use super::answer::{Refusal, refuse};
use super::ask::{Ask, invalid};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::collections::BTreeMap;

/// <https://cloud.google.com/storage/docs/storage-classes#classes>
const CLASSES: [&str; 4] = ["STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"];

/// <https://cloud.google.com/storage/docs/access-control/lists#predefined-acl>, the XML names.
const ACLS: [&str; 7] = [
    "private",
    "bucket-owner-read",
    "bucket-owner-full-control",
    "project-private",
    "authenticated-read",
    "public-read",
    "public-read-write",
];

/// All of it but the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `Content-Type`
    pub content_type: Option<String>,
    /// `x-goog-storage-class`
    pub class: Option<String>,
    /// `x-goog-acl`
    pub acl: Option<String>,
    /// `x-goog-encryption-kms-key-name`
    pub kms_key: Option<String>,
    /// The digest of a key that the customer keeps: `x-goog-encryption-key-sha256`.
    pub key_digest: Option<String>,
    /// `x-goog-meta-*`, by the rest of their names.
    pub metadata: BTreeMap<String, String>,
}

impl Attributes {
    pub(super) fn of(ask: &Ask) -> Result<Self, Refusal> {
        let text = |name| ask.header(name).map(str::to_owned);
        let one_of = |name, known: &[&str]| match text(name) {
            Some(value) if !known.contains(&value.as_str()) => {
                Err(invalid().about(format!("{name}: {value}")))
            }
            value => Ok(value),
        };
        let metadata = ask.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("x-goog-meta-")?;
            Some((name.to_owned(), value.to_str().ok()?.to_owned()))
        });
        Ok(Self {
            content_type: text("content-type"),
            class: one_of("x-goog-storage-class", &CLASSES)?,
            acl: one_of("x-goog-acl", &ACLS)?,
            kms_key: text("x-goog-encryption-kms-key-name"),
            key_digest: customer_key(ask)?,
            metadata: metadata.collect(),
        })
    }

    /// Whether a request brings the key that the object was written with:
    /// <https://cloud.google.com/storage/docs/encryption/customer-supplied-keys>.
    pub(super) fn unlocked_by(&self, ask: &Ask) -> Result<(), Refusal> {
        let given = customer_key(ask)?;
        match (&self.key_digest, given) {
            (None, None) => Ok(()),
            (Some(theirs), Some(ours)) if *theirs == ours => Ok(()),
            (Some(_), Some(_)) => Err(refuse(
                403,
                "CustomerEncryptionKeyIsIncorrect",
                "The provided encryption key is incorrect.",
            )),
            (Some(_), None) => Err(refuse(
                400,
                "ResourceIsEncryptedWithCustomerEncryptionKey",
                "The resource is encrypted with a customer encryption key.",
            )),
            (None, Some(_)) => Err(refuse(
                400,
                "ResourceNotEncryptedWithCustomerEncryptionKey",
                "The resource is not encrypted with a customer encryption key.",
            )),
        }
    }
}

/// The digest of the key that a request brings, checked against the key. (A hash of 32 bytes
/// is all that is asked of it here; that it is SHA-256 of the key, the adapter's own test says.)
fn customer_key(ask: &Ask) -> Result<Option<String>, Refusal> {
    let named = |name| ask.header(name);
    let parts = [
        named("x-goog-encryption-algorithm"),
        named("x-goog-encryption-key"),
        named("x-goog-encryption-key-sha256"),
    ];
    if parts == [None; 3] {
        return Ok(None);
    }
    let bytes = |text: &str| BASE64_STANDARD.decode(text).map_or(0, |bytes| bytes.len());
    match parts {
        [Some("AES256"), Some(key), Some(digest)] if bytes(key) == 32 && bytes(digest) == 32 => {
            Ok(Some(digest.to_owned()))
        }
        _ => Err(refuse(
            400,
            "CustomerEncryptionKeyFormatIsInvalid",
            "Missing an encryption key, or it is not Base64 encoded.",
        )),
    }
}
