//! What S3 answers to who lists, and Google in the same words. What is not asked for is
//! passed over.

use super::asked::{Asked, Place};
use crate::error::Result;
use crate::store::{Listed, Unfinished};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// ListObjectsV2, and
/// <https://cloud.google.com/storage/docs/xml-api/get-bucket-list>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FilesPage {
    #[serde(default)]
    contents: Vec<FileEntry>,
    #[serde(default)]
    encoding_type: Option<String>,
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_continuation_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileEntry {
    key: String,
    size: u64,
    last_modified: String,
    #[serde(rename = "ETag", default)]
    etag: Option<String>,
    /// Google alone has these.
    #[serde(default)]
    generation: Option<String>,
}

impl FilesPage {
    /// The files below `root`, and the mark of the next page.
    ///
    /// They are in the order of the service. That of SeaweedFS is by the parts of a path: all
    /// of `a/` comes before `a-b`.
    pub(super) fn read<P: Place>(
        self,
        root: &str,
        asked: &Asked<'_, P>,
    ) -> Result<(Vec<Listed>, Option<String>)> {
        let coded = self.encoding_type.as_deref() == Some("url");
        let mut files = Vec::with_capacity(self.contents.len());
        for entry in self.contents {
            let modified = seconds(&entry.last_modified, asked)?;
            if let Some(key) = plain(&entry.key, coded).strip_prefix(root) {
                files.push(Listed {
                    key: key.to_owned(),
                    size: entry.size,
                    modified,
                    state: entry.generation.or(entry.etag).filter(|it| !it.is_empty()),
                });
            }
        }
        let next = match (self.is_truncated, self.next_continuation_token) {
            (false, _) => None,
            (true, Some(mark)) if !mark.is_empty() => Some(mark),
            _ => return Err(asked.nonsense("the listing breaks off")),
        };
        Ok((files, next))
    }
}

/// ListMultipartUploads, and
/// <https://cloud.google.com/storage/docs/xml-api/get-bucket-uploads>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UploadsPage {
    #[serde(default)]
    upload: Vec<UploadEntry>,
    #[serde(default)]
    encoding_type: Option<String>,
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: Option<String>,
    #[serde(default)]
    next_upload_id_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UploadEntry {
    key: String,
    upload_id: String,
    initiated: String,
}

/// Where a listing of uploads goes on: behind a key, and behind an upload of it.
pub(super) type Mark = (String, Option<String>);

impl UploadsPage {
    /// The uploads below `root` whose key, as `spelled` finds it in the service's, starts
    /// with `prefix`, and the mark of the next page. A service may list more than it was
    /// asked for.
    pub(super) fn read<P: Place>(
        self,
        root: &str,
        prefix: &str,
        spelled: fn(&str) -> &str,
        asked: &Asked<'_, P>,
    ) -> Result<(Vec<Unfinished>, Option<Mark>)> {
        let coded = self.encoding_type.as_deref() == Some("url");
        let mut found = Vec::with_capacity(self.upload.len());
        for entry in self.upload {
            let key = plain(&entry.key, coded);
            let key = spelled(&key);
            let Some(below) = key.strip_prefix(root).filter(|_| key.starts_with(prefix)) else {
                continue;
            };
            found.push(Unfinished {
                key: below.to_owned(),
                token: entry.upload_id,
                started: seconds(&entry.initiated, asked)?,
                size: None,
            });
        }
        let next = match (self.is_truncated, self.next_key_marker) {
            (false, _) => None,
            (true, Some(key)) if !key.is_empty() => {
                Some((plain(&key, coded).into_owned(), self.next_upload_id_marker))
            }
            _ => return Err(asked.nonsense("the list of uploads breaks off")),
        };
        Ok((found, next))
    }
}

/// ListParts, and
/// <https://cloud.google.com/storage/docs/xml-api/get-object-multipart>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PartsPage {
    #[serde(default)]
    part: Vec<Part>,
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_part_number_marker: Option<String>,
}

/// A part that has arrived.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Part {
    /// From 1.
    part_number: u32,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
    pub(super) size: u64,
}

/// The parts of an upload, as far as its pages were read.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// By their number, from 0.
    pub(super) found: BTreeMap<u32, Part>,
    /// Where the next page begins.
    pub(super) mark: Option<String>,
}

impl Parts {
    /// Takes a page in; whether another one follows.
    pub(super) fn add<P: Place>(&mut self, page: PartsPage, asked: &Asked<'_, P>) -> Result<bool> {
        for part in page.part {
            let number = part.part_number.checked_sub(1);
            let number = number.ok_or_else(|| asked.nonsense("a part has the number 0"))?;
            self.found.insert(number, part);
        }
        if !page.is_truncated {
            return Ok(false);
        }
        let next = page.next_part_number_marker;
        if next.is_none() || next == self.mark {
            return Err(asked.nonsense("the list of parts does not go on"));
        }
        self.mark = next;
        Ok(true)
    }

    /// Bytes of each part.
    pub(super) fn sizes(&self) -> BTreeMap<u32, u64> {
        let sizes = self.found.iter().map(|(number, part)| (*number, part.size));
        sizes.collect()
    }
}

/// Seconds since 1970.
fn seconds<P: Place>(text: &str, asked: &Asked<'_, P>) -> Result<i64> {
    let time = text.parse::<jiff::Timestamp>();
    Ok(time.map_err(|error| asked.nonsense(error))?.as_second())
}

/// Undoes the encoding that keeps odd keys out of the XML.
fn plain(key: &str, coded: bool) -> Cow<'_, str> {
    if !coded || !key.contains(['%', '+']) {
        return Cow::Borrowed(key);
    }
    // One pair without a value is one decoded name.
    let name = key.replace('&', "%26").replace('=', "%3D");
    let decoded = url::form_urlencoded::parse(name.as_bytes()).next();
    Cow::Owned(decoded.map_or_else(String::new, |(name, _)| name.into_owned()))
}
