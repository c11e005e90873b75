//! `webdav+https://…`, `b2://…` and their like.

mod services;

pub(in crate::store) use services::{Place, Service};

use super::query::Query;
use super::syntax::{Host, decode, escape, invalid, prefix, split_query, split_user};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::store::options;
use std::fmt;

/// A folder at a service of the long tail: one that few use as a remote.
///
/// | form | what it names |
/// |---|---|
/// | `webdav+https://[user:password@]host[:port]/folder` | a folder of a WebDAV server |
/// | `swift+https://host/v1/account/container/folder` | an OpenStack container, by its storage URL |
/// | `b2://bucket/folder`, `oss://…`, `cos://…`, `obs://…` | a bucket; all but B2 need `?endpoint=` |
/// | `gdrive:///folder`, `onedrive:///folder`, `dropbox:///folder` | a folder of the account that signed in |
/// | `hdfs+https://host[:port]/folder` | a folder of HDFS, through WebHDFS |
/// | `https://host/folder` | what a web server shows, read-only |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongTailLocation {
    service: &'static Service,
    /// The server, if the URL names one.
    pub(in crate::store) host: Option<Host>,
    pub(in crate::store) user: Option<String>,
    pub(in crate::store) password: Option<Secret>,
    /// What an OpenStack storage URL has before the container: `v1/AUTH_account`.
    pub(in crate::store) account: String,
    /// The bucket or container, if the service has them.
    pub(in crate::store) bucket: String,
    /// The folder, without a slash at either end.
    pub(in crate::store) folder: String,
    pub(super) query: Query,
}

impl LongTailLocation {
    /// The service's row in the table.
    #[cfg(feature = "long-tail")]
    pub(in crate::store) fn service(&self) -> &'static Service {
        self.service
    }

    /// What people call the service.
    pub fn service_name(&self) -> &'static str {
        self.service.name
    }
}

/// Understands a URL whose scheme is one of these services'; `None` for another scheme.
pub(super) fn parse(scheme: &str, rest: &str) -> Option<Result<LongTailLocation>> {
    Service::of(scheme).map(|service| at(service, rest))
}

fn at(service: &'static Service, rest: &str) -> Result<LongTailLocation> {
    let (rest, query) = split_query(rest);
    let (query, _) = Query::parse(query, options::Service::LongTail)?;
    let (user, rest) = split_user(rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut out = LongTailLocation {
        service,
        host: None,
        user: None,
        password: None,
        account: String::new(),
        bucket: String::new(),
        folder: String::new(),
        query,
    };
    let mut path = path;
    match service.place {
        Place::Host(scheme) | Place::Container(scheme) => {
            out.host = Some(Host::parse(scheme != "http", authority)?);
        }
        Place::Bucket => out.bucket = bucket(authority)?,
        Place::Account if authority.is_empty() => {}
        Place::Account => {
            return Err(invalid("the account says where it is, not a host")
                .with_hint(format!("write {}:///folder", service.scheme)));
        }
    }
    if matches!(service.place, Place::Container(_)) {
        let mut parts = path.splitn(4, '/');
        let mut part = || parts.next().unwrap_or_default();
        let (version, account, container) = (part(), part(), part());
        if version.is_empty() || account.is_empty() || container.is_empty() {
            return Err(invalid("the container is missing").with_hint(
                "write the storage URL, the container and a folder: swift+https://host/v1/account/container/folder",
            ));
        }
        out.account = format!("{}/{}", decode(version)?, decode(account)?);
        out.bucket = decode(container)?;
        path = part();
    }
    out.folder = prefix(path)?;
    if let Some(user) = user {
        (out.user, out.password) = login(service, user)?;
    }
    Ok(out)
}

/// `user[:password]` in front of the host.
fn login(service: &Service, text: &str) -> Result<(Option<String>, Option<Secret>)> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (text, None),
    };
    let user = decode(user)?;
    match (service.place, password) {
        (Place::Host(_), password) => {
            let password = password.map(decode).transpose()?;
            Ok((Some(user), password.map(Secret::new)))
        }
        _ => Err(not_here(service)),
    }
}

fn not_here(service: &Service) -> Error {
    let variables: Vec<_> = service.settings.iter().map(|it| it.variable).collect();
    invalid(format!(
        "{} takes no user and no key from a URL",
        service.name
    ))
    .with_hint(format!("set {}", variables.join(", ")))
}

fn bucket(name: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() {
        return Err(invalid("the bucket is missing"));
    }
    if name.len() > 255 || !name.chars().all(plain) || name.starts_with('.') {
        return Err(invalid("the bucket has no usable name"));
    }
    Ok(name.to_owned())
}

impl fmt::Display for LongTailLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.service.scheme)?;
        if let Some(user) = &self.user {
            let secret = if self.password.is_some() { ":***" } else { "" };
            write!(f, "{}{secret}@", escape(user))?;
        }
        if let Some(host) = &self.host {
            f.write_str(&host.authority)?;
        }
        let parts = [&self.account, &self.bucket, &self.folder];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| escape(part))
            .collect();
        // A bucket stands where others have their host.
        let bare = self.host.is_none() && !self.bucket.is_empty();
        let lead = if bare || parts.is_empty() { "" } else { "/" };
        write!(f, "{lead}{}{}", parts.join("/"), self.query)
    }
}
