//! What to try, by kind of error, where the error itself does not know better.

use pail::{Error, ErrorKind};

/// The hint for an error; empty if there is nothing to say.
#[must_use]
pub fn hint(error: &Error) -> &str {
    if let Some(hint) = error.hint() {
        return hint;
    }
    match error.kind() {
        ErrorKind::Stale => "fetch, look, and try again",
        ErrorKind::Unavailable => {
            "no proper answer came: check the address and the proxy, or wait a little and try again"
        }
        ErrorKind::InDoubt => "look with `git ls-remote` before you try again",
        ErrorKind::Denied => "check the credentials and what the bucket's policy allows them",
        ErrorKind::Missing => "check the URL",
        ErrorKind::Unsupported => "a newer git-pail or another kind of bucket may be needed",
        ErrorKind::Corrupt => {
            "the bucket holds something that it should not; `git pail fsck` says what, and what mends it"
        }
        _ => "",
    }
}
