//! The addresses of requests that are made here.

use std::fmt::Write as _;

/// The URL of a file, or of the bucket itself if `name` is empty.
pub(super) fn address(bucket: &str, name: &str, query: &[(&str, String)]) -> String {
    let mut url = bucket.to_owned();
    if !name.is_empty() {
        url.push('/');
        escape(name, "/", &mut url);
    }
    let mut sign = '?';
    for (name, value) in query {
        let _ = write!(url, "{sign}{name}=");
        escape(value, "", &mut url);
        sign = '&';
    }
    url
}

/// A text as one part of a path.
pub(super) fn part(text: &str) -> String {
    let mut out = String::new();
    escape(text, "", &mut out);
    out
}

/// Percent escapes for all but letters, digits, `-._~` and what is `plain`.
fn escape(text: &str, plain: &str, out: &mut String) {
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || plain.contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
