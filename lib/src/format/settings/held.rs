//! The settings that a manifest holds: how they are read, and how a change is laid over them.

use super::super::{Manifest, corrupt};
use super::words::{MAX_TIME, check};
use super::{
    DEFAULT_RETENTION, DEFAULT_UNFINISHED, LOCKS, LOG_RETENTION, PROTECTED, PROTECTED_REFS,
    RETENTION, Setting, SettingEdit, UNFINISHED_UPLOADS,
};
use crate::error::Result;
use serde_json::Value;

impl Manifest {
    /// The patterns of protected refs.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Corrupt`] if the manifest holds something else there.
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
    /// As [`Manifest::protected`]; [`crate::ErrorKind::Invalid`] if the value is none for it.
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

#[cfg(test)]
mod tests {
    use super::super::MAX_PROTECTED;
    use super::*;
    use crate::error::ErrorKind;
    use crate::oid::ObjectFormat;
    use serde_json::json;

    fn manifest() -> Manifest {
        Manifest::new("0".repeat(32), ObjectFormat::Sha1)
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
