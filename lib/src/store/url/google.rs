//! `gs://…`, `gs+https://…`, `gs+http://…`

use super::query::Query;
use super::syntax::{Host, escape, invalid, prefix, split_query, split_user, write_path};
use crate::error::Result;
use crate::store::options::Service;
use std::fmt;

/// A prefix of a bucket of Google Cloud Storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoogleLocation {
    pub(in crate::store) bucket: String,
    pub(in crate::store) prefix: String,
    /// The service that the URL names itself.
    pub(in crate::store) host: Option<Host>,
    pub(super) query: Query,
}

impl GoogleLocation {
    /// The name of the bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The prefix, without a slash at either end; empty at the root of the bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// `bucket[/prefix][?options]`
pub(super) fn named(rest: &str) -> Result<GoogleLocation> {
    let (rest, query) = split_query(rest);
    location(None, nobody(rest)?, query)
}

/// `host[:port]/bucket[/prefix][?options]`
pub(super) fn at(secure: bool, rest: &str) -> Result<GoogleLocation> {
    let (rest, query) = split_query(rest);
    let (authority, path) = nobody(rest)?.split_once('/').unwrap_or((rest, ""));
    location(Some(Host::parse(secure, authority)?), path, query)
}

/// What has no user in front.
fn nobody(rest: &str) -> Result<&str> {
    match split_user(rest) {
        (None, rest) => Ok(rest),
        (Some(_), _) => Err(invalid("Google's URLs name no user and no key").with_hint(
            "name a file of credentials in GOOGLE_APPLICATION_CREDENTIALS, or sign in: gcloud auth application-default login",
        )),
    }
}

fn location(host: Option<Host>, path: &str, query: Option<&str>) -> Result<GoogleLocation> {
    let (query, options) = Query::parse(query, Service::Google)?;
    if host.is_some() && options.endpoint.is_some() {
        return Err(invalid("the URL names the service twice")
            .with_hint("leave out the option endpoint, or write gs://bucket/prefix"));
    }
    let (bucket, path) = path.split_once('/').unwrap_or((path, ""));
    Ok(GoogleLocation {
        bucket: bucket_name(bucket)?,
        prefix: prefix(path)?,
        host,
        query,
    })
}

/// Google's rule: up to 63 characters, or up to 222 in labels of 63 with dots between.
fn bucket_name(name: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let labels = name.split('.').all(|label| (1..=63).contains(&label.len()));
    let why = if name.is_empty() {
        "the bucket is missing"
    } else if !name.chars().all(plain) {
        "a bucket's name has only small letters, digits, dots, hyphens and underscores"
    } else if !(3..=222).contains(&name.len()) || !labels {
        "a bucket's name has 3 to 63 characters, or more with dots between"
    } else if !edge(name.chars().next()) || !edge(name.chars().next_back()) {
        "a bucket's name begins and ends with a letter or digit"
    } else {
        return Ok(name.to_owned());
    };
    Err(invalid(why))
}

impl fmt::Display for GoogleLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.host {
            None => "gs://",
            Some(Host { secure: true, .. }) => "gs+https://",
            Some(_) => "gs+http://",
        })?;
        let host = self.host.as_ref().map(|host| host.authority.as_str());
        let (host, prefix) = (host.unwrap_or_default(), escape(&self.prefix));
        write_path(f, &[host, &self.bucket, &prefix])?;
        write!(f, "{}", self.query)
    }
}
