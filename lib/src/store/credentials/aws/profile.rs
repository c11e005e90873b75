//! The configuration files that the AWS tools share: `~/.aws/config` and
//! `~/.aws/credentials`.

use super::{Credentials, Found};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::secret::Secret;
use crate::store::env::Env;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Settings whose values are shown nowhere.
const SECRETS: [&str; 2] = ["aws_secret_access_key", "aws_session_token"];

/// Both files, by section.
#[derive(Debug, Default)]
pub(in crate::store) struct Profiles {
    sections: BTreeMap<String, Section>,
}

/// One section. The lines of a nested one are `outer.inner`.
#[derive(Debug, Default)]
pub(in crate::store) struct Section {
    values: BTreeMap<String, String>,
    secrets: BTreeMap<String, Secret>,
}

impl Section {
    /// The value of a setting, if it is not a secret.
    pub(in crate::store) fn value(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// The value of a setting that is a secret.
    pub(super) fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.get(name)
    }
}

impl Profiles {
    /// Reads both files; one that is not there is empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if a file is there and cannot be read.
    pub(in crate::store) async fn load(env: &dyn Env) -> Result<Self> {
        let mut out = Self::default();
        // What is read first stays: the keys in the credentials file come before others.
        for (variable, name) in [
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            ("AWS_CONFIG_FILE", "config"),
        ] {
            if let Some(path) = file(env, variable, name) {
                match tokio::fs::read(&path).await {
                    Ok(text) => out.add(&String::from_utf8_lossy(&text)),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    failed => {
                        failed.during(|| format!("read {}", path.display()))?;
                    }
                }
            }
        }
        Ok(out)
    }

    /// Adds the sections of one file; what is there already stays.
    pub(super) fn add(&mut self, text: &str) {
        let mut section = None;
        let mut outer: Option<String> = None;
        for line in text.lines() {
            let bare = line.trim();
            if bare.is_empty() || bare.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = bare.strip_prefix('[') {
                let name = name.split(']').next().unwrap_or_default();
                section = Some(section_name(name));
                outer = None;
                continue;
            }
            let Some((section, (name, value))) = section.as_ref().zip(bare.split_once('=')) else {
                continue;
            };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            let name = match &outer {
                Some(outer) if line.starts_with([' ', '\t']) => format!("{outer}.{name}"),
                _ => {
                    outer = value.is_empty().then(|| name.clone());
                    name
                }
            };
            let section = self.sections.entry(section.clone()).or_default();
            if SECRETS.contains(&name.as_str()) {
                let secrets = section.secrets.entry(name);
                secrets.or_insert_with(|| Secret::new(value));
            } else {
                let values = section.values.entry(name);
                values.or_insert_with(|| strip_comment(value).to_owned());
            }
        }
    }

    /// A profile.
    pub(in crate::store) fn get(&self, profile: &str) -> Option<&Section> {
        self.sections.get(&format!("profile {profile}"))
    }

    /// The keys that stand in a profile.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if half of them is missing.
    pub(super) fn keys(&self, profile: &str) -> Result<Found> {
        let source = format!("profile '{profile}'");
        let section = self.get(profile).ok_or_else(|| self.missing(profile))?;
        let secret = section.secret("aws_secret_access_key").ok_or_else(|| {
            let what = format!("cannot use {source}: it has no aws_secret_access_key");
            Error::new(ErrorKind::Invalid, what)
        })?;
        let id = section.value("aws_access_key_id").unwrap_or_default();
        let token = section.secret("aws_session_token");
        let token = token.map(Secret::reveal).filter(|token| !token.is_empty());
        Credentials::checked(id, secret.reveal(), token, None, &source)
    }

    /// The single sign-on session that a profile names.
    pub(super) fn session_of(&self, profile: &str) -> Option<&Section> {
        let name = self.get(profile)?.value("sso_session")?;
        self.sections.get(&format!("sso-session {name}"))
    }

    /// The endpoint that a profile sets for S3, or for everything.
    pub(in crate::store) fn endpoint(&self, profile: &str) -> Option<&str> {
        let section = self.get(profile)?;
        let services = section.value("services");
        services
            .and_then(|name| self.sections.get(&format!("services {name}")))
            .and_then(|services| services.value("s3.endpoint_url"))
            .or_else(|| section.value("endpoint_url"))
    }

    /// The error about a profile that is not there.
    pub(in crate::store) fn missing(&self, profile: &str) -> Error {
        let names: Vec<_> = self
            .sections
            .keys()
            .filter_map(|name| name.strip_prefix("profile "))
            .take(12)
            .collect();
        let hint = if names.is_empty() {
            "the AWS configuration files hold no profile; aws configure writes them".to_owned()
        } else {
            format!("the profiles are {}", names.join(", "))
        };
        let what = format!("there is no profile '{}'", profile.escape_debug());
        Error::new(ErrorKind::Invalid, what).with_hint(hint)
    }
}

/// The name of a section in the words of the configuration file; the credentials file
/// leaves out `profile`.
fn section_name(name: &str) -> String {
    let words: Vec<_> = name.split_whitespace().collect();
    match words.as_slice() {
        [one] => format!("profile {}", one.trim_matches('"')),
        [kind, name @ ..] => format!("{kind} {}", name.join(" ").trim_matches('"')),
        [] => String::new(),
    }
}

fn strip_comment(value: &str) -> &str {
    let end = value.find(" #").or_else(|| value.find(" ;"));
    end.and_then(|end| value.get(..end)).unwrap_or(value).trim()
}

fn file(env: &dyn Env, variable: &str, name: &str) -> Option<PathBuf> {
    match env.var(variable) {
        Some(given) => Some(expand(env, &given)),
        None => Some(env.home()?.join(".aws").join(name)),
    }
}

/// A path in which `~/` may stand for the home folder.
pub(super) fn expand(env: &dyn Env, path: &str) -> PathBuf {
    match path.strip_prefix("~/").zip(env.home()) {
        Some((rest, home)) => home.join(rest),
        None => PathBuf::from(path),
    }
}
