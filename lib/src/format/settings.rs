//! The repository's own settings, in one table: what stands under `settings` in the manifest.

use super::{Manifest, corrupt};
use crate::error::{Error, ErrorKind, Result};
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

/// Longest time that can be set, in seconds: a hundred years.
const MAX_TIME: i64 = 100 * 365 * 86_400;

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

impl Manifest {
    /// The patterns of protected refs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the manifest holds something else there.
    pub fn protected(&self) -> Result<Vec<&str>> {
        let bad = || corrupt("the manifest", "'protected' is no list of texts");
        let Some(value) = self.settings.get(PROTECTED.name) else {
            return Ok(Vec::new());
        };
        let list = value.as_array().ok_or_else(bad)?;
        list.iter()
            .map(|one| one.as_str().ok_or_else(bad))
            .collect()
    }

    /// How long what is no longer needed stays in the bucket, in seconds.
    ///
    /// # Errors
    ///
    /// As [`Manifest::protected`].
    pub fn retention(&self) -> Result<i64> {
        Ok(self.time(&RETENTION)?.unwrap_or(DEFAULT_RETENTION))
    }

    /// How long the push log remembers, in seconds: never shorter than the retention; `None`
    /// if it forgets nothing.
    ///
    /// # Errors
    ///
    /// As [`Manifest::protected`].
    pub fn log_retention(&self) -> Result<Option<i64>> {
        let Some(time) = self.time(&LOG_RETENTION)? else {
            return Ok(None);
        };
        Ok(Some(time.max(self.retention()?)))
    }

    /// How long an upload that was begun and not ended stays, in seconds.
    ///
    /// # Errors
    ///
    /// As [`Manifest::protected`].
    pub fn unfinished_uploads(&self) -> Result<i64> {
        Ok(self
            .time(&UNFINISHED_UPLOADS)?
            .unwrap_or(DEFAULT_UNFINISHED))
    }

    /// A setting that is a time, in seconds, if it is set.
    ///
    /// # Errors
    ///
    /// As [`Manifest::protected`].
    pub fn time(&self, setting: &Setting) -> Result<Option<i64>> {
        let Some(value) = self.settings.get(setting.name) else {
            return Ok(None);
        };
        let bad = || {
            let why = format!("'{}' is no number of seconds", setting.name);
            corrupt("the manifest", &why)
        };
        let time = value.as_i64().filter(|time| (0..=MAX_TIME).contains(time));
        time.map(Some).ok_or_else(bad)
    }

    /// Whether pushes heed the locks.
    ///
    /// # Errors
    ///
    /// As [`Manifest::protected`].
    pub fn heeds_locks(&self) -> Result<bool> {
        let Some(value) = self.settings.get(LOCKS.name) else {
            return Ok(false);
        };
        let bad = || corrupt("the manifest", "'locks' is neither true nor false");
        value.as_bool().ok_or_else(bad)
    }

    /// Lays a change over the settings; whether that changed something.
    ///
    /// # Errors
    ///
    /// As [`Manifest::protected`]; [`ErrorKind::Invalid`] if the value is none for it.
    pub fn change_setting(&mut self, edit: &SettingEdit) -> Result<bool> {
        let before = (self.settings.clone(), self.requires.clone());
        match edit {
            SettingEdit::Set(name, value) => {
                check(name, value)?;
                self.settings.insert((*name).to_owned(), value.clone());
            }
            SettingEdit::Unset(name) => {
                self.settings.shift_remove(*name);
            }
            SettingEdit::Protect(pattern) => {
                let mut list = self.protected()?;
                if !list.contains(&pattern.as_str()) {
                    list.push(pattern);
                }
                let value = Value::from(list);
                check(PROTECTED.name, &value)?;
                self.settings.insert(PROTECTED.name.to_owned(), value);
            }
            SettingEdit::Unprotect(pattern) => {
                let list = self.protected()?;
                let left: Vec<_> = list.into_iter().filter(|one| one != pattern).collect();
                if left.is_empty() {
                    self.settings.shift_remove(PROTECTED.name);
                } else {
                    self.settings
                        .insert(PROTECTED.name.to_owned(), Value::from(left));
                }
            }
        }
        let protects = !self.protected()?.is_empty();
        self.requires
            .retain(|feature| protects || feature != PROTECTED_REFS);
        if protects && !self.requires.iter().any(|one| one == PROTECTED_REFS) {
            self.requires.push(PROTECTED_REFS.to_owned());
        }
        Ok(before != (self.settings.clone(), self.requires.clone()))
    }
}

/// Whether one of the patterns means this ref, by its whole name.
#[must_use]
pub fn is_protected(patterns: &[&str], name: &RefName) -> bool {
    let name = name.as_bytes();
    patterns
        .iter()
        .any(|one| pattern::matches(one.as_bytes(), name))
}

/// The setting of this name, compared without case, `-` and `_`.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] naming those that are meant perhaps, or all.
pub fn find(name: &str) -> Result<&'static Setting> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    let asked = plain(name);
    if let Some(found) = ALL.iter().find(|one| plain(one.name) == asked) {
        return Ok(found);
    }
    let near: Vec<_> = ALL
        .iter()
        .map(|one| one.name)
        .filter(|one| distance(one, &asked) <= 2 || (asked.len() > 2 && one.starts_with(&*asked)))
        .collect();
    let hint = if near.is_empty() {
        let all: Vec<_> = ALL.iter().map(|one| one.name).collect();
        format!("the settings are {}", all.join(", "))
    } else {
        format!("is {} meant?", near.join(" or "))
    };
    let message = format!("'{}' is no setting of a repository", name.escape_debug());
    Err(Error::new(ErrorKind::Invalid, message).with_hint(hint))
}

/// How many letters lie between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Reads the words of a command line as the value of a setting.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if they are none.
pub fn parse(setting: &Setting, words: &[String]) -> Result<Value> {
    let value = match (setting.kind, words) {
        (Kind::Patterns, patterns) => {
            let patterns: Result<Vec<String>> = patterns.iter().map(|p| full_pattern(p)).collect();
            Value::from(patterns?)
        }
        (Kind::Time, [time]) => Value::from(parse_time(time)?),
        (Kind::Switch, [word]) if word == "on" || word == "off" => Value::from(word == "on"),
        (Kind::Switch, _) => {
            let message = format!("'{}' is on or off", setting.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        (Kind::Time, _) => {
            let message = format!("'{}' takes one value", setting.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
    };
    check(setting.name, &value)?;
    Ok(value)
}

/// A pattern by its full name: `main` stands for `refs/heads/main`.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if it can fit no ref.
pub fn full_pattern(pattern: &str) -> Result<String> {
    let full = if pattern.starts_with("refs/") {
        pattern.to_owned()
    } else {
        format!("refs/heads/{pattern}")
    };
    check_pattern(&full)?;
    Ok(full)
}

fn check_pattern(pattern: &str) -> Result<()> {
    // A star or a question mark stands for letters: with those it must be a ref's name.
    let sample = pattern.replace(['*', '?'], "x");
    RefName::check(sample.as_bytes()).map_err(|error| {
        let message = format!("'{}' can fit no ref: {error}", pattern.escape_debug());
        Error::new(ErrorKind::Invalid, message)
    })
}

/// `14d`, `36h`, `90m`, `30s`, or seconds.
fn parse_time(text: &str) -> Result<i64> {
    let bad = || {
        let message = format!("'{}' is no time", text.escape_debug());
        Error::new(ErrorKind::Invalid, message).with_hint("write 14d, 36h, 90m or 30s")
    };
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'w')) => (&text[..at], 7 * 86_400),
        Some((at, 'd')) => (&text[..at], 86_400),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 's')) => (&text[..at], 1),
        _ => (text, 1),
    };
    let number: u32 = digits.parse().map_err(|_| bad())?;
    let seconds = i64::from(number).checked_mul(unit).ok_or_else(bad)?;
    (seconds <= MAX_TIME).then_some(seconds).ok_or_else(bad)
}

/// Writes a time as [`parse`] reads it.
#[must_use]
pub fn show_time(seconds: i64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60)];
    let whole = |(_, size): &(&str, i64)| seconds > 0 && seconds % size == 0;
    units.into_iter().find(whole).map_or_else(
        || format!("{seconds}s"),
        |(unit, size)| format!("{}{unit}", seconds / size),
    )
}

fn check(name: &str, value: &Value) -> Result<()> {
    let bad = |why: String| Err(Error::new(ErrorKind::Invalid, why));
    let is_time = |one: &&Setting| one.name == name && one.kind == Kind::Time;
    if ALL.iter().any(|one| is_time(&one)) {
        let fits = value
            .as_i64()
            .is_some_and(|time| (0..=MAX_TIME).contains(&time));
        return if fits {
            Ok(())
        } else {
            bad(format!("{value} is no value for '{name}'"))
        };
    }
    if name == LOCKS.name {
        return if value.is_boolean() {
            Ok(())
        } else {
            bad(format!("{value} is no value for '{name}'"))
        };
    }
    let patterns = value.as_array().map_or(&[][..], Vec::as_slice);
    if patterns.len() > MAX_PROTECTED {
        return bad(format!(
            "{} patterns are too many: {MAX_PROTECTED} can be protected",
            patterns.len()
        ));
    }
    patterns
        .iter()
        .try_for_each(|one| check_pattern(one.as_str().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oid::ObjectFormat;
    use serde_json::json;

    fn manifest() -> Manifest {
        Manifest::new("0".repeat(32), ObjectFormat::Sha1)
    }

    #[test]
    fn a_misspelt_setting_names_the_one_that_is_meant() {
        assert_eq!(find("Retention").unwrap().name, "retention");
        let error = find("retenton").unwrap_err();
        assert_eq!(error.hint(), Some("is retention meant?"));
        let error = find("protect").unwrap_err();
        assert_eq!(error.hint(), Some("is protected meant?"));
        let error = find("colour").unwrap_err();
        assert_eq!(
            error.hint(),
            Some("the settings are protected, retention, locks, log-retention, unfinished-uploads")
        );
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn times_are_read_and_written() {
        for (text, seconds) in [
            ("14d", 1_209_600),
            ("2w", 1_209_600),
            ("36h", 129_600),
            ("90m", 5_400),
            ("7", 7),
        ] {
            assert_eq!(parse_time(text).unwrap(), seconds, "{text}");
        }
        for bad in ["", "d", "-1d", "1y", "1.5d", "99999999999d", "4294967295w"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
        for (seconds, text) in [(1_209_600, "14d"), (129_600, "36h"), (7, "7s"), (0, "0s")] {
            assert_eq!(show_time(seconds), text);
        }
    }

    #[test]
    fn protection_is_a_feature_that_an_older_program_stops_at() {
        let mut manifest = manifest();
        let protect = SettingEdit::Protect("refs/heads/main".to_owned());
        assert!(manifest.change_setting(&protect).unwrap());
        assert!(!manifest.change_setting(&protect).unwrap(), "it is already");
        assert_eq!(manifest.requires, [PROTECTED_REFS]);
        assert_eq!(manifest.protected().unwrap(), ["refs/heads/main"]);
        let other = SettingEdit::Unprotect("refs/heads/x".to_owned());
        assert!(!manifest.change_setting(&other).unwrap());
        let unprotect = SettingEdit::Unprotect("refs/heads/main".to_owned());
        assert!(manifest.change_setting(&unprotect).unwrap());
        assert!(manifest.requires.is_empty() && manifest.settings.is_empty());
    }

    #[test]
    fn the_log_remembers_for_ever_and_at_least_what_can_be_restored() {
        let mut manifest = manifest();
        assert_eq!(manifest.log_retention().unwrap(), None);
        let set = |time: i64| SettingEdit::Set(LOG_RETENTION.name, json!(time));
        manifest.change_setting(&set(5)).unwrap();
        assert_eq!(manifest.log_retention().unwrap(), Some(DEFAULT_RETENTION));
        let year = 365 * 86_400;
        manifest.change_setting(&set(year)).unwrap();
        assert_eq!(manifest.log_retention().unwrap(), Some(year));
    }

    #[test]
    fn patterns_are_full_names() {
        assert_eq!(full_pattern("main").unwrap(), "refs/heads/main");
        assert_eq!(full_pattern("release/*").unwrap(), "refs/heads/release/*");
        assert_eq!(full_pattern("refs/tags/*").unwrap(), "refs/tags/*");
        for bad in ["", "a b", "a..b", "refs/", "x.lock"] {
            assert!(full_pattern(bad).is_err(), "{bad}");
        }
        let name = |text: &str| RefName::new(text).unwrap();
        assert!(is_protected(&["refs/heads/main"], &name("refs/heads/main")));
        assert!(!is_protected(
            &["refs/heads/main"],
            &name("refs/heads/a/refs/heads/main")
        ));
        assert!(is_protected(&["refs/*"], &name("refs/tags/a/b")));
    }

    #[test]
    fn what_is_no_value_is_refused_and_nothing_changes() {
        let mut manifest = manifest();
        for (name, value) in [
            ("retention", json!(-1)),
            ("retention", json!("14d")),
            ("locks", json!("on")),
            ("log-retention", json!(-1)),
            ("unfinished-uploads", json!("forever")),
            ("protected", json!(["a b"])),
            ("protected", json!(vec!["refs/heads/x"; MAX_PROTECTED + 1])),
        ] {
            assert!(
                manifest
                    .change_setting(&SettingEdit::Set(name, value))
                    .is_err()
            );
        }
        assert!(manifest.settings.is_empty());
        manifest
            .settings
            .insert("protected".to_owned(), json!("refs/heads/main"));
        let error = manifest.protected().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}
