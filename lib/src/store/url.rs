//! Where a repository lies: the strings that users write, as settings.
//!
//! | form | means |
//! |---|---|
//! | `s3://[profile@]bucket[/prefix]` | Amazon S3, or the endpoint that the environment or the profile names |
//! | `s3+https://[key:secret@]host[:port]/bucket[/prefix]` | any S3 service |
//! | `s3+http://…` | the same without encryption: on this machine only, unless `?allow_http=true` |
//! | `file:///path`, `pail:///path`, a path | a folder |
//! | `pail::<any of these>` | the same |
//!
//! In a URL, percent escapes are decoded; a path is taken as it is. Options come as a query
//! of an S3 URL:
//!
//! - `region=<name>`: what requests are signed for.
//! - `profile=<name>`: the section of the AWS configuration to use; `name@` before the
//!   bucket or host says the same.
//! - `addressing=path|virtual`: whether the bucket is the first part of the path or the
//!   first label of the host. With an explicit host, `virtual` means that the host of the
//!   URL begins with the bucket (`s3+https://bucket.host/prefix?addressing=virtual`), and
//!   the whole path is the prefix.
//! - `allow_http=true|false`: whether plain HTTP to another machine is wanted.

mod options;
mod parse;
#[cfg(test)]
mod tests;

pub(in crate::store) use options::is_name as is_region;
pub(in crate::store) use parse::{is_loopback, plain_http};

use crate::error::{Error, Result};
use crate::secret::Secret;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a repository lies.
///
/// Shows without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A prefix of a bucket of an S3 service.
    S3(S3Location),
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
        parse::location(text)
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
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

/// A prefix of a bucket of an S3 service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Location {
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) host: Option<Host>,
    pub(super) keys: Option<StaticKeys>,
    pub(super) profile: Option<String>,
    pub(super) region: Option<String>,
    pub(super) addressing: Option<Addressing>,
    pub(super) allow_http: bool,
}

impl S3Location {
    /// The name of the bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The prefix, without a slash at either end; empty at the root of the bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The section of the AWS configuration that the URL names.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The region that the URL names.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }
}

/// Where the name of the bucket stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// `https://host/bucket/key`
    Path,
    /// `https://bucket.host/key`
    Virtual,
}

/// An S3 service that the URL names itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// Whether the connection is encrypted.
    pub(super) secure: bool,
    /// Host and port, as written; holds the bucket in front if addressing is virtual.
    pub(super) authority: String,
}

/// An access key that stands in the URL itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StaticKeys {
    pub(super) id: Secret,
    pub(super) secret: Secret,
}

impl fmt::Display for S3Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.host {
            None => "s3://",
            Some(Host { secure: true, .. }) => "s3+https://",
            Some(_) => "s3+http://",
        })?;
        if self.keys.is_some() {
            f.write_str("***@")?;
        } else if let Some(profile) = &self.profile {
            write!(f, "{}@", escape(profile))?;
        }
        let virtual_host = self.host.is_some() && self.addressing == Some(Addressing::Virtual);
        let parts = [
            self.host.as_ref().map(|host| host.authority.as_str()),
            (!virtual_host).then_some(self.bucket.as_str()),
            (!self.prefix.is_empty()).then_some(self.prefix.as_str()),
        ];
        for (nth, part) in parts.into_iter().flatten().enumerate() {
            let slash = if nth == 0 { "" } else { "/" };
            let shown = if Some(part) == parts[0] {
                part.to_owned()
            } else {
                escape(part)
            };
            write!(f, "{slash}{shown}")?;
        }
        let mut sign = '?';
        let addressing = self.addressing.map(|addressing| match addressing {
            Addressing::Path => "path",
            Addressing::Virtual => "virtual",
        });
        let allow = self.allow_http.then_some("true");
        for (name, value) in [
            ("region", self.region.as_deref()),
            ("addressing", addressing),
            ("allow_http", allow),
        ] {
            if let Some(value) = value {
                write!(f, "{sign}{name}={}", escape(value))?;
                sign = '&';
            }
        }
        Ok(())
    }
}

/// Percent escapes for what would not be read back.
fn escape(text: &str) -> String {
    let plain =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-._~/!$'()*,;:=+".contains(c);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if plain(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        }
    }
    out
}
