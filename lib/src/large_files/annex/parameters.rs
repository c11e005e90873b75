//! The parameters of a special remote, and the place that they name.
//!
//! Those of git-annex's own S3 remote have its names and meanings; `url=` names any other
//! place, with the options of a remote of git as its query. The defaults differ in two
//! things: connections are encrypted, and signed by version 4.

mod s3;
mod size;
mod table;
#[cfg(test)]
mod tests;

pub use table::{ALL, Parameter};

use super::name::unescape;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::options::{Given, Origin, Service};
use crate::store::{Limits, Location, Options, SCHEMES};
use std::collections::BTreeMap;

/// What stands before the names of keys in a place that `url=` names, unless `fileprefix=`
/// says something else: a repository of git may lie there too.
pub const USUAL_PREFIX: &str = "annex/";

/// Most bytes of a part that `partsize=` can ask for: parts are held in memory.
const MOST_OF_A_PART: u64 = 32 << 20;

/// Bytes that all parts on their way together take where `partsize=` is given.
const ON_THE_WAY: u64 = 64 << 20;

/// The parameters that somebody gave, by name. An empty one counts as not given.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<&'static str, String>);

/// Where content lies, and how it is reached.
#[derive(Debug, Clone)]
pub struct Place {
    /// The store.
    pub location: Location,
    /// What stands before every name.
    pub prefix: String,
    /// Options that the parameters name; they come after those of the URL.
    given: Vec<Given>,
    /// `x-amz-tagging=`: nobody else may have a say in it.
    tags: Vec<(String, String)>,
    part_size: Option<u64>,
    /// `publicurl=`
    public_url: Option<String>,
}

impl Parameters {
    /// Takes a parameter.
    pub fn set(&mut self, name: &'static str, value: String) {
        self.0.insert(name, value);
    }

    /// The value of a parameter, if it was given.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Whether a parameter says yes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if it says neither yes nor no.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(word) => match word.to_ascii_lowercase().as_str() {
                "yes" | "true" | "on" | "1" => Ok(true),
                "no" | "false" | "off" | "0" => Ok(false),
                _ => Err(invalid(format!("{name}= can be yes or no"))),
            },
        }
    }

    /// Whether the remote holds a tree of files under their own names.
    ///
    /// # Errors
    ///
    /// As [`Parameters::flag`].
    pub fn is_tree(&self) -> Result<bool> {
        Ok(self.flag("exporttree")? || self.flag("importtree")?)
    }

    /// Whether what gets smaller is to be stored in compressed form.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the parameter says something else.
    pub fn compresses(&self) -> Result<bool> {
        match self.get("compress") {
            None | Some("no") => Ok(false),
            Some("zstd") => Ok(!self.is_tree()?),
            Some(_) => Err(invalid("compress= can be zstd or no")),
        }
    }

    /// Refuses what would have no effect. Only for setting up: git-annex tries remotes with
    /// other encryption than they have.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if a parameter does not go with another one.
    pub fn check(&self) -> Result<()> {
        if !matches!(self.get("compress"), None | Some("no")) {
            // `encryption=hybrid onlyencryptcreds=yes` leaves content as it is.
            let encrypted = self.get("encryption").is_some_and(|kind| kind != "none");
            if encrypted && !self.flag("onlyencryptcreds")? {
                return Err(invalid("compress= does not go with encryption=").with_hint(
                    "what is encrypted does not get smaller; gpg compresses before it encrypts",
                ));
            }
            if self.is_tree()? {
                return Err(
                    invalid("compress= does not go with exporttree= and importtree=")
                        .with_hint("the files of a tree are there for others to read"),
                );
            }
        }
        Ok(())
    }

    /// The place that the parameters name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a parameter that cannot be used, alone or with another one,
    /// and if none names a place.
    pub fn place(&self) -> Result<Place> {
        let (location, mut given, usual) = match (self.get("url"), self.get("bucket")) {
            (Some(url), None) => {
                self.only_without_url()?;
                let usual = if self.is_tree()? { "" } else { USUAL_PREFIX };
                (Location::parse(url)?, Vec::new(), usual)
            }
            (None, Some(bucket)) => {
                let (location, given) = s3::location(self, bucket)?;
                (location, given, "")
            }
            (Some(_), Some(_)) => {
                return Err(invalid("url= and bucket= both name a place")
                    .with_hint("write the bucket into the URL: url=s3://bucket/prefix"));
            }
            (None, None) => {
                return Err(invalid("no parameter names a place").with_hint(
                    "give url=s3://bucket/prefix (or az://…, gs://…, a path), or bucket= and the other parameters of git-annex's own S3 remote",
                ));
            }
        };
        let service = location.service();
        given.extend(self.options(service)?);
        Ok(Place {
            location,
            prefix: self.prefix(usual)?,
            given,
            tags: self.tags(service)?,
            part_size: self.get("partsize").map(size::bytes).transpose()?,
            public_url: self.get("publicurl").map(str::to_owned),
        })
    }

    /// What `fileprefix=` says. A slash alone stands for nothing at all.
    fn prefix(&self, usual: &str) -> Result<String> {
        let prefix = match self.get("fileprefix") {
            None => usual,
            Some("/") => "",
            Some(prefix) => prefix,
        };
        let fits = Key::new(format!("{prefix}x"));
        fits.map_err(|error| error.context("fileprefix= cannot be used"))?;
        Ok(prefix.to_owned())
    }

    /// Parameters that say in a second place what a URL says.
    fn only_without_url(&self) -> Result<()> {
        let names = [
            "host",
            "port",
            "protocol",
            "requeststyle",
            "datacenter",
            "signature",
        ];
        match names.iter().find(|name| self.get(name).is_some()) {
            None => Ok(()),
            Some(name) => Err(invalid(format!("{name}= does not go with url="))
                .with_hint("the URL says it: url=s3+https://host:port/bucket/prefix?region=…")),
        }
    }

    /// Options that have a parameter, for every service that takes them.
    fn options(&self, service: Service) -> Result<Vec<Given>> {
        let mut out = Vec::new();
        let mut say = |parameter: &str, option: &str, value: &str| {
            out.push(Given {
                origin: Origin::Parameter(parameter.to_owned()),
                name: option.to_owned(),
                value: value.to_owned(),
            });
        };
        // The one that is usual anyhow; other services do not know its name.
        let class = self
            .get("storageclass")
            .filter(|class| service == Service::S3 || !class.eq_ignore_ascii_case("STANDARD"));
        if let Some(class) = class {
            say("storageclass", "storage-class", class);
        }
        if let Some(pairs) = self.get("metadata") {
            say("metadata", "metadata", pairs);
        }
        if self.flag("restore")? && !matches!(service, Service::S3 | Service::Azure) {
            return Err(invalid(format!("restore= is not for {service}"))
                .with_hint("nothing there is in an archive that has to be asked"));
        }
        if self.flag("public")? {
            say("public", "acl", "public-read");
        }
        Ok(out)
    }

    /// `x-amz-tagging=`, in the form of a query.
    fn tags(&self, service: Service) -> Result<Vec<(String, String)>> {
        let Some(text) = self.get("x-amz-tagging") else {
            return Ok(Vec::new());
        };
        if !matches!(service, Service::S3 | Service::Azure) {
            return Err(invalid(format!("x-amz-tagging= is not for {service}")));
        }
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Ok(pairs.into_owned().collect())
    }
}

impl Place {
    /// The options of the store: those of the URL, of the parameters, and `others`, of which
    /// the first wins.
    ///
    /// # Errors
    ///
    /// As [`Options::gather`].
    pub fn options(&self, others: Vec<Given>) -> Result<Options> {
        let given = self.given.iter().cloned().chain(others);
        let mut out = Options::gather(&self.location, given)?;
        if !self.tags.is_empty() {
            out.tags.clone_from(&self.tags);
        }
        if let Some(size) = self.part_size {
            let part = size.clamp(5 << 20, MOST_OF_A_PART);
            let most = usize::try_from(ON_THE_WAY / part).unwrap_or(1);
            out.parallel
                .get_or_insert(most.min(Limits::default().parallel));
            out.part_size = Some(part);
        }
        Ok(out)
    }

    /// What git-annex shall think that using it costs, in its own measure: 100 is cheap, 200
    /// is expensive, 1000 is very expensive.
    pub fn cost(&self) -> u32 {
        let class = self
            .options(Vec::new())
            .ok()
            .and_then(|all| all.storage_class);
        let class = class.unwrap_or_default().to_ascii_uppercase();
        match self.location.service() {
            Service::Folder => 100,
            Service::S3 if ["GLACIER", "DEEP_ARCHIVE"].contains(&class.as_str()) => 1000,
            Service::Azure if class == "ARCHIVE" => 1000,
            _ => 200,
        }
    }

    /// The place of a name, as a person would write it, without options.
    pub fn show(&self, name: &str) -> String {
        format!("{}/{}{name}", self.root(), self.prefix)
    }

    /// The bucket and the prefix of the URL, without options and without a slash at the end.
    pub fn root(&self) -> String {
        let whole = bare(&self.location);
        whole.trim_end_matches('/').to_owned()
    }

    /// The address by which everyone can read what has a name, if `publicurl=` says so.
    pub fn public(&self, name: &[u8]) -> Option<String> {
        let base = self.public_url.as_deref()?.trim_end_matches('/');
        let mut out = format!("{base}/");
        for byte in self.prefix.bytes().chain(name.iter().copied()) {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        Some(out)
    }

    /// How addresses in it begin, before `://`.
    pub fn scheme(&self) -> String {
        let root = self.root();
        let scheme = root.split_once("://").map(|(scheme, _)| scheme.to_owned());
        scheme.unwrap_or_else(|| "file".to_owned())
    }

    /// The file that an address names, if it lies below the bucket and prefix of the URL.
    pub fn within(&self, address: &str) -> Option<Key> {
        // Paths are not addresses, and http:// is everyone's.
        let known = SCHEMES.iter().chain([&"file"]).any(|scheme| {
            let rest = address.strip_prefix(scheme);
            rest.is_some_and(|rest| rest.starts_with("://"))
        });
        let other = Location::parse(address).ok().filter(|_| known)?;
        let other = bare(&other);
        let name = other.strip_prefix(&self.root())?.strip_prefix('/')?;
        let name = match self.location.service() {
            Service::Folder => name.to_owned(),
            _ => percent_decode(name)?,
        };
        Key::new(name).ok().filter(|key| !key.as_str().is_empty())
    }
}

/// A location without options.
fn bare(location: &Location) -> String {
    let whole = location.to_string();
    match location.service() {
        Service::Folder => whole,
        _ => whole.split('?').next().unwrap_or_default().to_owned(),
    }
}

fn percent_decode(text: &str) -> Option<String> {
    String::from_utf8(unescape(text)?).ok()
}

fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, why)
}
