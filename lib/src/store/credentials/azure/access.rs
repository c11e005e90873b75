//! What requests are signed with.

use super::Found;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// What requests are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Access {
    /// The account's key, in Base64.
    Key(Secret),
    /// A shared access signature: the query that is added to every request.
    Sas(Secret),
    /// A token of Entra, Azure's directory of users.
    Bearer(Secret),
}

impl Access {
    /// An account's key that came in as text, without what copying adds around it.
    pub(super) fn key(text: &str, account: &str, source: &str) -> Result<Found> {
        let text = text.trim();
        if text.is_empty() || BASE64_STANDARD.decode(text).is_err() {
            return Err(wrong("account's key", source, "it is no Base64"));
        }
        let origin = format!("{source} (key of the account {account})");
        Ok(found(Self::Key(Secret::new(text)), None, origin))
    }

    /// A shared access signature, as a query with or without its question mark.
    pub(super) fn sas(text: &str, source: &str) -> Result<Found> {
        let text = text.trim().trim_start_matches('?');
        let graphic = text.chars().all(|c| c.is_ascii_graphic());
        let signed = text.split('&').any(|pair| pair.starts_with("sig="));
        if !graphic || !signed {
            return Err(wrong("shared access signature", source, "it is none"));
        }
        let origin = format!("{source} (shared access signature)");
        Ok(found(Self::Sas(Secret::new(text)), None, origin))
    }

    /// A token, and when it ends.
    pub(super) fn bearer(token: &str, expires: i64, source: &str) -> Result<Found> {
        let token = token.trim();
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(wrong(
                "token",
                source,
                "it is empty or holds odd characters",
            ));
        }
        let access = Self::Bearer(Secret::new(token));
        Ok(found(access, Some(expires), source.to_owned()))
    }
}

fn found(credential: Access, expires: Option<i64>, origin: String) -> Found {
    Found {
        credential,
        expires,
        origin,
    }
}

fn wrong(what: &str, source: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("cannot use the {what} from {source}: {why}"),
    )
}
