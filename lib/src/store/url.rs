//! Where a repository lies: the strings that users write, as settings.
//!
//! | form | means |
//! |---|---|
//! | `s3://[profile@]bucket[/prefix]` | Amazon S3, or the endpoint that an option, the environment or the profile names |
//! | `s3+https://[key:secret@]host[:port]/bucket[/prefix]` | any S3 service |
//! | `az://account/container[/prefix]` | Azure Blob Storage |
//! | `az+https://host[:port]/container[/prefix]` | the same by its host, which begins with the account |
//! | `gs://bucket[/prefix]` | Google Cloud Storage |
//! | `gs+https://host[:port]/bucket[/prefix]` | the same at another address |
//! | `s3+http://…`, `az+http://…`, `gs+http://…` | without encryption: on this machine only, unless `?allow-http=true` |
//! | `file:///path`, `pail:///path`, a path | a folder |
//! | `webdav+https://…`, `b2://…` and others | the [long tail](LongTailLocation), where it was built in |
//! | `pail::<any of these>` | the same |
//!
//! In a URL, percent escapes are decoded; a path is taken as it is. [Options](super::options)
//! come as a query.

mod azure;
mod google;
mod long_tail;
mod query;
mod s3;
mod syntax;
#[cfg(test)]
mod tests;

pub use azure::AzureLocation;
pub use google::GoogleLocation;
pub use long_tail::LongTailLocation;
#[cfg(feature = "long-tail")]
pub(in crate::store) use long_tail::{Place, Service as TailService};
pub use s3::S3Location;
pub(in crate::store) use syntax::{is_address, is_loopback, plain_http};

use super::options::{Given, Options, Service};
use crate::error::{Error, Result};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use syntax::{decode, invalid, redact, split_query};

/// How a URL of this scheme is written; all of them where the scheme is none.
fn form(text: &str) -> &'static str {
    match text.split_once("://").map(|(scheme, _)| scheme) {
        Some("s3") => "write s3://bucket/prefix",
        Some("s3+https" | "s3+http") => "write s3+https://host/bucket/prefix",
        Some("az") => "write az://account/container/prefix",
        Some("az+https" | "az+http") => "write az+https://account.host/container/prefix",
        Some("gs") => "write gs://bucket/prefix",
        Some("gs+https" | "gs+http") => "write gs+https://host/bucket/prefix",
        Some("file" | "pail") => "write file:///path, or the path itself",
        _ => FORMS,
    }
}

const FORMS: &str = "write s3://bucket/prefix, s3+https://host/bucket/prefix, \
    az://account/container/prefix, gs://bucket/prefix, file:///path, or a path";

/// The schemes of URLs that name a bucket or a folder.
pub const SCHEMES: [&str; 10] = [
    "pail", "s3", "s3+https", "s3+http", "az", "az+https", "az+http", "gs", "gs+https", "gs+http",
];

/// Where a repository lies.
///
/// Shows without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A prefix of a bucket of an S3 service.
    S3(S3Location),
    /// A prefix of a container of Azure Blob Storage.
    Azure(AzureLocation),
    /// A prefix of a bucket of Google Cloud Storage.
    Google(GoogleLocation),
    /// A folder at a service of the long tail.
    LongTail(LongTailLocation),
    /// A folder of this machine.
    Folder(PathBuf),
}

impl Location {
    /// Understands what a user wrote.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), with the accepted forms as a hint.
    /// No message repeats a secret.
    pub fn parse(text: &str) -> Result<Self> {
        let bare = text.strip_prefix("pail::").unwrap_or(text);
        parse(bare).map_err(|error| {
            let shown = redact(bare);
            let shown = shown.escape_debug();
            error
                .context(format_args!("cannot use '{shown}' as a remote"))
                .with_hint(form(bare))
        })
    }

    /// The kind of store that lies there.
    pub fn service(&self) -> Service {
        match self {
            Self::S3(_) => Service::S3,
            Self::Azure(_) => Service::Azure,
            Self::Google(_) => Service::Google,
            Self::LongTail(_) => Service::LongTail,
            Self::Folder(_) => Service::Folder,
        }
    }

    /// The options that the URL gives.
    pub fn given(&self) -> Vec<Given> {
        match self {
            Self::S3(location) => location.given(),
            Self::Azure(location) => location.query.given(),
            Self::Google(location) => location.query.given(),
            Self::LongTail(location) => location.query.given(),
            Self::Folder(_) => Vec::new(),
        }
    }

    /// Refuses what the options do not allow: plain HTTP to another machine.
    pub(in crate::store) fn check(&self, options: &Options) -> Result<()> {
        let host = match self {
            Self::S3(location) => location.host.as_ref(),
            Self::Azure(location) => location.host.as_ref(),
            Self::Google(location) => location.host.as_ref(),
            Self::LongTail(location) => location.host.as_ref(),
            Self::Folder(_) => None,
        };
        host.map_or(Ok(()), |host| {
            host.check(options.allow_http)
                .map_err(|error| error.context(format_args!("cannot use '{self}' as a remote")))
        })
    }
}

impl FromStr for Location {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3(location) => location.fmt(f),
            Self::Azure(location) => location.fmt(f),
            Self::Google(location) => location.fmt(f),
            Self::LongTail(location) => location.fmt(f),
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

fn parse(text: &str) -> Result<Location> {
    if text.is_empty() {
        return Err(invalid("it is empty"));
    }
    let Some((scheme, rest)) = text
        .split_once("://")
        .filter(|(scheme, _)| is_scheme(scheme))
    else {
        return match text.split_once("::") {
            Some((helper, _)) if is_scheme(helper) => {
                Err(invalid(format!("'{helper}::' names another remote helper")))
            }
            _ => folder(PathBuf::from(text)),
        };
    };
    match scheme {
        "s3" => s3::named(rest).map(Location::S3),
        "s3+https" => s3::at(true, rest).map(Location::S3),
        "s3+http" => s3::at(false, rest).map(Location::S3),
        "az" => azure::named(rest).map(Location::Azure),
        "az+https" => azure::at(true, rest).map(Location::Azure),
        "az+http" => azure::at(false, rest).map(Location::Azure),
        "gs" => google::named(rest).map(Location::Google),
        "gs+https" => google::at(true, rest).map(Location::Google),
        "gs+http" => google::at(false, rest).map(Location::Google),
        "file" | "pail" => folder_url(rest),
        // With the long tail a web server is a store, if only for reading.
        "http" | "https" if !cfg!(feature = "long-tail") => Err(
            invalid("the scheme does not say which kind of service it is").with_hint(format!(
                "write s3+{scheme}:// for an S3 service, az+{scheme}:// for Azure, gs+{scheme}:// for Google"
            )),
        ),
        _ => match long_tail::parse(scheme, rest) {
            Some(location) => location.map(Location::LongTail),
            None => Err(invalid(format!("there is no scheme '{scheme}'"))),
        },
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() > 1
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn folder(path: PathBuf) -> Result<Location> {
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(invalid("the path holds a zero byte"));
    }
    Ok(Location::Folder(path))
}

fn folder_url(rest: &str) -> Result<Location> {
    let (path, query) = split_query(rest);
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(
            invalid("a folder has no options").with_hint("write a question mark in a path as %3F")
        );
    }
    let path = path.strip_prefix("localhost").unwrap_or(path);
    if !path.starts_with('/') {
        return Err(invalid("a folder needs an absolute path: three slashes"));
    }
    folder(PathBuf::from(decode(path)?))
}
