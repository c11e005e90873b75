//! Bytes in JSON: names of refs need not be UTF-8, JSON strings must be.
//!
//! Each byte that is not part of valid UTF-8 is written `%XX`, and so is `%` itself.
//! Everything else stands as it is.

use std::fmt::Write;

/// Writes bytes as text.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '%' {
                out.push_str("%25")
            } else {
                out.push(c)
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Reads them back; `None` if a `%` is not followed by two hex digits.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        if *byte == b'%' {
            let digit = |at: usize| char::from(*tail.get(at)?).to_digit(16);
            out.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
            rest = &tail[2..];
        } else {
            out.push(*byte);
            rest = tail;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive() {
        for bytes in [
            &b"refs/heads/main"[..],
            b"refs/heads/caf\xc3\xa9",
            b"refs/heads/caf\xe9",
            b"100%",
            b"%41\xff",
        ] {
            assert_eq!(decode(&encode(bytes)).as_deref(), Some(bytes));
        }
        assert_eq!(encode(b"caf\xe9 100%"), "caf%E9 100%25");
        assert_eq!(decode("%4"), None);
        assert_eq!(decode("%zz"), None);
        assert_eq!(decode("%+f"), None);
    }
}
