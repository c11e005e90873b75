//! From text to a location.

use super::{Addressing, Host, Location, S3Location, StaticKeys, options};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::secret::Secret;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

const FORMS: &str = "write s3://bucket/prefix, s3+https://host/bucket/prefix, \
    s3+http://localhost:port/bucket/prefix, file:///path, or a path";

/// Longest prefix in bytes: S3 allows keys of 1,024.
const MAX_PREFIX: usize = 1024 - Key::MAX_LEN - 1;

/// An error about a URL, which never repeats the URL.
pub(super) fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, why)
}

pub(super) fn location(text: &str) -> Result<Location> {
    let bare = text.strip_prefix("pail::").unwrap_or(text);
    parse(bare).map_err(|error| {
        let shown = redact(bare);
        error
            .context(format_args!(
                "cannot use '{}' as a remote",
                shown.escape_debug()
            ))
            .with_hint(FORMS)
    })
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
        "s3" => s3(rest),
        "s3+https" => s3_at(true, rest),
        "s3+http" => s3_at(false, rest),
        "file" | "pail" => folder_url(rest),
        "http" | "https" => Err(
            invalid("the scheme does not say which kind of service it is")
                .with_hint(format!("write s3+{scheme}:// for an S3 service")),
        ),
        _ => Err(invalid(format!("there is no scheme '{scheme}'"))),
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

/// `[profile@]bucket[/prefix][?options]`
fn s3(rest: &str) -> Result<Location> {
    let (rest, query) = split_query(rest);
    let (user, rest) = split_user(rest);
    let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
    if user.is_some_and(|user| user.contains(':')) {
        return Err(invalid("an access key may not stand in an s3:// URL")
            .with_hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile: s3://profile@bucket"));
    }
    let mut location = empty();
    location.profile = user.map(decode).transpose()?;
    location.bucket = bucket_name(bucket)?;
    location.prefix = prefix(path)?;
    finish(location, query)
}

/// `[key:secret@|profile@]host[:port]/bucket[/prefix][?options]`
fn s3_at(secure: bool, rest: &str) -> Result<Location> {
    let (rest, query) = split_query(rest);
    let (user, rest) = split_user(rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut location = empty();
    match user.map(|user| user.split_once(':').ok_or(user)) {
        Some(Ok((id, secret))) => {
            let (id, secret) = (decode(id)?, decode(secret)?);
            if id.is_empty() || secret.is_empty() {
                return Err(invalid("half of the access key is missing"));
            }
            location.keys = Some(StaticKeys {
                id: Secret::new(id),
                secret: Secret::new(secret),
            });
        }
        Some(Err(profile)) => location.profile = Some(decode(profile)?),
        None => {}
    }
    let host = host_of(authority)?;
    location.host = Some(Host {
        secure,
        authority: authority.to_ascii_lowercase(),
    });
    options::apply(query.unwrap_or_default(), &mut location)?;
    if location.addressing == Some(Addressing::Virtual) {
        let label = host.split_once('.').filter(|_| !is_address(&host));
        let (bucket, _) = label.ok_or_else(|| {
            invalid("with virtual addressing the host must begin with the bucket")
                .with_hint("write s3+https://bucket.host/prefix?addressing=virtual")
        })?;
        location.bucket = bucket_name(bucket)?;
        location.prefix = prefix(path)?;
    } else {
        let (bucket, path) = path.split_once('/').unwrap_or((path, ""));
        location.bucket = bucket_name(bucket)?;
        location.prefix = prefix(path)?;
    }
    if !secure && !location.allow_http && !is_loopback(&host) {
        return Err(plain_http(&host));
    }
    checked(location)
}

/// Why plain HTTP to another machine is refused.
pub(in crate::store) fn plain_http(host: &str) -> Error {
    invalid(format!(
        "plain HTTP to {host} would show everything to the network"
    ))
    .with_hint("use https, or add ?allow_http=true to the URL")
}

fn empty() -> S3Location {
    S3Location {
        bucket: String::new(),
        prefix: String::new(),
        host: None,
        keys: None,
        profile: None,
        region: None,
        addressing: None,
        allow_http: false,
    }
}

fn finish(mut location: S3Location, query: Option<&str>) -> Result<Location> {
    options::apply(query.unwrap_or_default(), &mut location)?;
    checked(location)
}

fn checked(location: S3Location) -> Result<Location> {
    let named = location.profile.as_deref();
    if named.is_some_and(|name| {
        name.is_empty() || name.chars().any(|c| c.is_control() || "[]".contains(c))
    }) {
        return Err(invalid("the profile has no usable name"));
    }
    if location.keys.is_some() && named.is_some() {
        return Err(invalid(
            "an access key and a profile are given: one is enough",
        ));
    }
    Ok(Location::S3(location))
}

fn split_query(rest: &str) -> (&str, Option<&str>) {
    match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    }
}

/// Splits at the last `@` before the first slash: a secret may hold one, a host cannot.
fn split_user(rest: &str) -> (Option<&str>, &str) {
    let end = rest.find('/').unwrap_or(rest.len());
    match rest.get(..end).and_then(|front| front.rfind('@')) {
        Some(at) => (rest.get(..at), rest.get(at + 1..).unwrap_or_default()),
        None => (None, rest),
    }
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

fn prefix(path: &str) -> Result<String> {
    let doubled = path == "/";
    let path = decode(path.strip_suffix('/').unwrap_or(path))?;
    let bad = |part: &str| part.is_empty() || part == "." || part == "..";
    if path.is_empty() && !doubled {
        Ok(path)
    } else if path.len() > MAX_PREFIX {
        Err(invalid(format!(
            "the prefix is longer than {MAX_PREFIX} bytes"
        )))
    } else if path.chars().any(|c| c.is_control() || c == '\\') {
        Err(invalid(
            "the prefix holds a control character or a backslash",
        ))
    } else if path.split('/').any(bad) {
        Err(invalid(
            "the prefix has an empty part, or one that is . or ..",
        ))
    } else {
        Ok(path)
    }
}

/// Checks `host[:port]` and gives the host, without brackets.
fn host_of(authority: &str) -> Result<String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest
                .split_once(']')
                .ok_or_else(|| invalid("a bracket is open"))?;
            if host.parse::<Ipv6Addr>().is_err() {
                return Err(invalid("there is no IPv6 address between the brackets"));
            }
            (
                host,
                port.strip_prefix(':').or((!port.is_empty()).then_some("?")),
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err(invalid("the host is missing"));
    }
    if port.is_some_and(|port| !matches!(port.parse::<u16>(), Ok(1..))) {
        return Err(invalid("the port is no number from 1 to 65535"));
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    if !authority.starts_with('[') && !host.trim_end_matches('.').split('.').all(label) {
        return Err(invalid("the host has no usable name"));
    }
    Ok(host.to_ascii_lowercase())
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

/// Whether a host (without brackets) can only be this machine.
pub(in crate::store) fn is_loopback(host: &str) -> bool {
    let name = host.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// Decodes percent escapes.
pub(super) fn decode(text: &str) -> Result<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        let decoded = digit()
            .zip(digit())
            .and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        out.push(decoded.ok_or_else(|| {
            invalid("a percent sign has no two hex digits after it")
                .with_hint("write a percent sign as %25")
        })?);
    }
    String::from_utf8(out).map_err(|_| invalid("its percent escapes are no UTF-8"))
}

/// The text without what may be secret: everything before the last `@` (a secret with a
/// slash in it that nobody escaped), and the values of options.
fn redact(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => ("***@", rest),
        None => ("", rest),
    };
    let (rest, query) = split_query(rest);
    let query = query.map_or("", |_| "?…");
    format!("{scheme}://{user}{rest}{query}")
}
