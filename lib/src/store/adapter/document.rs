//! The documents of services, and their text made fit to be shown.

use super::asked::{Asked, Place};
use crate::error::Result;
use crate::store::adapter::http::Refusal;
use serde::de::DeserializeOwned;
use std::fmt::Write as _;

/// Longest text of a service that is passed on.
const MAX_TEXT: usize = 300;

/// Reads an XML document.
pub(super) fn read<T: DeserializeOwned>(body: &[u8], asked: &Asked<'_, impl Place>) -> Result<T> {
    quick_xml::de::from_reader(body).map_err(|error| asked.nonsense(one_line(&error.to_string())))
}

/// The text of an element of an error document, still escaped. No parser: documents of
/// services that are not what they should be are no XML either, and nothing here is nested.
pub(super) fn element<'a>(refusal: &'a Refusal, name: &str) -> Option<&'a str> {
    let body = std::str::from_utf8(refusal.body.get(..64 << 10).unwrap_or(&refusal.body)).ok()?;
    let body = body.split_once("<Error")?.1;
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// The service's name for what is wrong.
pub(super) fn code(refusal: &Refusal) -> Option<&str> {
    element(refusal, "Code").filter(|code| is_code(code, ""))
}

/// Whether a text may be the name for what is wrong: letters, digits and some `more`.
pub(super) fn is_code(text: &str, more: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    text.len() <= 64 && text.chars().all(plain)
}

/// A service's text, fit to be shown.
pub(super) fn one_line(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if out.len() + word.len() > MAX_TEXT {
            out.push('…');
            break;
        }
        let space = if out.is_empty() { "" } else { " " };
        let clean: String = word.chars().filter(|c| !c.is_control()).collect();
        let _ = write!(out, "{space}{clean}");
    }
    out
}

/// Undoes the escapes of XML.
pub(super) fn unescape(text: &str) -> String {
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    text.replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&amp;", "&")
}
