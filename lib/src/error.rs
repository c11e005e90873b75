//! The one error of the library: what went wrong, and what its caller can do about it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Fetch, look, and push again.
    Stale,
    /// Wait and try the same thing again.
    Unavailable,
    /// The write may have landed; read before trying again.
    InDoubt,
    /// Fix the credentials or the bucket's policy.
    Denied,
    /// The thing that was named is not there.
    Missing,
    /// The file lies in an archive: ask for it back, and try again when it is there.
    Archived,
    /// Fix the command, the URL or the configuration.
    Invalid,
    /// Use a newer version of this program, or another kind of bucket.
    Unsupported,
    /// The bucket holds something it should not; look with `git pail ls`.
    Corrupt,
    /// The local repository or the local disk failed.
    Local,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stale => "stale",
            Self::Unavailable => "unavailable",
            Self::InDoubt => "in doubt",
            Self::Denied => "denied",
            Self::Missing => "missing",
            Self::Archived => "archived",
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
            Self::Corrupt => "corrupt",
            Self::Local => "local failure",
        })
    }
}

/// What went wrong: a kind for programs, a message for people, a hint of what to try.
///
/// The message names the act, the thing and the reason. No caller reads it to decide
/// anything: that is what [`Error::kind`] is for.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    pause: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            pause: None,
            source: None,
        }))
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds what to try; a hint that is there already is kept.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Says that the other side wants to be asked less, and not before this time has passed.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.0.pause = Some(pause);
        self
    }

    /// Puts the act that failed in front of the message.
    #[must_use]
    pub fn context(mut self, act: impl fmt::Display) -> Self {
        self.0.message = format!("{act}: {}", self.0.message);
        self
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// How long the other side wants to be left alone, if it asked to be asked less; zero if
    /// it did not say.
    pub fn pause(&self) -> Option<Duration> {
        self.0.pause
    }

    /// What to try, where something better than the kind's general advice is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Names the act and the thing of a failed local operation.
pub trait IoContext<T> {
    /// Turns an I/O error into an [`ErrorKind::Local`] error: `cannot <act>: <reason>`.
    ///
    /// # Errors
    ///
    /// The error that was there, with its context.
    fn during(self, act: impl FnOnce() -> String) -> Result<T>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn during(self, act: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| {
            let full = error.kind() == std::io::ErrorKind::StorageFull;
            let out = Error::new(ErrorKind::Local, format!("cannot {}: {error}", act()))
                .with_source(error);
            if full {
                out.with_hint("the disk is full: make room and try again")
            } else {
                out
            }
        })
    }
}
