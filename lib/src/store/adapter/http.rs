//! HTTP for the adapters: requests go in, answers come out, connections are kept.
//!
//! What object_store asks for (a connector and a service) over our own [`pool`]. A client
//! costs nothing before its first request: no file is read and no certificate is parsed
//! until the first encrypted connection.

mod bandwidth;
pub(in crate::store) mod body;
mod dial;
mod failure;
mod pause;
pub(in crate::store) mod pool;
mod proxy;
#[cfg(test)]
mod tests;
mod tls;

use crate::secret::Secret;
use crate::store::Options;
use crate::store::env::Env;
use async_trait::async_trait;
use body::{Answer, Outgoing};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use pool::{Failure, Limits, Pool};
use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

/// Most bytes of an answer that is read whole: a page of a listing, an error.
const MAX_WHOLE: usize = 16 << 20;

/// How services are reached: what a user may set.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Network {
    /// How long to wait.
    pub(in crate::store) limits: Limits,
    /// The URL of a proxy, instead of those of the environment; an empty one is none.
    pub(in crate::store) proxy: Option<Secret>,
    /// The file of authorities to trust, instead of those that the environment names.
    pub(in crate::store) ca_file: Option<PathBuf>,
    /// Most bytes a second up, over all connections.
    pub(in crate::store) up: Option<NonZeroU64>,
    /// Most bytes a second down, over all connections.
    pub(in crate::store) down: Option<NonZeroU64>,
}

impl From<Limits> for Network {
    fn from(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }
}

impl From<&Options> for Network {
    fn from(options: &Options) -> Self {
        let usual = Limits::default();
        Self {
            limits: Limits {
                connect: options.connect_timeout.unwrap_or(usual.connect),
                idle: options.timeout.unwrap_or(usual.idle),
            },
            proxy: options.proxy.clone(),
            ca_file: options.ca_file.clone(),
            up: options.limit_up.and_then(NonZeroU64::new),
            down: options.limit_down.and_then(NonZeroU64::new),
        }
    }
}

/// An HTTP client. Clones share their connections.
#[derive(Debug, Clone)]
pub(in crate::store) struct Client {
    pool: Arc<Pool>,
}

impl Client {
    /// A client that takes what `network` leaves open from `env`; no I/O.
    pub(in crate::store) fn new(env: &dyn Env, network: impl Into<Network>) -> Self {
        Self {
            pool: Arc::new(Pool::new(env, &network.into())),
        }
    }

    /// Sends a request and gives the head of the answer; the body streams.
    pub(in crate::store) async fn send(
        &self,
        request: Request<Outgoing>,
    ) -> Result<http::Response<Answer>, Failure> {
        self.pool.send(request).await
    }

    /// Sends a request and reads the answer whole.
    pub(in crate::store) async fn send_whole(
        &self,
        request: Request<Outgoing>,
    ) -> Result<http::Response<Bytes>, Failure> {
        let (parts, body) = self.send(request).await?.into_parts();
        let body = whole(body).await?;
        Ok(http::Response::from_parts(parts, body))
    }
}

/// Reads a body to its end, so that its connection can serve again.
pub(in crate::store) async fn whole(mut body: Answer) -> Result<Bytes, Failure> {
    let mut out = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if out.len() + data.len() > MAX_WHOLE {
            return Err(Failure::Cut("the answer is too long".to_owned()));
        }
        if out.is_empty() && body.is_over() {
            return Ok(data);
        }
        out.extend_from_slice(&data);
    }
    Ok(out.freeze())
}

/// An answer that is no success.
///
/// Its body stays out of what is shown: services repeat signed headers in it.
#[derive(Clone)]
pub(in crate::store) struct Refusal {
    pub(in crate::store) status: StatusCode,
    pub(in crate::store) headers: HeaderMap,
    pub(in crate::store) body: Bytes,
}

impl Refusal {
    /// Reads an answer whole. What its status says is known, even if the reasons are not.
    pub(in crate::store) async fn read(answer: http::Response<Answer>) -> Self {
        let (parts, body) = answer.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: whole(body).await.unwrap_or_default(),
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({})", self.status)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service answered {}", self.status)
    }
}

impl std::error::Error for Refusal {}

impl HttpConnector for Client {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Client {
    /// Every failure is of a kind that object_store never repeats: repeating is for a
    /// layer above, which knows what is safe. What went wrong is the error's source, a
    /// [`Failure`] or a [`Refusal`].
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let method = parts.method.clone();
        let archive = is_for_an_archive(&parts);
        let request = Request::from_parts(parts, Outgoing::from_payload(body));
        let (parts, body) = self
            .send(request)
            .await
            .map_err(Failure::into_http)?
            .into_parts();
        let later = archive && parts.status == StatusCode::ACCEPTED;
        if parts.status.is_success() && !later && !fits(&method, parts.status) {
            // Whoever says this has not understood the request: who knows what it did.
            let odd = format!("{} makes no sense as an answer to {method}", parts.status);
            return Err(Failure::Cut(odd).into_http());
        }
        if parts.status.is_success() && method == Method::GET {
            let body = body.map_err(Failure::into_http);
            return Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)));
        }
        let refused = !parts.status.is_success();
        let body = match whole(body).await {
            Ok(body) => body,
            // What the status says is known, even if the reasons are not.
            Err(_) if refused => Bytes::new(),
            Err(failure) => return Err(failure.into_http()),
        };
        // S3 joins the parts of a large file, or copies it, while it answers 200 already, and
        // may have to say in the body that it failed.
        let late = method == Method::POST || method == Method::PUT;
        if refused || (late && holds_error(&body)) {
            let refusal = Refusal {
                status: parts.status,
                headers: parts.headers,
                body,
            };
            return Err(HttpError::new(HttpErrorKind::Unknown, refusal));
        }
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}

/// Whether a request asks for a file in an archive, which may come later.
fn is_for_an_archive(request: &http::request::Parts) -> bool {
    let query = request.uri.query().unwrap_or_default();
    request.method == Method::POST && query.split('=').next() == Some("restore")
}

/// Whether a success is one of those that services tell of such a request: of a write never
/// that it is a part of something, say.
fn fits(method: &Method, status: StatusCode) -> bool {
    match *method {
        Method::GET => matches!(status.as_u16(), 200 | 206),
        Method::HEAD => status == StatusCode::OK,
        Method::PUT | Method::POST => matches!(status.as_u16(), 200 | 201 | 204),
        _ => true,
    }
}

/// Whether an XML document is an error.
fn holds_error(body: &[u8]) -> bool {
    let head = String::from_utf8_lossy(body.get(..512).unwrap_or(body));
    let root = head
        .split('<')
        .map(str::trim_start)
        .find(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic()));
    root.is_some_and(|root| root.starts_with("Error>") || root.starts_with("Error "))
}

impl Failure {
    fn into_http(self) -> HttpError {
        HttpError::new(HttpErrorKind::Unknown, self)
    }
}
