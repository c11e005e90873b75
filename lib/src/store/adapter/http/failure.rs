//! Why there is no answer, or no whole answer.

use crate::error::ErrorKind;
use std::fmt;
use std::time::Duration;

/// Why there is no answer, or no whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Failure {
    /// No connection came about: nothing was sent.
    Unsent(String),
    /// The service showed a certificate that nobody here trusts: nothing was sent.
    Untrusted(String),
    /// The proxy that is set cannot be one: nothing was sent.
    Unusable(String),
    /// The proxy does not let us through: the service has seen nothing.
    Barred(String),
    /// The request, or part of it, was sent; the answer did not come, or not to its end.
    Cut(String),
}

impl Failure {
    pub(super) fn cut(error: &hyper::Error) -> Self {
        Self::Cut(chain(error))
    }

    pub(super) fn stalled(after: Duration) -> Self {
        Self::Cut(format!(
            "next to nothing came for {} s",
            after.as_secs_f32()
        ))
    }

    /// What a caller can do about it.
    pub(in crate::store) fn kind(&self) -> ErrorKind {
        match self {
            Self::Unsent(_) | Self::Cut(_) => ErrorKind::Unavailable,
            Self::Untrusted(_) | Self::Unusable(_) => ErrorKind::Invalid,
            Self::Barred(_) => ErrorKind::Denied,
        }
    }

    /// What to try.
    pub(in crate::store) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unsent(_) | Self::Cut(_) => None,
            Self::Untrusted(_) => Some(
                "if the service is the right one, name its authority's certificate in the option \
                 ca-file, or in AWS_CA_BUNDLE",
            ),
            Self::Unusable(_) => {
                Some("a proxy is written http://host:port, https://… or socks5h://…")
            }
            Self::Barred(_) => Some(
                "put name and password into the proxy's URL, or name the service in NO_PROXY if \
                 it can be reached without the proxy",
            ),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsent(why) => write!(f, "no connection: {why}"),
            Self::Untrusted(why) => write!(f, "the service's certificate is not trusted: {why}"),
            Self::Unusable(why) | Self::Barred(why) => f.write_str(why),
            Self::Cut(why) => write!(f, "the connection broke: {why}"),
        }
    }
}

impl std::error::Error for Failure {}

/// The innermost reason of an error, and what it was about.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = error.source();
    }
    text
}
