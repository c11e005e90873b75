//! Settings and their values in the words of a command line.

use super::{ALL, Kind, LOCKS, MAX_PROTECTED, Setting};
use crate::error::{Error, ErrorKind, Result};
use crate::near::{near, normal};
use crate::refs::RefName;
use serde_json::Value;

/// Longest time that can be set, in seconds: a hundred years.
pub(super) const MAX_TIME: i64 = 100 * 365 * 86_400;

/// The setting of this name, compared without case, `-` and `_`.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] naming those that are meant perhaps, or all.
pub fn find(name: &str) -> Result<&'static Setting> {
    let asked = normal(name);
    if let Some(found) = ALL.iter().find(|one| normal(one.name) == asked) {
        return Ok(found);
    }
    let near = near(name, ALL.iter().map(|one| one.name));
    let hint = if near.is_empty() {
        let all: Vec<_> = ALL.iter().map(|one| one.name).collect();
        format!("the settings are {}", all.join(", "))
    } else {
        format!("is {} meant?", near.join(" or "))
    };
    let message = format!("'{}' is no setting of a repository", name.escape_debug());
    Err(Error::new(ErrorKind::Invalid, message).with_hint(hint))
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

/// Whether a value is one for the setting of this name.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if it is none.
pub(super) fn check(name: &str, value: &Value) -> Result<()> {
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
    fn patterns_are_full_names() {
        assert_eq!(full_pattern("main").unwrap(), "refs/heads/main");
        assert_eq!(full_pattern("release/*").unwrap(), "refs/heads/release/*");
        assert_eq!(full_pattern("refs/tags/*").unwrap(), "refs/tags/*");
        for bad in ["", "a b", "a..b", "refs/", "x.lock"] {
            assert!(full_pattern(bad).is_err(), "{bad}");
        }
    }
}
