//! Through which proxy a service is reached, by the rules of curl and git.
//!
//! A proxy that is set by name (an option, git's configuration) comes before those of the
//! environment; an empty name means none. What `no_proxy` names is reached directly in any
//! case, and nothing else is, loopback neither.

#[cfg(test)]
mod tests;

use super::failure::Failure;
use crate::secret::Secret;
use crate::store::env::Env;
use http::uri::Scheme;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use std::fmt;

/// Which proxy, for which kind of URL. Nothing is parsed before a connection is made.
#[derive(Debug, Default)]
pub(super) struct Proxy {
    http: Option<Setting>,
    https: Option<Setting>,
    exempt: String,
}

/// The URL of a proxy, which may hold a password, and where it was set.
#[derive(Debug, Clone)]
struct Setting {
    url: Secret,
    source: &'static str,
}

/// A proxy to go through.
pub(super) struct Via {
    /// Scheme, host and port.
    pub(super) uri: Uri,
    pub(super) kind: Kind,
    /// The value of `Proxy-Authorization`.
    pub(super) basic: Option<HeaderValue>,
    /// Name and password, as SOCKS asks for them.
    pub(super) login: Option<(String, Secret)>,
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Http,
    /// HTTP inside TLS.
    Https,
    Socks4 {
        local_dns: bool,
    },
    Socks5 {
        local_dns: bool,
    },
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Via({})", self.uri)
    }
}

impl Proxy {
    /// Looks up what is set; `named` comes first.
    pub(super) fn new(env: &dyn Env, named: Option<&str>) -> Self {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let url = Secret::new(env.var(name)?);
                Some(Setting { url, source: name })
            })
        };
        let (http, https) = match named {
            Some("") => (None, None),
            Some(url) => {
                let setting = Setting {
                    url: Secret::new(url),
                    source: "the configuration",
                };
                (Some(setting.clone()), Some(setting))
            }
            None => {
                let all = first(&["all_proxy", "ALL_PROXY"]);
                // A web server hands `HTTP_PROXY` to its programs from a request's header.
                let plain: &[_] = match env.var("REQUEST_METHOD") {
                    Some(_) => &["http_proxy"],
                    None => &["http_proxy", "HTTP_PROXY"],
                };
                (
                    first(plain).or_else(|| all.clone()),
                    first(&["https_proxy", "HTTPS_PROXY"]).or(all),
                )
            }
        };
        let exempt = env.var("no_proxy").or_else(|| env.var("NO_PROXY"));
        let exempt = exempt.unwrap_or_default();
        let exempt = exempt
            .split([',', ' ', '\t'])
            .map(|host| host.trim_matches(['[', ']']).trim_end_matches('.'));
        Self {
            http,
            https,
            exempt: exempt.collect::<Vec<_>>().join(","),
        }
    }

    /// The proxy that stands before this URL; `None` if there is none.
    pub(super) fn to(&self, uri: &Uri) -> Result<Option<Via>, Failure> {
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let setting = if secure { &self.https } else { &self.http };
        let Some(setting) = setting else {
            return Ok(None);
        };
        let any = Matcher::builder().all("http://any.invalid:1");
        let all = self.exempt.split(',').any(|host| host == "*");
        if all || any.no(&self.exempt).build().intercept(uri).is_none() {
            return Ok(None);
        }
        let unusable =
            || Failure::Unusable(format!("the proxy in {} cannot be used", setting.source));
        let url = setting.url.reveal();
        let found = Matcher::builder().all(url).build().intercept(uri);
        let via = found.and_then(|found| Via::new(&found));
        via.map(Some).ok_or_else(unusable)
    }
}

impl Via {
    fn new(found: &Intercept) -> Option<Self> {
        let kind = match found.uri().scheme_str()? {
            "http" => Kind::Http,
            "https" => Kind::Https,
            "socks4" => Kind::Socks4 { local_dns: true },
            "socks4a" => Kind::Socks4 { local_dns: false },
            "socks5" => Kind::Socks5 { local_dns: true },
            "socks5h" => Kind::Socks5 { local_dns: false },
            _ => return None,
        };
        // As curl has it.
        let port = match (found.uri().port_u16(), kind) {
            (Some(port), _) => port,
            (None, Kind::Https) => 443,
            (None, _) => 1080,
        };
        let uri = Uri::builder()
            .scheme(found.uri().scheme_str()?)
            .authority(format!("{}:{port}", found.uri().host()?))
            .path_and_query("/");
        let login = found.raw_auth();
        Some(Self {
            uri: uri.build().ok()?,
            kind,
            basic: found.basic_auth().cloned(),
            login: login.map(|(name, password)| (name.to_owned(), Secret::new(password))),
        })
    }

    /// Host and port, for people.
    pub(super) fn name(&self) -> &str {
        self.uri.authority().map_or("", |name| name.as_str())
    }

    /// Whether requests for plain HTTP are sent to the proxy itself, with the whole URL.
    pub(super) fn forwards(&self) -> bool {
        matches!(self.kind, Kind::Http | Kind::Https)
    }
}
