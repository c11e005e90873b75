//! What git-lfs is told: one line of JSON at a time.

use crate::ui::hints;
use pail::{Error, ErrorKind};
use serde_json::{Value, json};
use std::path::Path;

/// An answer to git-lfs.
#[derive(Debug, Clone)]
pub enum Reply<'a> {
    /// Ready for transfers.
    Ready,
    /// So many bytes of an object have moved.
    Progress {
        /// The object.
        oid: &'a str,
        /// All that have.
        so_far: u64,
        /// Those since the last such message.
        since_last: u64,
    },
    /// An object is where it shall be; on the way down, in this file.
    Complete {
        /// The object.
        oid: &'a str,
        /// The file that is git-lfs's from here on.
        path: Option<&'a Path>,
    },
    /// A transfer failed; the next one may go well.
    Failed {
        /// The object, as git-lfs named it.
        oid: &'a str,
        /// Why.
        error: &'a Error,
    },
}

impl Reply<'_> {
    /// The line.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let value = match self {
            Self::Ready => json!({}),
            Self::Progress {
                oid,
                so_far,
                since_last,
            } => json!({
                "event": "progress",
                "oid": oid,
                "bytesSoFar": so_far,
                "bytesSinceLast": since_last,
            }),
            Self::Complete { oid, path: None } => json!({ "event": "complete", "oid": oid }),
            Self::Complete {
                oid,
                path: Some(path),
            } => json!({ "event": "complete", "oid": oid, "path": path.to_string_lossy() }),
            Self::Failed { oid, error } => {
                json!({ "event": "complete", "oid": oid, "error": told(error) })
            }
        };
        let mut line = value.to_string().into_bytes();
        line.push(b'\n');
        line
    }
}

/// An error with its hint: git-lfs shows nothing but this, on one line.
fn told(error: &Error) -> Value {
    let hint = hints::hint(error);
    let message = match hint.is_empty() {
        true => error.to_string(),
        false => format!("{error} (hint: {hint})"),
    };
    json!({ "code": code(error.kind()), "message": message.replace('\n', " ") })
}

/// The number that git-lfs puts in front: that of HTTP for the same thing.
fn code(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::Denied => 403,
        ErrorKind::Missing => 404,
        ErrorKind::Stale | ErrorKind::InDoubt => 409,
        ErrorKind::Invalid => 422,
        ErrorKind::Unsupported => 501,
        ErrorKind::Corrupt => 502,
        ErrorKind::Unavailable => 503,
        _ => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(reply: &Reply<'_>) -> Value {
        let bytes = reply.to_bytes();
        let (last, line) = bytes.split_last().unwrap();
        assert_eq!((*last, line.contains(&b'\n')), (b'\n', false));
        serde_json::from_slice(line).unwrap()
    }

    /// The examples of docs/custom-transfers.md.
    #[test]
    fn replies_are_what_the_protocol_says() {
        let oid = "22ab5f63670800cc7be06dbed816012b0dc411e774754c7579467d2536a9cf3e";
        assert_eq!(line(&Reply::Ready), json!({}));
        let progress = Reply::Progress {
            oid,
            so_far: 1234,
            since_last: 64,
        };
        assert_eq!(
            line(&progress),
            json!({ "event": "progress", "oid": oid, "bytesSoFar": 1234, "bytesSinceLast": 64 })
        );
        let up = Reply::Complete { oid, path: None };
        assert_eq!(line(&up), json!({ "event": "complete", "oid": oid }));
        let down = Reply::Complete {
            oid,
            path: Some(Path::new("/path/to/file.png")),
        };
        assert_eq!(
            line(&down),
            json!({ "event": "complete", "oid": oid, "path": "/path/to/file.png" })
        );
        let error = Error::new(ErrorKind::Missing, "gone\naway").with_hint("look");
        let failed = Reply::Failed { oid, error: &error };
        assert_eq!(
            line(&failed),
            json!({
                "event": "complete",
                "oid": oid,
                "error": { "code": 404, "message": "gone away (hint: look)" }
            })
        );
    }
}
