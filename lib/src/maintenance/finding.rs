//! Something that a check found.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know; nothing has to be done.
    Note,
    /// Nothing is lost, and something should be done.
    Warning,
    /// Something is lost, or does not work.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Something that a check found: what, why it is told, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The kind of finding, a word that does not change: `missing-file`, `leftovers` …
    pub code: &'static str,
    /// What it is about: a key, a ref, a setting.
    pub subject: String,
    /// What is wrong with it, in words.
    pub reason: String,
    /// What mends it, in words; nothing where nothing has to be done.
    pub mend: Option<String>,
}

impl Finding {
    /// A finding of which no mend is known yet.
    pub fn new(
        severity: Severity,
        code: &'static str,
        subject: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code,
            subject: subject.into(),
            reason: reason.into(),
            mend: None,
        }
    }

    /// The same with what mends it.
    #[must_use]
    pub fn with_mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}
