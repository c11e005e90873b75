//! Which service, and what each object that is written is to have.

use super::Google;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::store::options::{Options, Sse};
use crate::store::url::{is_loopback, plain_http};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use std::path::Path;
use url::Url;

const SERVICE: &str = "https://storage.googleapis.com";

/// Bytes of a key that the user keeps.
const KEY: usize = 32;

/// What the options come to.
pub(super) struct Settings {
    /// Scheme, host and port.
    pub(super) service: String,
    /// The headers of a request for an object that is encrypted with the user's own key.
    pub(super) key: Vec<(HeaderName, HeaderValue)>,
    /// The headers of a request that makes an object, the key's among them.
    pub(super) description: Vec<(HeaderName, HeaderValue)>,
    /// The header for the class of an object that is written once. One that is written again
    /// and again would be charged for its least time each time.
    pub(super) class: Vec<(HeaderName, HeaderValue)>,
    project: Option<String>,
    requester_pays: bool,
}

impl Google {
    pub(super) async fn settings(&self) -> Result<&Settings> {
        let shared = &*self.shared;
        let find = || async {
            let host = shared.location.host.as_ref().map(|host| host.url());
            Settings::find(host, &shared.options)
                .await
                .map_err(|error| error.context(format_args!("cannot use {}", shared.location)))
        };
        shared.settings.get_or_try_init(find).await
    }
}

impl Settings {
    /// Reads the file of the user's key, if there is one.
    async fn find(host: Option<String>, options: &Options) -> Result<Self> {
        let service = match (host, &options.endpoint) {
            (Some(host), _) => host,
            (None, Some(endpoint)) => allowed(endpoint, options.allow_http)?,
            (None, None) => SERVICE.to_owned(),
        };
        let key = match (options.sse, &options.sse_customer_key_file) {
            (Some(Sse::Customer), Some(path)) => customer_key(path).await?,
            _ => Vec::new(),
        };
        let mut description = key.clone();
        if let Some(acl) = options.acl {
            description.push(header("x-goog-acl", acl.name())?);
        }
        if let Some(name) = kms_key(options)? {
            description.push(header("x-goog-encryption-kms-key-name", name)?);
        }
        for (name, value) in &options.metadata {
            description.push(header(&format!("x-goog-meta-{name}"), value)?);
        }
        let class = options.storage_class.iter();
        let class = class.map(|class| header("x-goog-storage-class", &class.to_ascii_uppercase()));
        Ok(Self {
            service,
            key,
            description,
            class: class.collect::<Result<_>>()?,
            project: options.project.clone(),
            requester_pays: options.requester_pays,
        })
    }

    /// The project that the user names.
    pub(super) fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The project that pays: the one that is named, or else that of the credentials, if
    /// whoever asks is to pay.
    pub(super) fn payer<'a>(&'a self, credentials: Option<&'a str>) -> Result<Option<&'a str>> {
        let own = self.requester_pays.then_some(credentials).flatten();
        match self.project.as_deref().or(own) {
            None if self.requester_pays => Err(Error::new(
                ErrorKind::Invalid,
                "cannot pay for requests: no project is named",
            )
            .with_hint("add ?project=<name> to the URL")),
            payer => Ok(payer),
        }
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name).ok();
    let pair = name.zip(HeaderValue::from_str(value).ok());
    pair.ok_or_else(|| Error::new(ErrorKind::Invalid, "an option cannot stand in a header"))
}

/// The key of Cloud KMS for what is written. Google encrypts what comes without one, too.
fn kms_key(options: &Options) -> Result<Option<&str>> {
    let bad = |what: &str, hint: &str| {
        Err(Error::new(ErrorKind::Invalid, what.to_owned()).with_hint(hint))
    };
    match (options.sse, options.sse_kms_key.as_deref()) {
        (Some(Sse::Kms), Some(name)) => Ok(Some(name)),
        (Some(Sse::Kms), None) => bad(
            "Google needs the name of a key for sse=kms",
            "add ?sse-kms-key=projects/…/locations/…/keyRings/…/cryptoKeys/…",
        ),
        (Some(Sse::Dsse), _) => bad("Google knows no sse=dsse", "write sse=kms or sse=customer"),
        _ => Ok(None),
    }
}

/// An endpoint that the user configured.
fn allowed(endpoint: &str, allow_http: bool) -> Result<String> {
    let url = Url::parse(endpoint)
        .map_err(|error| Error::new(ErrorKind::Invalid, format!("endpoint is no URL: {error}")))?;
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if url.scheme() != "https" && !allow_http && !is_loopback(host) {
        return Err(plain_http(host));
    }
    Ok(endpoint.trim_end_matches('/').to_owned())
}

/// The headers of a key that the user keeps: 32 bytes, as they are or in Base64.
async fn customer_key(path: &Path) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let act = || format!("read the key in {}", path.display());
    let bytes = tokio::fs::read(path).await.during(act)?;
    let key = if bytes.len() == KEY {
        bytes
    } else {
        let decoded = BASE64_STANDARD
            .decode(bytes.trim_ascii())
            .unwrap_or_default();
        if decoded.len() != KEY {
            let what = format!("cannot {}: it has not 32 bytes", act());
            return Err(
                Error::new(ErrorKind::Invalid, what).with_hint("make one: openssl rand -base64 32")
            );
        }
        decoded
    };
    let digest = BASE64_STANDARD.encode(Sha256::digest(&key));
    let header = |name: &'static str, value: &str| {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_static(name), value))
    };
    let headers = [
        header("x-goog-encryption-algorithm", "AES256"),
        header("x-goog-encryption-key", &BASE64_STANDARD.encode(&key)),
        header("x-goog-encryption-key-sha256", &digest),
    ];
    Ok(headers.into_iter().flatten().collect())
}
