//! From what was said in several places to the options that hold.

use super::table::{ALL, Service, Spec, find};
use super::{Options, Sse};
use crate::error::{Error, ErrorKind, Result};
use crate::near::near;
use crate::store::Location;
use crate::store::env::Env;
use std::fmt;

/// Where an option was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the query of the URL.
    Url,
    /// As a parameter of a special remote of git-annex.
    Parameter(String),
    /// In git's configuration of the remote, under this key.
    Remote(String),
    /// In this environment variable.
    Env(String),
    /// In git's configuration for all remotes, under this key.
    General(String),
}

impl Origin {
    /// Whether it is said of one remote, so that it must fit the service of that one.
    fn is_specific(&self) -> bool {
        matches!(self, Self::Url | Self::Parameter(_) | Self::Remote(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("in the URL"),
            Self::Parameter(name) => write!(f, "the parameter {name}="),
            Self::Remote(key) | Self::General(key) => write!(f, "git config {key}"),
            Self::Env(name) => write!(f, "the environment variable {name}"),
        }
    }
}

/// An option as somebody said it. Its value may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// Where.
    pub origin: Origin,
    /// Its name, in any spelling.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Given({}, {})", self.name, self.origin)
    }
}

/// What the environment says, in the order of the table.
pub fn from_env(env: &dyn Env) -> Vec<Given> {
    let given = |spec: &Spec| {
        let variable = spec.variable();
        Some(Given {
            value: env.var(&variable)?,
            name: spec.name.to_owned(),
            origin: Origin::Env(variable),
        })
    };
    ALL.iter().filter_map(given).collect()
}

impl Options {
    /// The options of a location: what its URL says, then `given`, of which the first wins.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a name that is no option's, for an option that the service
    /// does not take, for a value that cannot be used, and for options that contradict one
    /// another. No message repeats a value.
    pub fn gather(location: &Location, given: impl IntoIterator<Item = Given>) -> Result<Self> {
        let mut out = Self::default();
        let mut seen = Vec::new();
        let service = location.service();
        for given in location.given().into_iter().chain(given) {
            let spec = apply(&mut out, service, &given, &seen)?;
            seen.extend(spec.map(|spec| spec.name));
        }
        out.check()?;
        Ok(out)
    }

    /// Refuses what is no place for a repository: classes whose files must be restored
    /// before they can be read. Every fetch reads packs, and a push the manifest.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the storage class is such a one.
    pub fn check_readable(&self, service: Service) -> Result<()> {
        let (archives, instead): (&[_], _) = match service {
            Service::S3 => (&["GLACIER", "DEEP_ARCHIVE"], "GLACIER_IR"),
            Service::Azure => (&["ARCHIVE"], "Cold"),
            // Google's ARCHIVE is read like any other class.
            _ => (&[], ""),
        };
        let class = self.storage_class.as_deref().unwrap_or_default();
        let class = class.to_ascii_uppercase();
        if !archives.contains(&class.as_str()) {
            return Ok(());
        }
        let what = format!(
            "a repository cannot lie in the storage class {class}: its files must be restored \
             before they can be read"
        );
        Err(invalid(what).with_hint(format!("{instead} is cheap, and read at once")))
    }

    /// Options that need one another.
    fn check(&self) -> Result<()> {
        let bad = |what: &str, hint: &str| Err(invalid(what).with_hint(hint));
        let kms = matches!(self.sse, Some(Sse::Kms | Sse::Dsse));
        let customer = self.sse == Some(Sse::Customer);
        if (self.sse_kms_key.is_some() || self.sse_bucket_key.is_some()) && !kms {
            let what = "the options sse-kms-key and sse-bucket-key are for sse=kms and sse=dsse";
            return bad(what, "add the option sse=kms");
        }
        if customer != self.sse_customer_key_file.is_some() {
            let what = "the options sse=customer and sse-customer-key-file need one another";
            return bad(what, "name the file that holds the key");
        }
        if self.anonymous && self.profile.is_some() {
            let what = "the options anonymous and profile exclude one another";
            return bad(what, "leave out one of them");
        }
        Ok(())
    }
}

/// Takes an option over, unless an earlier one has said it, and gives its row.
pub(in crate::store) fn apply(
    options: &mut Options,
    service: Service,
    given: &Given,
    seen: &[&str],
) -> Result<Option<&'static Spec>> {
    let origin = &given.origin;
    let spec = find(&given.name).ok_or_else(|| unknown(service, given))?;
    if !spec.services.contains(&service) {
        if origin.is_specific() {
            let what = format!("the option '{}' ({origin}) is not for {service}", spec.name);
            return Err(invalid(what).with_hint(list(service)));
        }
        return Ok(None);
    }
    if seen.contains(&spec.name) {
        return Ok(None);
    }
    let odd = given.value.is_empty() || given.value.chars().any(char::is_control);
    let done = if odd {
        Err("needs a value")
    } else {
        (spec.set)(options, &given.value).map_err(|bad| bad.0)
    };
    done.map_err(|why| invalid(format!("the option '{}' ({origin}) {why}", spec.name)))?;
    Ok(Some(spec))
}

fn unknown(service: Service, given: &Given) -> Error {
    let names = || {
        let fit = ALL.iter().filter(|spec| spec.services.contains(&service));
        fit.map(|spec| spec.name)
    };
    let near = near(&given.name, names());
    let shown = given.name.chars().take(40).filter(|c| !c.is_control());
    let shown: String = shown.collect();
    let error = invalid(format!("there is no option '{shown}' ({})", given.origin));
    if near.is_empty() {
        error.with_hint(list(service))
    } else {
        error.with_hint(format!("did you mean {}?", near.join(" or ")))
    }
}

fn list(service: Service) -> String {
    let fit = ALL.iter().filter(|spec| spec.services.contains(&service));
    let names: Vec<_> = fit.map(|spec| spec.name).collect();
    format!("the options for {service} are {}", names.join(", "))
}

fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, why)
}
