//! What became of one edit, in git's own words.

use std::fmt;

/// What became of the edit of one ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The ref has its new value.
    Updated,
    /// The ref already had it; nothing was written for it.
    UpToDate,
    /// The ref was left as it is.
    Refused(Refusal),
}

/// Why a ref was left as it is.
///
/// The words are those that git's transport-helper knows or that receive-pack uses, so
/// that git prints its own hints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The ref moved since it was read: `fetch first`.
    FetchFirst,
    /// The ref is not where the lease says: `stale info`.
    StaleInfo,
    /// The ref that was to be made exists by now: `already exists`.
    AlreadyExists,
    /// The old or the new value is no commit, so that nothing says which of them is newer:
    /// `needs force`.
    NeedsForce,
    /// Another ref of an `--atomic` push was refused: `atomic push failed`.
    AtomicPushFailed,
    /// The pushed history has holes: `shallow update not allowed`.
    Shallow,
    /// The new name and an existing one cannot both be files: `'a' exists; cannot create 'a/b'`.
    Conflict {
        /// The ref that is there.
        exists: String,
        /// The ref that was asked for.
        create: String,
    },
    /// The ref is protected, and would be deleted or rewound.
    Protected {
        /// Whether it would be deleted.
        deletion: bool,
    },
    /// Anything else, in words for people.
    Other(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FetchFirst => f.write_str("fetch first"),
            Self::StaleInfo => f.write_str("stale info"),
            Self::AlreadyExists => f.write_str("already exists"),
            Self::NeedsForce => f.write_str("needs force"),
            Self::AtomicPushFailed => f.write_str("atomic push failed"),
            Self::Shallow => f.write_str("shallow update not allowed"),
            Self::Conflict { exists, create } => {
                write!(f, "'{exists}' exists; cannot create '{create}'")
            }
            Self::Protected { deletion } => {
                let why = if *deletion {
                    "no deletion"
                } else {
                    "no rewinding"
                };
                write!(f, "protected ref: {why}")
            }
            Self::Other(why) => f.write_str(why),
        }
    }
}
