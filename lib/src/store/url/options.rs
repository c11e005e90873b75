//! The query of a URL: options by name, and what a wrong name was meant to be.

use super::parse::{decode, invalid};
use super::{Addressing, S3Location};
use crate::error::Result;

const NAMES: [&str; 4] = ["region", "profile", "addressing", "allow_http"];

/// Applies the options of a query to a location.
pub(super) fn apply(query: &str, location: &mut S3Location) -> Result<()> {
    let mut seen = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = *NAMES
            .iter()
            .find(|known| **known == name)
            .ok_or_else(|| unknown(name))?;
        if seen.contains(&name) {
            return Err(invalid(format!("the option '{name}' stands there twice")));
        }
        seen.push(name);
        let value = decode(value)?;
        if value.is_empty() || value.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(invalid(format!("the option '{name}' needs a value")));
        }
        set(name, value, location)?;
    }
    Ok(())
}

fn set(name: &str, value: String, location: &mut S3Location) -> Result<()> {
    match (name, value.as_str()) {
        ("region", region) if is_name(region) => location.region = Some(value),
        ("profile", _) => match &location.profile {
            Some(other) if *other != value => {
                return Err(invalid("two different profiles are named"));
            }
            _ => location.profile = Some(value),
        },
        ("addressing", "path") => location.addressing = Some(Addressing::Path),
        ("addressing", "virtual") => location.addressing = Some(Addressing::Virtual),
        ("allow_http", "true") => location.allow_http = true,
        ("allow_http", "false") => location.allow_http = false,
        _ => {
            let want = match name {
                "addressing" => "path or virtual",
                "allow_http" => "true or false",
                _ => "a name of letters, digits and hyphens",
            };
            return Err(invalid(format!("the option '{name}' must be {want}")));
        }
    }
    Ok(())
}

/// Whether a region can stand in a host name and in a signature.
pub(in crate::store) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= 63 && text.chars().all(plain)
}

fn unknown(name: &str) -> crate::error::Error {
    let near: Vec<&str> = NAMES
        .into_iter()
        .filter(|known| distance(known, &name.to_ascii_lowercase()) <= 2 + known.len() / 5)
        .collect();
    let shown: String = name.chars().take(40).filter(|c| !c.is_control()).collect();
    let error = invalid(format!("there is no option '{shown}'"));
    if near.is_empty() {
        error.with_hint(format!("the options are {}", NAMES.join(", ")))
    } else {
        error.with_hint(format!("did you mean {}?", near.join(" or ")))
    }
}

/// How many letters must be added, dropped or changed to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let change = above[j] + usize::from(from != *to);
            row.push(change.min(above[j + 1] + 1).min(row[j] + 1));
        }
        above = row;
    }
    above[b.len()]
}
