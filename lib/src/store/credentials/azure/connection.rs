//! Connection strings: `AccountName=…;AccountKey=…;EndpointSuffix=…`

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// What the development storage is called in a connection string, its account and key:
/// published by Microsoft, the same for everybody.
const DEVELOPMENT: [(&str, &str); 3] = [
    ("AccountName", "devstoreaccount1"),
    (
        "AccountKey",
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    ),
    ("BlobEndpoint", "http://127.0.0.1:10000/devstoreaccount1"),
];

/// What a connection string says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Connection {
    pub(in crate::store) account: Option<String>,
    pub(super) key: Option<Secret>,
    pub(super) sas: Option<Secret>,
    /// The address of the Blob service, the account in it.
    pub(in crate::store) endpoint: Option<String>,
    /// What stands behind `blob.` in the host.
    pub(in crate::store) suffix: Option<String>,
    /// `http` or `https`.
    pub(in crate::store) protocol: Option<String>,
}

impl Connection {
    /// Reads a connection string.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`]; it repeats nothing of it.
    pub(super) fn parse(text: &str, source: &str) -> Result<Self> {
        let mut out = Self::default();
        for pair in text.trim().split(';').map(str::trim) {
            if pair.is_empty() {
                continue;
            }
            let Some((name, value)) = pair.split_once('=') else {
                return Err(wrong(source, "a part of it has no ="));
            };
            out.set(name.trim(), value.trim());
        }
        if out.key.is_none() && out.sas.is_none() {
            return Err(wrong(
                source,
                "it has neither an AccountKey nor a SharedAccessSignature",
            ));
        }
        let protocols = ["http", "https"];
        if out
            .protocol
            .as_deref()
            .is_some_and(|name| !protocols.contains(&name))
        {
            return Err(wrong(
                source,
                "DefaultEndpointsProtocol is neither http nor https",
            ));
        }
        Ok(out)
    }

    /// Names are compared ignoring case; those of other services are passed over.
    fn set(&mut self, name: &str, value: &str) {
        let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
        let secret = || text().map(Secret::new);
        match &*name.to_ascii_lowercase() {
            "accountname" => self.account = text(),
            "accountkey" => self.key = secret(),
            "sharedaccesssignature" => self.sas = secret(),
            "blobendpoint" => self.endpoint = text(),
            "endpointsuffix" => self.suffix = text(),
            "defaultendpointsprotocol" => {
                self.protocol = text().map(|name| name.to_ascii_lowercase())
            }
            "usedevelopmentstorage" if value.eq_ignore_ascii_case("true") => {
                for (name, value) in DEVELOPMENT {
                    self.set(name, value);
                }
            }
            _ => {}
        }
    }
}

fn wrong(source: &str, why: &str) -> Error {
    let what = format!("cannot use the connection string in {source}: {why}");
    Error::new(ErrorKind::Invalid, what)
        .with_hint("az storage account show-connection-string prints a good one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_is_read_as_documented() {
        // The forms of "Configure Azure Storage connection strings".
        let text = "DefaultEndpointsProtocol=https;AccountName=team;AccountKey=a2V5PT09==;\
                    EndpointSuffix=core.chinacloudapi.cn";
        let read = Connection::parse(text, "X").expect("a good one");
        assert_eq!(read.account.as_deref(), Some("team"));
        assert_eq!(read.key, Some(Secret::new("a2V5PT09==")));
        assert_eq!(read.suffix.as_deref(), Some("core.chinacloudapi.cn"));
        assert_eq!(read.protocol.as_deref(), Some("https"));
        let text = "BlobEndpoint=https://team.blob.core.windows.net/;QueueEndpoint=https://q/;\
                    SharedAccessSignature=sv=2023-11-03&sig=a%2Bb%3D";
        let read = Connection::parse(text, "X").expect("a good one");
        assert_eq!(read.sas, Some(Secret::new("sv=2023-11-03&sig=a%2Bb%3D")));
        let endpoint = "https://team.blob.core.windows.net/";
        assert_eq!(read.endpoint.as_deref(), Some(endpoint));
        let read = Connection::parse("UseDevelopmentStorage=true;", "X").expect("a good one");
        assert_eq!(read.account.as_deref(), Some("devstoreaccount1"));
        assert!(read.key.is_some());
    }

    #[test]
    fn what_is_no_connection_string_is_said_without_repeating_it() {
        for text in [
            "hush",
            "AccountName=hush",
            "AccountKey=",
            "AccountKey=hush;hush",
        ] {
            let error = Connection::parse(text, "X").expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
        }
    }
}
