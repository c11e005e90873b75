//! What git-lfs says: one line of JSON at a time (its docs/custom-transfers.md).

use pail::{Error, ErrorKind, Result};
use serde::Deserialize;
use std::path::PathBuf;

/// A message of git-lfs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The first one.
    Init {
        /// A name, or a URL.
        remote: String,
    },
    /// An object is to go up.
    Upload {
        /// Its name, as it was said.
        oid: String,
        /// Its bytes.
        size: i64,
        /// The file that has them.
        path: PathBuf,
    },
    /// An object is to come down.
    Download {
        /// Its name, as it was said.
        oid: String,
        /// Its bytes.
        size: i64,
    },
    /// The last one.
    Terminate,
}

#[derive(Deserialize)]
struct Fields {
    event: String,
    operation: Option<String>,
    remote: Option<String>,
    oid: Option<String>,
    size: Option<i64>,
    path: Option<PathBuf>,
}

impl Message {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if it is no message that this protocol has.
    pub fn parse(line: &[u8]) -> Result<Self> {
        let fields: Fields = serde_json::from_slice(line)
            .map_err(|error| odd(line, &format!("it is no message: {error}")))?;
        let lacks = |field: &str| odd(line, &format!("it lacks '{field}'"));
        let oid = fields.oid.ok_or_else(|| lacks("oid"));
        let size = fields.size.ok_or_else(|| lacks("size"));
        match &*fields.event {
            "init" => match fields.operation.as_deref() {
                Some("upload" | "download") => Ok(Self::Init {
                    remote: fields.remote.unwrap_or_default(),
                }),
                _ => Err(odd(line, "its operation is neither upload nor download")),
            },
            "upload" => Ok(Self::Upload {
                oid: oid?,
                size: size?,
                path: fields.path.ok_or_else(|| lacks("path"))?,
            }),
            "download" => Ok(Self::Download {
                oid: oid?,
                size: size?,
            }),
            "terminate" => Ok(Self::Terminate),
            _ => Err(odd(line, "this agent does not know its event")),
        }
    }
}

fn odd(line: &[u8], why: &str) -> Error {
    let shown = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
    let message = format!("cannot understand git-lfs: {why}: {}", shown.escape_debug());
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of docs/custom-transfers.md.
    #[test]
    fn the_examples_of_the_protocol_are_understood() {
        let init = br#"{ "event": "init", "operation": "download", "remote": "origin", "concurrent": true, "concurrenttransfers": 3 }"#;
        let remote = "origin".to_owned();
        assert_eq!(Message::parse(init).unwrap(), Message::Init { remote });
        let oid = "bf3e3e2af9366a3b704ae0c31de5afa64193ebabffde2091936ad2e7510bc03a";
        let upload = format!(
            r#"{{ "event": "upload", "oid": "{oid}", "size": 346232, "path": "/path/to/file.png", "action": {{ "href": "nfs://server/path", "header": {{ "key": "value" }} }} }}"#
        );
        let expected = Message::Upload {
            oid: oid.to_owned(),
            size: 346_232,
            path: "/path/to/file.png".into(),
        };
        assert_eq!(Message::parse(upload.as_bytes()).unwrap(), expected);
        let download =
            format!(r#"{{ "event": "download", "oid": "{oid}", "size": 21245, "action": null }}"#);
        let expected = Message::Download {
            oid: oid.to_owned(),
            size: 21_245,
        };
        assert_eq!(Message::parse(download.as_bytes()).unwrap(), expected);
        let end = br#"{ "event": "terminate" }"#;
        assert_eq!(Message::parse(end).unwrap(), Message::Terminate);
    }

    #[test]
    fn anything_else_is_an_error_that_says_what_it_was() {
        for bad in [
            "",
            "hello",
            "[]",
            r#"{"event":"dance"}"#,
            r#"{"event":"init"}"#,
            r#"{"event":"init","operation":"verify","remote":"origin"}"#,
            r#"{"event":"upload","oid":"1","size":1}"#,
            r#"{"event":"download","oid":"1"}"#,
            r#"{"event":"download","oid":1,"size":1}"#,
            r#"{"event":"download","oid":"1","size":1e99}"#,
        ] {
            let error = Message::parse(bad.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
        }
        let long = format!(r#"{{"event":"{}"}}"#, "x".repeat(100_000));
        let error = Message::parse(long.as_bytes()).unwrap_err();
        assert!(error.to_string().len() < 1000);
    }
}
