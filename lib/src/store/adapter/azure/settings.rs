//! Which service, and what each blob that is written is to have.

use super::Azure;
use crate::error::{Error, ErrorKind, Result};
use crate::store::credentials::azure::stored;
use crate::store::env::Env;
use crate::store::options::{Addressing, Options};
use crate::store::url::{AzureLocation, is_address, is_loopback, plain_http};
use http::{HeaderName, HeaderValue};
use url::Url;

/// Where Azure's public cloud is.
const SUFFIX: &str = "core.windows.net";

/// What the options come to.
pub(super) struct Settings {
    /// The address of the account.
    pub(super) service: String,
    /// The headers of a request for a blob that is encrypted with the user's own key.
    pub(super) key: Vec<(HeaderName, HeaderValue)>,
    /// The headers of a request that makes a blob that stays as it is.
    pub(super) description: Vec<(HeaderName, HeaderValue)>,
}

impl Azure {
    pub(super) async fn settings(&self) -> Result<&Settings> {
        let shared = &*self.shared;
        let find = || async {
            Settings::find(&shared.location, &shared.options, &*shared.env)
                .map_err(|error| error.context(format_args!("cannot use {}", shared.location)))
        };
        shared.settings.get_or_try_init(find).await
    }
}

impl Settings {
    fn find(location: &AzureLocation, options: &Options, env: &dyn Env) -> Result<Self> {
        let mut description = Vec::new();
        let mut say = |name: &str, value: &str| {
            let pair = HeaderName::try_from(name).ok();
            let pair = pair.zip(HeaderValue::from_str(value).ok());
            description.push(pair.ok_or_else(|| {
                Error::new(ErrorKind::Invalid, "an option cannot stand in a header")
            })?);
            Ok::<_, Error>(())
        };
        if let Some(tier) = &options.storage_class {
            say("x-ms-access-tier", tier)?;
        }
        if !options.tags.is_empty() {
            let tags = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&options.tags)
                .finish();
            say("x-ms-tags", &tags)?;
        }
        for (name, value) in &options.metadata {
            // Names are those of C#: no hyphens.
            say(&format!("x-ms-meta-{}", name.replace('-', "_")), value)?;
        }
        Ok(Self {
            service: service(location, options, env)?,
            key: Vec::new(),
            description,
        })
    }
}

/// The address of the account: that of the URL, of the option `endpoint`, of the connection
/// string, or Azure's own.
fn service(location: &AzureLocation, options: &Options, env: &dyn Env) -> Result<String> {
    let account = location.account();
    let at = |address: &str, in_path: bool| {
        if in_path {
            format!("{address}/{account}")
        } else {
            address.to_owned()
        }
    };
    if let Some(host) = &location.host {
        return Ok(at(&host.url(), location.account_in_path));
    }
    if let Some(endpoint) = &options.endpoint {
        let (endpoint, host, path) = allowed(endpoint, options.allow_http)?;
        let in_path = match options.addressing {
            Some(addressing) => addressing == Addressing::Path,
            None => (is_address(&host) || is_loopback(&host)) && path.is_empty(),
        };
        return Ok(at(&endpoint, in_path));
    }
    let named = stored::connection(account, options.profile.as_deref(), env)?;
    if let Some(connection) = named {
        if let Some(endpoint) = &connection.endpoint {
            return allowed(endpoint, options.allow_http).map(|(endpoint, ..)| endpoint);
        }
        let scheme = connection.protocol.as_deref().unwrap_or("https");
        let suffix = connection.suffix.as_deref().unwrap_or(SUFFIX);
        let address = format!("{scheme}://{account}.blob.{suffix}");
        return allowed(&address, options.allow_http).map(|(endpoint, ..)| endpoint);
    }
    Ok(format!("https://{account}.blob.{SUFFIX}"))
}

/// An address that the user configured, its host, and its path without slashes at the ends.
fn allowed(endpoint: &str, allow_http: bool) -> Result<(String, String, String)> {
    // The parser's own words may repeat a secret that stands in the wrong place.
    let url = Url::parse(endpoint)
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()));
    let url = url.ok_or_else(|| Error::new(ErrorKind::Invalid, "the endpoint is no URL"))?;
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if url.scheme() != "https" && !allow_http && !is_loopback(host) {
        return Err(plain_http(host));
    }
    let path = url.path().trim_matches('/').to_owned();
    let endpoint = endpoint.trim_end_matches('/').to_owned();
    Ok((endpoint, host.to_owned(), path))
}
