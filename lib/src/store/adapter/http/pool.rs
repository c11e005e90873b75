//! Connections, kept and used again.
//!
//! A new connection costs two round trips and more with TLS, so requests that follow one
//! another use one connection, without exception: it goes back at the last byte of an
//! answer, and the next request waits for it rather than race it with a new one (which is
//! what hyper-util's client does).

use super::body::{Answer, Outgoing};
use super::tls::Tls;
use crate::store::env::Env;
use http::header::{HOST, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::client::legacy::connect::HttpConnector;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tower_service::Service;

/// Most connections that wait for work; more may be busy.
const MAX_IDLE: usize = 32;

/// How long a connection may wait and still be trusted. Services close silent ones after
/// 20 seconds or more, and a request that meets the closing is in doubt.
const TRUSTED: Duration = Duration::from_secs(15);

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("git-pail/", env!("CARGO_PKG_VERSION")));

/// How long a client waits.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Limits {
    /// For a connection, TLS included.
    pub(in crate::store) connect: Duration,
    /// For the next sign of life of one that is busy.
    pub(in crate::store) idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(60),
        }
    }
}

/// Why there is no answer, or no whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Failure {
    /// No connection came about: nothing was sent.
    Unsent(String),
    /// The service showed a certificate that nobody here trusts: nothing was sent.
    Untrusted(String),
    /// The request, or part of it, was sent; the answer did not come, or not to its end.
    Cut(String),
}

impl Failure {
    pub(super) fn cut(error: &hyper::Error) -> Self {
        Self::Cut(chain(error))
    }

    pub(super) fn stalled(after: Duration) -> Self {
        Self::Cut(format!("nothing came for {} s", after.as_secs_f32()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsent(why) => write!(f, "no connection: {why}"),
            Self::Untrusted(why) => write!(f, "the service's certificate is not trusted: {why}"),
            Self::Cut(why) => write!(f, "the connection broke: {why}"),
        }
    }
}

impl std::error::Error for Failure {}

/// The innermost reason of an error, and what it was about.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = error.source();
    }
    text
}

/// Connections to any number of services.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Arc<Mutex<Vec<Idle>>>,
    tls: Tls,
    limits: Limits,
}

#[derive(Debug)]
struct Idle {
    origin: Origin,
    sender: SendRequest<Outgoing>,
    since: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin(Scheme, Authority);

/// A connection that is busy, and the way back.
#[derive(Debug)]
pub(super) struct Lease {
    origin: Origin,
    sender: SendRequest<Outgoing>,
    idle: Arc<Mutex<Vec<Idle>>>,
}

impl Lease {
    /// Makes the connection wait for the next request.
    pub(super) fn give_back(self) {
        let mut idle = lock(&self.idle);
        if idle.len() < MAX_IDLE && !self.sender.is_closed() {
            idle.push(Idle {
                origin: self.origin,
                sender: self.sender,
                since: Instant::now(),
            });
        }
    }
}

fn lock(idle: &Mutex<Vec<Idle>>) -> MutexGuard<'_, Vec<Idle>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(super) fn new(env: &dyn Env, limits: Limits) -> Self {
        Self {
            idle: Arc::default(),
            tls: Tls::new(env),
            limits,
        }
    }

    /// Sends a request. It is sent again only when its first connection, one that had
    /// waited, turned out to be closed before any of it was written.
    pub(super) async fn send(
        &self,
        mut request: Request<Outgoing>,
    ) -> Result<Response<Answer>, Failure> {
        let origin = prepare(&mut request)?;
        let progress = request.body().progress();
        loop {
            let (mut lease, reused) = match self.waiting(&origin).await {
                Some(lease) => (lease, true),
                None => (self.connect(&origin).await?, false),
            };
            let answer = lease.sender.try_send_request(request);
            tokio::pin!(answer);
            let answer = loop {
                let seen = progress.load(Ordering::Relaxed);
                match timeout(self.limits.idle, &mut answer).await {
                    Ok(answer) => break answer,
                    Err(_) if progress.load(Ordering::Relaxed) > seen => {}
                    Err(_) => return Err(Failure::stalled(self.limits.idle)),
                }
            };
            match answer {
                Ok(answer) => {
                    return Ok(answer.map(|body| Answer::new(body, lease, self.limits.idle)));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if reused => request = unsent,
                    Some(_) => return Err(Failure::Unsent(chain(error.error()))),
                    None => return Err(Failure::cut(error.error())),
                },
            }
        }
    }

    /// A connection that waits for work, newest first.
    async fn waiting(&self, origin: &Origin) -> Option<Lease> {
        loop {
            let found = {
                let mut idle = lock(&self.idle);
                idle.retain(|idle| idle.since.elapsed() < TRUSTED && !idle.sender.is_closed());
                let at = idle.iter().rposition(|idle| idle.origin == *origin)?;
                idle.remove(at)
            };
            let mut sender = found.sender;
            // Lets the connection's own task see that the other side has closed it.
            tokio::task::yield_now().await;
            if sender.ready().await.is_ok() {
                return Some(Lease {
                    origin: found.origin,
                    sender,
                    idle: Arc::clone(&self.idle),
                });
            }
        }
    }

    async fn connect(&self, origin: &Origin) -> Result<Lease, Failure> {
        let Origin(scheme, authority) = origin;
        let uri = Uri::builder()
            .scheme(scheme.clone())
            .authority(authority.clone())
            .path_and_query("/")
            .build()
            .map_err(|error| Failure::Unsent(error.to_string()))?;
        let connecting = async {
            if *scheme == Scheme::HTTPS {
                handshake(self.tls.connect(uri).await?).await
            } else {
                let tcp = connector().call(uri).await;
                handshake(tcp.map_err(|error| Failure::Unsent(chain(&error)))?).await
            }
        };
        let limit = self.limits.connect;
        let sender = timeout(limit, connecting)
            .await
            .map_err(|_| Failure::Unsent(format!("none within {} s", limit.as_secs_f32())))??;
        Ok(Lease {
            origin: origin.clone(),
            sender,
            idle: Arc::clone(&self.idle),
        })
    }
}

/// How TCP connections are made.
pub(super) fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(Duration::from_secs(30)));
    connector
}

async fn handshake<C>(connection: C) -> Result<SendRequest<Outgoing>, Failure>
where
    C: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, driver) = http1::Builder::new()
        .handshake(connection)
        .await
        .map_err(|error| Failure::Unsent(chain(&error)))?;
    // What goes wrong with the connection shows at the request that uses it.
    tokio::spawn(async move { driver.await.unwrap_or_default() });
    Ok(sender)
}

/// Brings a request into the form that goes over the wire.
fn prepare(request: &mut Request<Outgoing>) -> Result<Origin, Failure> {
    let parts = request.uri().clone().into_parts();
    let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
        return Err(Failure::Unsent("the URL has no host".to_owned()));
    };
    let default = if scheme == Scheme::HTTPS { 443 } else { 80 };
    // The signature covers the host without its port where that is the usual one.
    let host = match authority.port_u16() {
        Some(port) if port == default => authority.host(),
        _ => authority.as_str(),
    };
    let host = HeaderValue::from_str(host).map_err(|error| Failure::Unsent(error.to_string()))?;
    let headers = request.headers_mut();
    headers.insert(HOST, host);
    headers.entry(USER_AGENT).or_insert(AGENT);
    let path = parts
        .path_and_query
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    Ok(Origin(scheme, authority))
}
