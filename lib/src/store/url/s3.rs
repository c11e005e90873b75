//! `s3://…`, `s3+https://…`, `s3+http://…`

use super::query::Query;
use super::syntax::{
    Host, decode, escape, invalid, is_address, prefix, split_query, split_user, write_path,
};
use crate::error::Result;
use crate::secret::Secret;
use crate::store::Addressing;
use crate::store::options::{Given, Options, Service};
use std::fmt;

/// A prefix of a bucket of an S3 service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Location {
    pub(in crate::store) bucket: String,
    pub(in crate::store) prefix: String,
    /// The service that the URL names itself; if [`S3Location::bucket_in_host`], with the
    /// bucket in front.
    pub(in crate::store) host: Option<Host>,
    pub(in crate::store) bucket_in_host: bool,
    pub(in crate::store) keys: Option<StaticKeys>,
    profile: Option<String>,
    query: Query,
}

/// An access key that stands in the URL itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct StaticKeys {
    pub(in crate::store) id: Secret,
    pub(in crate::store) secret: Secret,
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

    /// Whether an access key stands in the URL itself.
    pub fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// The section of the AWS configuration that was named.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The same, with the profile that the options name.
    pub(in crate::store) fn with_profile(mut self, options: &Options) -> Self {
        self.profile.clone_from(&options.profile);
        self
    }

    pub(super) fn given(&self) -> Vec<Given> {
        let mut query = self.query.clone();
        if let Some(profile) = &self.profile {
            query.add("profile", profile);
        }
        query.given()
    }
}

/// `[profile@]bucket[/prefix][?options]`
pub(super) fn named(rest: &str) -> Result<S3Location> {
    let (rest, query) = split_query(rest);
    let (user, rest) = split_user(rest);
    let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
    if user.is_some_and(|user| user.contains(':')) {
        return Err(invalid("an access key may not stand in an s3:// URL")
            .with_hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile: s3://profile@bucket"));
    }
    let (mut query, options) = Query::parse(query, Service::S3)?;
    Ok(S3Location {
        bucket: bucket_name(bucket)?,
        prefix: prefix(path)?,
        host: None,
        bucket_in_host: false,
        keys: None,
        profile: query.profile(user, &options)?,
        query,
    })
}

/// `[key:secret@|profile@]host[:port]/bucket[/prefix][?options]`
pub(super) fn at(secure: bool, rest: &str) -> Result<S3Location> {
    let (rest, query) = split_query(rest);
    let (user, rest) = split_user(rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    // Before the query: a secret with a question mark in it ends in there.
    let host = Host::parse(secure, authority)?;
    let (mut query, options) = Query::parse(query, Service::S3)?;
    let keys = user.and_then(|user| user.split_once(':'));
    let profile = query.profile(user.filter(|_| keys.is_none()), &options)?;
    let keys = keys.map(keys_of).transpose()?;
    if keys.is_some() && (profile.is_some() || options.anonymous) {
        return Err(
            invalid("an access key is given, and other credentials too: one is enough")
                .with_hint("leave out the profile, the option anonymous, or the key"),
        );
    }
    if options.endpoint.is_some() {
        return Err(invalid("the URL names the service twice")
            .with_hint("leave out the option endpoint, or write s3://bucket/prefix"));
    }
    let bucket_in_host = options.addressing == Some(Addressing::Virtual);
    let (bucket, path) = if bucket_in_host {
        let label = host.name().split_once('.');
        let label = label.filter(|_| !is_address(host.name()));
        let (bucket, _) = label.ok_or_else(|| {
            invalid("with virtual addressing the host must begin with the bucket")
                .with_hint("write s3+https://bucket.host/prefix?addressing=virtual")
        })?;
        (bucket, path)
    } else {
        path.split_once('/').unwrap_or((path, ""))
    };
    Ok(S3Location {
        bucket: bucket_name(bucket)?,
        prefix: prefix(path)?,
        host: Some(host),
        bucket_in_host,
        keys,
        profile,
        query,
    })
}

fn keys_of((id, secret): (&str, &str)) -> Result<StaticKeys> {
    let (id, secret) = (decode(id)?, decode(secret)?);
    if id.is_empty() || secret.is_empty() {
        return Err(invalid("half of the access key is missing")
            .with_hint("write s3+https://key:secret@host/bucket, or keep keys out of URLs"));
    }
    Ok(StaticKeys {
        id: Secret::new(id),
        secret: Secret::new(secret),
    })
}

/// What a name of a bucket may be: S3's rule, and the capitals and underscores that older
/// buckets and other services have. Such a name needs no escapes anywhere.
fn bucket_name(name: &str) -> Result<String> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let why = if name.is_empty() {
        "the bucket is missing".to_owned()
    } else if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
    {
        "a bucket's name has only letters, digits, dots, hyphens and underscores".to_owned()
    } else if !(3..=63).contains(&name.len()) {
        "a bucket's name has 3 to 63 characters".to_owned()
    } else if !edge(name.chars().next()) || !edge(name.chars().next_back()) || name.contains("..") {
        "a bucket's name begins and ends with a letter or digit, and dots stand alone".to_owned()
    } else {
        return Ok(name.to_owned());
    };
    Err(invalid(why))
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
        let host = self.host.as_ref().map(|host| host.authority.as_str());
        let bucket = if self.bucket_in_host {
            ""
        } else {
            &self.bucket
        };
        write_path(
            f,
            &[host.unwrap_or_default(), bucket, &escape(&self.prefix)],
        )?;
        write!(f, "{}", self.query)
    }
}
