//! `bucket=` and what belongs to it: an S3 service, as git-annex's own remote names it.

use super::{Parameters, invalid};
use crate::error::Result;
use crate::store::Location;
use crate::store::options::{Given, Origin};
use std::net::IpAddr;

/// The address of Amazon, by any of its parts of the world.
const AMAZON: &str = "s3.amazonaws.com";

/// The bucket, and the options that the other parameters come to.
pub(super) fn location(all: &Parameters, bucket: &str) -> Result<(Location, Vec<Given>)> {
    let bucket = bucket.to_lowercase();
    let host = all.get("host").unwrap_or(AMAZON).to_ascii_lowercase();
    if host.ends_with(".archive.org") || host == "archive.org" {
        return Err(invalid("the Internet Archive is no store of this kind")
            .with_hint("use git-annex's own remote for it: type=S3"));
    }
    let mut given = Vec::new();
    let mut say = |parameter: &str, option: &str, value: &str| {
        given.push(Given {
            origin: Origin::Parameter(parameter.to_owned()),
            name: option.to_owned(),
            value: value.to_owned(),
        });
    };
    match all.get("signature") {
        None | Some("v4") => {}
        Some("anonymous") => say("signature", "anonymous", "true"),
        Some(_) => {
            return Err(invalid("signature= can be v4 or anonymous")
                .with_hint("services that know version 2 only are very old: use git-annex's own remote for them, type=S3"));
        }
    }
    let style = match all.get("requeststyle") {
        None => None,
        Some("path") => Some("path"),
        Some("virtual") => Some("virtual"),
        Some(_) => return Err(invalid("requeststyle= can be path, or left out")),
    };
    if host == AMAZON {
        let datacenter = all
            .get("datacenter")
            .map(|name| ("datacenter", region(name)));
        let own = all.get("region").map(|name| ("region", name));
        if let Some((parameter, name)) = own.or(datacenter) {
            say(parameter, "region", name);
        }
        if let Some(style) = style {
            say("requeststyle", "addressing", style);
        }
        let text = format!("s3://{bucket}");
        return Ok((Location::parse(&text)?, given));
    }
    if let Some(region) = all.get("region") {
        say("region", "region", region);
    }
    // The certificate of a service is for one more label in front of its name, and no more.
    let plain = !bucket.contains('.');
    let by_name = !(host.parse::<IpAddr>().is_ok() || host == "localhost" || host.contains(':'));
    let usual = if by_name && plain { "virtual" } else { "path" };
    if style.unwrap_or(usual) == "virtual" {
        say("requeststyle", "addressing", "virtual");
    }
    let secure = match (all.get("protocol"), all.get("port")) {
        (Some("https"), _) => true,
        (Some("http"), _) => {
            say("protocol", "allow-http", "true");
            false
        }
        (Some(_), _) => return Err(invalid("protocol= can be http or https")),
        (None, port) => port != Some("80"),
    };
    let scheme = if secure { "s3+https" } else { "s3+http" };
    let port = match (all.get("port"), secure) {
        (None, _) | (Some("443"), true) | (Some("80"), false) => String::new(),
        (Some(port), _) => format!(":{port}"),
    };
    let authority = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host
    };
    let location = Location::parse(&format!("{scheme}://{authority}{port}/{bucket}"))?;
    Ok((location, given))
}

/// The region of what Amazon once called a data centre.
fn region(datacenter: &str) -> &str {
    match datacenter {
        "US" => "us-east-1",
        "EU" => "eu-west-1",
        other => other,
    }
}
