//! Which service, under which name, for which region.

#[cfg(test)]
mod tests;

use super::bucket::Bucket;
use super::host;
use super::wire::Place;
use crate::error::{Error, ErrorKind, Result};
use crate::store::credentials::aws::profile::Profiles;
use crate::store::env::Env;
use crate::store::options::is_region;
use crate::store::url::{S3Location, is_loopback, plain_http};
use crate::store::{Addressing, Options};
use url::{Host, Url};

/// Where the bucket is, and how it is asked.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Its address, without a slash at its end, and its region.
    pub(super) place: Place,
    /// Whether it is a directory bucket.
    pub(super) is_directory: bool,
    /// The bucket at Amazon, whose address depends on the region.
    amazon: Option<(Bucket, Options)>,
}

impl Settings {
    /// Looks in the URL and the options, then in the environment, then in the profile. The
    /// configuration files are read only if something could stand there that is not settled
    /// before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a setting that cannot be used, plain HTTP to another
    /// machine among them.
    pub(super) async fn find(
        location: &S3Location,
        options: &Options,
        env: &dyn Env,
    ) -> Result<Self> {
        let named = location
            .profile()
            .map(str::to_owned)
            .or_else(|| env.var("AWS_PROFILE"));
        let region = options.region.clone();
        let region = region.or_else(|| env.var("AWS_REGION"));
        let region = region.or_else(|| env.var("AWS_DEFAULT_REGION"));
        let ignored = env.var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        let ignored = ignored.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let names = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];
        let found = names.iter().find_map(|name| Some((*name, env.var(name)?)));
        let given = options.endpoint.clone();
        let given = given.map(|url| ("the option endpoint", url));
        let endpoint = given.or(found.filter(|_| !ignored));
        let endpoint = endpoint.filter(|_| location.host.is_none());

        let open = if location.host.is_some() {
            region.is_none() && location.keys.is_none() && named.is_some()
        } else {
            endpoint.is_none() || region.is_none()
        };
        let profiles = if open {
            Profiles::load(env).await?
        } else {
            Profiles::default()
        };
        let profile = named.as_deref().unwrap_or("default");
        let section = profiles.get(profile);
        if open && section.is_none() && location.profile().is_some() {
            return Err(profiles.missing(profile));
        }
        let value = |name: &str| section.and_then(|section| section.value(name));
        let region = region.or_else(|| value("region").map(str::to_owned));
        let mut region = region.unwrap_or_else(|| "us-east-1".to_owned());
        if !is_region(&region) {
            let what = format!("'{}' is no name of a region", region.escape_debug());
            return Err(Error::new(ErrorKind::Invalid, what));
        }
        let configured = (location.host.is_none() && !ignored).then(|| profiles.endpoint(profile));
        let configured = configured
            .flatten()
            .map(|url| ("endpoint_url", url.to_owned()));
        let addressing = options.addressing.or(match value("s3.addressing_style") {
            Some("virtual") => Some(Addressing::Virtual),
            Some("path") => Some(Addressing::Path),
            _ => None,
        });
        let bucket = location.bucket();
        let cannot = format!("cannot use {location}");
        let mut amazon = None;
        let bucket_url = if let Some(host) = &location.host {
            match options.addressing {
                _ if location.bucket_in_host => host.url(),
                Some(Addressing::Virtual) => at(&host.url(), bucket, options.addressing, true)?,
                _ => format!("{}/{bucket}", host.url()),
            }
        } else if let Some((name, url)) = endpoint.or(configured) {
            if bucket.starts_with("arn:") {
                let what = format!("{cannot}: an ARN names a bucket at Amazon only");
                return Err(Error::new(ErrorKind::Invalid, what).with_hint(format!(
                    "{name} is set; name the bucket itself, or unset it"
                )));
            }
            at(&url, bucket, addressing, options.allow_http)
                .map_err(|error| error.context(format_args!("cannot use {name}")))?
        } else {
            let bucket = Bucket::parse(bucket).map_err(|error| error.context(&cannot))?;
            if let Bucket::AccessPoint { region: own, .. } = &bucket {
                region.clone_from(own);
            }
            let mut options = options.clone();
            options.addressing = addressing;
            let address = host::address(&bucket, &region, &options);
            amazon = Some((bucket, options));
            address.map_err(|error| error.context(&cannot))?
        };
        // Signing takes it apart again, and does not bear to fail.
        if Url::parse(&bucket_url).is_err() {
            let what = format!("{cannot}: its host has no usable name");
            return Err(Error::new(ErrorKind::Invalid, what));
        }
        Ok(Self {
            place: Place { bucket_url, region },
            is_directory: bucket.ends_with("--x-s3") || bucket.ends_with("--xa-s3"),
            amazon,
        })
    }

    /// What buckets have in common between which the service copies files; `None` for one that
    /// is named in another way.
    pub(super) fn service(&self, bucket: &str) -> Option<String> {
        match &self.amazon {
            _ if self.is_directory => None,
            // Each partition is a cloud of its own.
            Some((Bucket::Named(_), _)) => Some(host::partition(&self.place.region)),
            Some(_) => None,
            None => {
                let url = &self.place.bucket_url;
                let (scheme, rest) = url.split_once("://")?;
                let rest = match rest.strip_suffix(&format!("/{bucket}")) {
                    Some(host) => host,
                    None => rest.strip_prefix(&format!("{bucket}."))?,
                };
                Some(format!("{scheme}://{rest}"))
            }
        }
    }

    /// The same bucket, if it is in this region. Elsewhere than at Amazon only the signature
    /// is another.
    pub(super) fn at(&self, region: &str) -> Result<Place> {
        let bucket_url = match &self.amazon {
            Some((bucket, options)) => host::address(bucket, region, options)?,
            None => self.place.bucket_url.clone(),
        };
        Ok(Place {
            bucket_url,
            region: region.to_owned(),
        })
    }
}

/// The bucket at an endpoint that the user configured.
fn at(url: &str, bucket: &str, addressing: Option<Addressing>, allow_http: bool) -> Result<String> {
    let bad = |why: &str| Error::new(ErrorKind::Invalid, why);
    let mut url = Url::parse(url).map_err(|error| bad(&format!("it is no URL: {error}")))?;
    let bare = url.username().is_empty() && url.password().is_none();
    if !bare || url.query().is_some() || url.fragment().is_some() {
        return Err(bad("an endpoint is scheme, host and port"));
    }
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(ip)) => ip.to_string(),
        Some(Host::Ipv6(ip)) => ip.to_string(),
        None => return Err(bad("it names no host")),
    };
    match url.scheme() {
        "https" => {}
        "http" if allow_http || is_loopback(&host) => {}
        "http" => return Err(plain_http(&host)),
        _ => return Err(bad("its scheme must be https or http")),
    }
    if addressing == Some(Addressing::Virtual) {
        if !matches!(url.host(), Some(Host::Domain(_))) {
            return Err(bad("virtual addressing needs a host with a name"));
        }
        url.set_host(Some(&format!("{bucket}.{host}")))
            .map_err(|error| bad(&format!("the bucket cannot stand in the host: {error}")))?;
        return Ok(url.as_str().trim_end_matches('/').to_owned());
    }
    Ok(format!("{}/{bucket}", url.as_str().trim_end_matches('/')))
}
