//! `az://…`, `az+https://…`, `az+http://…`

use super::query::Query;
use super::syntax::{
    Host, decode, escape, invalid, is_address, is_loopback, prefix, split_query, split_user,
    write_path,
};
use crate::error::Result;
use crate::secret::Secret;
use crate::store::Addressing;
use crate::store::options::Service;
use std::fmt;

/// A prefix of a container of Azure Blob Storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureLocation {
    pub(in crate::store) account: String,
    pub(in crate::store) container: String,
    pub(in crate::store) prefix: String,
    /// The service that the URL names itself.
    pub(in crate::store) host: Option<Host>,
    /// Whether the account is the first part of the path, as in an emulator.
    pub(in crate::store) account_in_path: bool,
    /// The account's key, if it stands in the URL.
    pub(in crate::store) key: Option<Secret>,
    pub(super) query: Query,
}

impl AzureLocation {
    /// The name of the storage account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The name of the container.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The prefix, without a slash at either end; empty at the root of the container.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// `account/container[/prefix][?options]`
pub(super) fn named(rest: &str) -> Result<AzureLocation> {
    let (rest, query) = split_query(rest);
    let (query, _) = Query::parse(query, Service::Azure)?;
    if rest.contains('@') && split_user(rest).0.is_some() {
        return Err(invalid("nothing may stand before the account")
            .with_hint("set AZURE_STORAGE_KEY, or write az+https://account:key@host/container"));
    }
    let (account, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (container, path) = path.split_once('/').unwrap_or((path, ""));
    Ok(AzureLocation {
        account: account_name(account)?,
        container: container_name(container)?,
        prefix: prefix(path)?,
        host: None,
        account_in_path: false,
        key: None,
        query,
    })
}

/// `[account:key@]host[:port]/[account/]container[/prefix][?options]`
///
/// The account is the first part of the path if the host is an address or this machine, as
/// emulators have it; else it is the first label of the host. Options say otherwise.
pub(super) fn at(secure: bool, rest: &str) -> Result<AzureLocation> {
    let (rest, query) = split_query(rest);
    let (user, rest) = split_user(rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    // Before the query: a key with a question mark in it ends in there.
    let host = Host::parse(secure, authority)?;
    let (query, options) = Query::parse(query, Service::Azure)?;
    let bare = is_address(host.name()) || is_loopback(host.name());
    let account_in_path = match options.addressing {
        Some(addressing) => addressing == Addressing::Path,
        None => bare && options.account.is_none(),
    };
    let (in_url, path) = if account_in_path {
        let (account, path) = path.split_once('/').unwrap_or((path, ""));
        (Some(account), path)
    } else {
        let label = host.name().split('.').next();
        (label.filter(|_| !bare), path)
    };
    let user = user.map(|user| user.split_once(':').unwrap_or((user, "")));
    let user = user
        .map(|(name, key)| Ok((decode(name)?, decode(key)?)))
        .transpose()?;
    let account = options.account.as_deref();
    let account = account.or(user.as_ref().map(|(name, _)| name.as_str()));
    let account = account.or(in_url).unwrap_or_default();
    let (container, path) = path.split_once('/').unwrap_or((path, ""));
    let key = match &user {
        Some((_, key)) if key.is_empty() => {
            return Err(invalid("the account's key is missing")
                .with_hint("write az+https://account:key@host/container"));
        }
        Some((name, _)) if name != account => {
            return Err(invalid("two different accounts are named").with_hint("name one of them"));
        }
        Some((_, key)) => Some(Secret::new(key)),
        None => None,
    };
    Ok(AzureLocation {
        account: account_name(account)?,
        container: container_name(container)?,
        prefix: prefix(path)?,
        host: Some(host),
        account_in_path,
        key,
        query,
    })
}

/// The rule for storage accounts, with the hyphens that other services of its kind allow.
fn account_name(name: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (3..=63).contains(&name.len()) && name.chars().all(plain) {
        return Ok(name.to_owned());
    }
    let why = "an account's name has 3 to 24 small letters and digits";
    Err(invalid(if name.is_empty() {
        "the account is missing"
    } else {
        why
    }))
}

/// The rule for containers, and the names that Azure keeps for itself.
fn container_name(name: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edges = !name.starts_with('-') && !name.ends_with('-') && !name.contains("--");
    let usual = (3..=63).contains(&name.len()) && name.chars().all(plain) && edges;
    if usual || ["$root", "$web", "$logs"].contains(&name) {
        return Ok(name.to_owned());
    }
    let why = "a container's name has 3 to 63 small letters, digits and single hyphens";
    Err(invalid(if name.is_empty() {
        "the container is missing"
    } else {
        why
    }))
}

impl fmt::Display for AzureLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.host {
            None => "az://",
            Some(Host { secure: true, .. }) => "az+https://",
            Some(_) => "az+http://",
        })?;
        if self.key.is_some() {
            write!(f, "{}:***@", self.account)?;
        }
        let host = self.host.as_ref().map(|host| host.authority.as_str());
        let in_path = self.host.is_none() || self.account_in_path;
        let account = if in_path { self.account.as_str() } else { "" };
        let (host, prefix) = (host.unwrap_or_default(), escape(&self.prefix));
        write_path(f, &[host, account, &self.container, &prefix])?;
        write!(f, "{}", self.query)
    }
}
