//! What a fake of Google does, beyond keeping objects.

use std::time::Duration;

/// How the service behaves.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The one bucket that is there.
    pub bucket: String,
    /// The bearer token that may do everything.
    pub writer: String,
    /// The bearer token that may read and list.
    pub reader: String,
    /// Whether anybody may read without a token.
    pub public: bool,
    /// The project that must pay: `x-goog-user-project` of each request, as
    /// <https://cloud.google.com/storage/docs/requester-pays> has it.
    pub requester_pays: Option<String>,
    /// Time that must lie between two writes to one object. Google says one second:
    /// <https://cloud.google.com/storage/quotas#objects>.
    pub pause: Option<Duration>,
    /// Most objects of one page; Google says 1,000.
    pub page: usize,
    /// Most bytes that one request copies.
    pub rewritten: usize,
    /// What becomes of conditions.
    pub conditions: Conditions,
    /// Whether a check and its write are one step.
    pub atomicity: Atomicity,
    /// The lifecycle configuration of the bucket, as the XML API writes it, without the
    /// outermost element.
    pub lifecycle: String,
    /// Whether the bucket keeps old versions.
    pub versioning: bool,
    /// Whether the bucket is not there before somebody makes it.
    pub absent: bool,
}

/// What becomes of `x-goog-if-generation-match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditions {
    /// They hold or the request fails.
    Kept,
    /// They are passed over: what a service that is no Google may do.
    Ignored,
}

/// Whether a check and its write are one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atomicity {
    /// They are, as Google promises.
    OneStep,
    /// They are two, with others in between: what the tests must find out.
    TwoSteps,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            bucket: "pail-test".to_owned(),
            writer: "ya29.the-token-that-may-write".to_owned(),
            reader: "ya29.the-token-that-may-read".to_owned(),
            public: false,
            requester_pays: None,
            pause: None,
            page: 1000,
            rewritten: 64 << 20,
            conditions: Conditions::Kept,
            atomicity: Atomicity::OneStep,
            lifecycle: String::new(),
            versioning: false,
            absent: false,
        }
    }
}
