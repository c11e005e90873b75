//! The repository's own settings, in one table: what stands under `settings` in the manifest.

mod held;
mod words;

pub use words::{find, full_pattern, parse, show_time};

use crate::refs::RefName;
use crate::refs::pattern;
use serde_json::Value;

/// The feature that a manifest with protected refs requires: a writer that does not know of
/// them would rewind them.
pub const PROTECTED_REFS: &str = "protected-refs";

/// The push option that overrides protection, and that the log keeps.
pub const OVERRIDE_PROTECTION: &str = "override-protection";

/// The push option that goes over locks of others, and that the log keeps.
pub const OVERRIDE_LOCKS: &str = "override-locks";

/// Most protected patterns; each stands in every manifest.
pub const MAX_PROTECTED: usize = 256;

/// What a setting can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Patterns of refs, by their full names.
    Patterns,
    /// A time in seconds.
    Time,
    /// On or off.
    Switch,
}

/// One setting of a repository.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name, as it stands in the manifest.
    pub name: &'static str,
    /// What it can be.
    pub kind: Kind,
    /// What it is if it is not set, in words.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// Refs that are neither deleted nor rewound.
pub const PROTECTED: Setting = Setting {
    name: "protected",
    kind: Kind::Patterns,
    default: "none",
    help: "Refs that may be made and may advance, but are neither deleted nor rewound",
};

/// How long what is no longer needed stays in the bucket.
pub const RETENTION: Setting = Setting {
    name: "retention",
    kind: Kind::Time,
    default: "14d",
    help: "How long files that nothing needs any more stay in the bucket, for slow readers and for `git pail restore`",
};

/// The retention where none is set, in seconds: 14 days.
pub const DEFAULT_RETENTION: i64 = 14 * 86_400;

/// Whether pushes heed the locks.
pub const LOCKS: Setting = Setting {
    name: "locks",
    kind: Kind::Switch,
    default: "off",
    help: "Whether a push is refused that changes a path which somebody else has locked. The first lock turns it on",
};

/// How long the push log remembers.
pub const LOG_RETENTION: Setting = Setting {
    name: "log-retention",
    kind: Kind::Time,
    default: "forever",
    help: "How long the push log remembers who moved what; what `retention` covers is never forgotten. Whole parts of the log go, once all of their entries are older",
};

/// How long an upload that was begun and not ended stays.
pub const UNFINISHED_UPLOADS: Setting = Setting {
    name: "unfinished-uploads",
    kind: Kind::Time,
    default: "14d",
    help: "How long an upload in parts that was begun and not ended stays in the bucket before the maintenance task gc throws it away; a push that is repeated within this time goes on where it was",
};

/// The time for unfinished uploads where none is set, in seconds: 14 days.
pub const DEFAULT_UNFINISHED: i64 = 14 * 86_400;

/// Every setting that this program knows.
pub const ALL: &[Setting] = &[
    PROTECTED,
    RETENTION,
    LOCKS,
    LOG_RETENTION,
    UNFINISHED_UPLOADS,
];

/// One change of the settings. It can be laid over any newer manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingEdit {
    /// A setting takes this value.
    Set(&'static str, Value),
    /// A setting goes back to its default.
    Unset(&'static str),
    /// One more pattern is protected.
    Protect(String),
    /// One pattern less is protected.
    Unprotect(String),
}

/// Whether one of the patterns means this ref, by its whole name.
#[must_use]
pub fn is_protected(patterns: &[&str], name: &RefName) -> bool {
    let name = name.as_bytes();
    patterns
        .iter()
        .any(|one| pattern::matches(one.as_bytes(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_whole_names() {
        let name = |text: &str| RefName::new(text).unwrap();
        assert!(is_protected(&["refs/heads/main"], &name("refs/heads/main")));
        assert!(!is_protected(
            &["refs/heads/main"],
            &name("refs/heads/a/refs/heads/main")
        ));
        assert!(is_protected(&["refs/*"], &name("refs/tags/a/b")));
    }
}
