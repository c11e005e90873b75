//! Uploads in parts: <https://cloud.google.com/storage/docs/multipart-uploads> and
//! <https://cloud.google.com/storage/docs/xml-api/post-object-complete>.

use super::answer::{Refusal, refuse};
use super::ask::{Ask, invalid};
use super::attributes::Attributes;
use super::checksum::md5_hex;
use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Smallest part but the last: <https://cloud.google.com/storage/quotas#requests>.
const MIN_PART: usize = 5 << 20;

/// Highest number of a part.
const MAX_PARTS: u32 = 10_000;

#[derive(Debug, Default)]
pub(super) struct Uploads {
    open: BTreeMap<String, Pending>,
    begun: u64,
}

/// An upload under way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) object: String,
    pub(super) begun: jiff::Timestamp,
    attributes: Attributes,
    pub(super) parts: BTreeMap<u32, Part>,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) etag: String,
    pub(super) body: Bytes,
}

/// The document that ends an upload.
#[derive(Debug, Deserialize)]
#[serde(rename = "CompleteMultipartUpload")]
struct Complete {
    #[serde(rename = "Part", default)]
    parts: Vec<Named>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    part_number: u32,
    #[serde(rename = "ETag")]
    etag: String,
}

/// Conditions are refused in every request of an upload in parts.
pub(super) fn unconditional(ask: &Ask) -> Result<(), Refusal> {
    let conditions = [
        "x-goog-if-generation-match",
        "x-goog-if-metageneration-match",
        "if-match",
        "if-none-match",
    ];
    let named = conditions
        .iter()
        .find(|name| ask.headers.contains_key(**name));
    match named {
        Some(name) => Err(invalid().about(format!("{name}: preconditions are not supported"))),
        None => Ok(()),
    }
}

impl Uploads {
    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    pub(super) fn begin(&mut self, object: &str, attributes: Attributes) -> String {
        self.begun += 1;
        let id = format!("VXBsb2Fk-{}", self.begun);
        let pending = Pending {
            object: object.to_owned(),
            begun: jiff::Timestamp::now(),
            attributes,
            parts: BTreeMap::new(),
        };
        self.open.insert(id.clone(), pending);
        id
    }

    pub(super) fn find(&mut self, ask: &Ask) -> Result<&mut Pending, Refusal> {
        let id = ask.value("uploadId").unwrap_or_default();
        let found = self.open.get_mut(id);
        found
            .filter(|pending| pending.object == ask.object)
            .ok_or_else(no_such_upload)
    }

    /// Stores a part; one of that number that is there already goes. Its ETag.
    pub(super) fn part(&mut self, ask: &Ask) -> Result<String, Refusal> {
        let number: Option<u32> = Ask::number(ask.value("partNumber"))?;
        let number = number.filter(|number| (1..=MAX_PARTS).contains(number));
        let number = number.ok_or_else(|| invalid().about("partNumber"))?;
        let pending = self.find(ask)?;
        pending.attributes.unlocked_by(ask)?;
        let etag = format!("\"{}\"", md5_hex(&ask.body));
        let part = Part {
            etag: etag.clone(),
            body: ask.body.clone(),
        };
        pending.parts.insert(number, part);
        Ok(etag)
    }

    /// Ends an upload; the joined bytes and what was said of them.
    pub(super) fn complete(&mut self, ask: &Ask) -> Result<(Bytes, Attributes), Refusal> {
        let pending = self.find(ask)?;
        pending.attributes.unlocked_by(ask)?;
        let named: Complete = quick_xml::de::from_reader(&*ask.body).map_err(|error| {
            refuse(
                400,
                "MalformedXML",
                "The XML you provided was not well-formed.",
            )
            .about(error.to_string())
        })?;
        let rising = named.parts.is_sorted_by_key(|part| part.part_number);
        if named.parts.is_empty() || !rising {
            return Err(refuse(
                400,
                "InvalidPartOrder",
                "The list of parts was not in ascending order.",
            ));
        }
        let mut joined = BytesMut::new();
        let count = named.parts.len();
        for (nth, named) in named.parts.iter().enumerate() {
            let part = pending.parts.get(&named.part_number);
            let part =
                part.filter(|part| part.etag.trim_matches('"') == named.etag.trim_matches('"'));
            let part = part.ok_or_else(|| {
                refuse(
                    400,
                    "InvalidPart",
                    "One or more of the specified parts could not be found.",
                )
            })?;
            if nth + 1 < count && part.body.len() < MIN_PART {
                return Err(too_small());
            }
            joined.extend_from_slice(&part.body);
        }
        let attributes = pending.attributes.clone();
        self.abort(ask)?;
        Ok((joined.freeze(), attributes))
    }

    pub(super) fn abort(&mut self, ask: &Ask) -> Result<(), Refusal> {
        self.find(ask)?;
        self.open.remove(ask.value("uploadId").unwrap_or_default());
        Ok(())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Pending)> {
        self.open.iter()
    }
}

fn too_small() -> Refusal {
    refuse(
        400,
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum object size specified in your request.",
    )
}

fn no_such_upload() -> Refusal {
    refuse(404, "NoSuchUpload", "The requested upload was not found.")
}
