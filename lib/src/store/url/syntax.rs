//! The parts that the URLs of all services are made of.

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest prefix in bytes: the clouds allow names of 1,024.
const MAX_PREFIX: usize = 1024 - Key::MAX_LEN - 1;

/// An error about a URL, which never repeats the URL.
pub(super) fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, why)
}

pub(super) fn split_query(rest: &str) -> (&str, Option<&str>) {
    match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    }
}

/// Splits at the last `@` before the first slash: a secret may hold one, a host cannot.
pub(super) fn split_user(rest: &str) -> (Option<&str>, &str) {
    let end = rest.find('/').unwrap_or(rest.len());
    match rest.get(..end).and_then(|front| front.rfind('@')) {
        Some(at) => (rest.get(..at), rest.get(at + 1..).unwrap_or_default()),
        None => (None, rest),
    }
}

pub(super) fn prefix(path: &str) -> Result<String> {
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

/// A service that the URL names itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Host {
    /// Whether the connection is encrypted.
    pub(in crate::store) secure: bool,
    /// Host and port, in lower case.
    pub(in crate::store) authority: String,
}

impl Host {
    pub(super) fn parse(secure: bool, authority: &str) -> Result<Self> {
        host_of(authority)?;
        Ok(Self {
            secure,
            authority: authority.to_ascii_lowercase(),
        })
    }

    /// The host without port and brackets.
    pub(in crate::store) fn name(&self) -> &str {
        match self.authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => self.authority.split(':').next().unwrap_or_default(),
        }
    }

    /// Refuses plain HTTP to another machine, unless it is wanted.
    pub(super) fn check(&self, allow_http: bool) -> Result<()> {
        if self.secure || allow_http || is_loopback(self.name()) {
            return Ok(());
        }
        Err(plain_http(self.name()))
    }

    /// Scheme, host and port.
    pub(in crate::store) fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }
}

/// Writes the parts of a path with slashes between them, those that are not empty.
pub(super) fn write_path(f: &mut fmt::Formatter<'_>, parts: &[&str]) -> fmt::Result {
    let mut slash = "";
    for part in parts.iter().filter(|part| !part.is_empty()) {
        write!(f, "{slash}{part}")?;
        slash = "/";
    }
    Ok(())
}

/// Why plain HTTP to another machine is refused.
pub(in crate::store) fn plain_http(host: &str) -> Error {
    invalid(format!(
        "plain HTTP to {host} would show everything to the network"
    ))
    .with_hint("use https, or add ?allow-http=true to the URL")
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

pub(in crate::store) fn is_address(host: &str) -> bool {
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
                .with_hint("write a percent sign as %25")
        })?);
    }
    String::from_utf8(out).map_err(|_| {
        invalid("its percent escapes are no UTF-8").with_hint("write a percent sign as %25")
    })
}

/// The text without what may be secret: everything before the last `@` (a secret with a
/// slash in it that nobody escaped), and the values of options.
pub(super) fn redact(text: &str) -> String {
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

/// Percent escapes for what would not be read back.
pub(super) fn escape(text: &str) -> String {
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
