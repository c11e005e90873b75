//! Questions to those who hand out tokens.

use super::Around;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::adapter::http::body::Outgoing;
use crate::store::url::{is_loopback, plain_http};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use serde::Deserialize;
use url::Url;

/// What RFC 6749, 5.1, answers.
#[derive(Deserialize)]
pub(super) struct Granted {
    pub(super) access_token: String,
    expires_in: Option<i64>,
}

/// What RFC 6749, 5.2, answers. Its description may repeat what was sent, and stays out.
#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Granted {
    /// Seconds since 1970 at which it ends.
    pub(super) fn expires(&self, around: &Around) -> Option<i64> {
        self.expires_in.map(|seconds| around.clock.now() + seconds)
    }
}

/// A request to a service that a file of credentials names.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] for plain HTTP to another machine, which would show a secret to
/// the network.
pub(super) fn request(
    method: Method,
    url: &str,
    body: impl Into<Bytes>,
) -> Result<Request<Outgoing>> {
    let bad = || {
        Error::new(
            ErrorKind::Invalid,
            "a file of credentials names no usable URL",
        )
    };
    let parsed = Url::parse(url).map_err(|_| bad())?;
    let host = parsed.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match parsed.scheme() {
        "https" => {}
        "http" if is_loopback(host) => {}
        "http" => return Err(plain_http(host)),
        _ => return Err(bad()),
    }
    let mut request = Request::new(Outgoing::new(body.into()));
    *request.method_mut() = method;
    *request.uri_mut() = parsed.as_str().parse().map_err(|_| bad())?;
    Ok(request)
}

/// Adds a header whose value is not shown.
pub(super) fn hidden(request: &mut Request<Outgoing>, name: HeaderName, value: &str) -> Result<()> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        let what = format!("a credential for {name} holds odd characters");
        Error::new(ErrorKind::Invalid, what)
    })?;
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}

/// Sends a request; `origin` is whose credentials it is about.
pub(super) async fn send(
    around: &Around,
    request: Request<Outgoing>,
    origin: &str,
) -> Result<Response<Bytes>> {
    let act = |kind, why: &dyn std::fmt::Display| {
        Error::new(kind, format!("cannot get a token with {origin}: {why}"))
    };
    let answer = around.client.send_whole(request).await;
    let answer = answer.map_err(|failure| {
        let error = act(failure.kind(), &failure);
        match failure.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let code = serde_json::from_slice::<Refused>(answer.body()).ok();
    let code = code.map(|refused| refused.error);
    let plain = |code: &String| {
        code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let why = match code.filter(plain) {
        Some(code) => format!("it is refused ({code})"),
        None => format!("it is refused (status {})", status.as_u16()),
    };
    if status.is_server_error() || status.as_u16() == 429 {
        return Err(act(ErrorKind::Unavailable, &"the service cannot do it now"));
    }
    Err(act(ErrorKind::Denied, &why)
        .with_hint("sign in again, or check that the account and its key still exist"))
}

/// Reads an answer. The parser's own words may repeat a value.
pub(super) fn read<T: for<'de> Deserialize<'de>>(body: &[u8], origin: &str) -> Result<T> {
    serde_json::from_slice(body).map_err(|_| {
        let what = format!("cannot get a token with {origin}: the answer makes no sense");
        Error::new(ErrorKind::Unsupported, what)
    })
}

/// Asks a token endpoint.
pub(super) async fn grant(
    around: &Around,
    url: &str,
    form: &[(&str, &str)],
    basic: Option<&Secret>,
    origin: &str,
) -> Result<Granted> {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let mut request = request(Method::POST, url, body)?;
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    if let Some(basic) = basic {
        hidden(&mut request, AUTHORIZATION, basic.reveal())?;
    }
    let answer = send(around, request, origin).await?;
    read(answer.body(), origin)
}
