//! A request, taken apart. The bucket is the first part of the path:
//! <https://cloud.google.com/storage/docs/request-endpoints>.

use super::answer::{Refusal, refuse};
use bytes::Bytes;
use http::{HeaderMap, Method};
use std::collections::BTreeMap;

/// Longest name of an object in bytes: <https://cloud.google.com/storage/docs/objects#naming>.
const MAX_NAME: usize = 1024;

#[derive(Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) bucket: String,
    /// Empty for the bucket itself.
    pub(super) object: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Source and destination, where one object is to be copied to another.
    pub(super) rewrite: Option<Rewrite>,
}

/// Two objects, each with its bucket.
#[derive(Debug)]
pub(super) struct Rewrite {
    pub(super) from: (String, String),
    pub(super) to: (String, String),
}

impl Rewrite {
    /// <https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite>
    fn of(path: &str) -> Result<Option<Self>, Refusal> {
        let parts: Vec<_> = path.split('/').collect();
        let [
            "",
            "storage",
            "v1",
            "b",
            bucket,
            "o",
            object,
            "rewriteTo",
            "b",
            to,
            "o",
            name,
        ] = parts[..]
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            from: (decode(bucket)?, decode(object)?),
            to: (decode(to)?, decode(name)?),
        }))
    }
}

impl Ask {
    pub(super) fn new(parts: http::request::Parts, body: Bytes) -> Result<Self, Refusal> {
        let path = parts.uri.path();
        let rewrite = Rewrite::of(path)?;
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, object) = path.split_once('/').unwrap_or((path, ""));
        let (bucket, object) = match &rewrite {
            Some(rewrite) => rewrite.to.clone(),
            None => (decode(bucket)?, decode(object)?),
        };
        if object.len() > MAX_NAME || object.contains(['\r', '\n']) {
            return Err(refuse(400, "InvalidObjectName", "The name is not usable."));
        }
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            method: parts.method,
            bucket,
            object,
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers: parts.headers,
            body,
            rewrite,
        })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// The number in a header or in the query.
    pub(super) fn number<T: std::str::FromStr>(value: Option<&str>) -> Result<Option<T>, Refusal> {
        value.map(str::parse).transpose().map_err(|_| invalid())
    }
}

pub(super) fn invalid() -> Refusal {
    refuse(400, "InvalidArgument", "Invalid argument.")
}

/// Undoes percent escapes. A plus sign in a path means itself.
fn decode(text: &str) -> Result<String, Refusal> {
    let bad = || refuse(400, "InvalidURI", "Couldn't parse the specified URI.");
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        out.push(byte.ok_or_else(bad)?);
        rest = &rest[2..];
    }
    String::from_utf8(out).map_err(|_| bad())
}
