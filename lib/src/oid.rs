//! Object ids and the hash that names them.

use crate::error::{Error, ErrorKind};
use std::fmt;
use std::str::FromStr;

/// The hash function that names a repository's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ObjectFormat {
    /// SHA-1, 20 bytes.
    #[default]
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
}

impl ObjectFormat {
    /// Git's name for it, as in `extensions.objectFormat`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    /// Bytes of an id, and of the checksum that ends a pack.
    pub fn raw_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Hex digits of an id.
    pub fn hex_len(self) -> usize {
        self.raw_len() * 2
    }
}

impl fmt::Display for ObjectFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ObjectFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            other => Err(Error::new(
                ErrorKind::Unsupported,
                format!("cannot read object format '{other}': only sha1 and sha256 are known"),
            )),
        }
    }
}

/// The id of a git object: 20 or 32 bytes, written as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    len: u8,
    bytes: [u8; 32],
}

impl ObjectId {
    /// Takes the raw bytes of an id; `None` unless there are 20 or 32.
    pub fn from_bytes(raw: &[u8]) -> Option<Self> {
        let len = match raw.len() {
            20 => 20,
            32 => 32,
            _ => return None,
        };
        let mut bytes = [0; 32];
        bytes[..raw.len()].copy_from_slice(raw);
        Some(Self { len, bytes })
    }

    /// Takes 40 or 64 hex digits; `None` for anything else.
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        let len = match hex.len() {
            40 => 20,
            64 => 32,
            _ => return None,
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
        }
        Some(Self { len, bytes })
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The hash function, told by the length.
    pub fn format(&self) -> ObjectFormat {
        if self.len == 20 {
            ObjectFormat::Sha1
        } else {
            ObjectFormat::Sha256
        }
    }

    /// Whether this is git's null id, which stands for "no such ref".
    pub fn is_null(&self) -> bool {
        self.as_bytes().iter().all(|byte| *byte == 0)
    }
}

/// Writes bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hex = [0u8; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.as_bytes()) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        let hex = &hex[..usize::from(self.len) * 2];
        f.pad(std::str::from_utf8(hex).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ObjectId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_hex(text.as_bytes()).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("'{}' is not an object id", text.escape_debug()),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_in_and_comes_out() {
        // The empty tree, as git writes it: `git hash-object -t tree /dev/null`.
        let hex = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        let id: ObjectId = hex.parse().unwrap();
        assert_eq!(id.to_string(), hex);
        assert_eq!(id.format(), ObjectFormat::Sha1);
        let long = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321";
        assert_eq!(
            long.parse::<ObjectId>().unwrap().format(),
            ObjectFormat::Sha256
        );
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for bad in [
            "",
            "4b825d",
            "zb825dc642cb6eb9a060e54bf8d69288fbee4904",
            "4b825dc642cb6eb9a060e54bf8d69288fbee49040",
        ] {
            assert!(bad.parse::<ObjectId>().is_err(), "{bad}");
        }
    }
}
