//! Connections, kept and used again.
//!
//! A new connection costs two round trips and more with TLS, so requests that follow one
//! another use one connection, without exception: it goes back at the last byte of an
//! answer, and the next request waits for it rather than race it with a new one (which is
//! what hyper-util's client does).

use super::Network;
use super::bandwidth::Line;
use super::body::{Answer, Outgoing};
use super::dial::{Dial, refused};
use super::failure::chain;
use super::proxy::{Kind, Proxy, Via};
use super::tls::Tls;
use crate::secret::Secret;
use crate::store::env::Env;
use http::header::{HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use hyper::client::conn::http1::{self, SendRequest};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tower_service::Service;

pub(in crate::store) use super::failure::Failure;

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

/// Connections to any number of services.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Arc<Mutex<Vec<Idle>>>,
    proxy: Arc<Proxy>,
    tls: Tls,
    limits: Limits,
    up: Option<Line>,
    down: Option<Line>,
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
    pub(super) fn new(env: &dyn Env, network: &Network) -> Self {
        let proxy = Arc::new(Proxy::new(env, network.proxy.as_ref().map(Secret::reveal)));
        Self {
            idle: Arc::default(),
            tls: Tls::new(env, network.ca_file.as_deref(), Arc::clone(&proxy)),
            proxy,
            limits: network.limits,
            up: network.up.map(Line::new),
            down: network.down.map(Line::new),
        }
    }

    /// Sends a request. It is sent again only when its first connection, one that had
    /// waited, turned out to be closed before any of it was written.
    pub(super) async fn send(
        &self,
        mut request: Request<Outgoing>,
    ) -> Result<Response<Answer>, Failure> {
        let via = self.proxy.to(request.uri())?;
        let origin = prepare(&mut request, via.as_ref())?;
        request.body_mut().pace(self.up.as_ref());
        let progress = request.body().progress();
        loop {
            let (mut lease, reused) = match self.waiting(&origin).await {
                Some(lease) => (lease, true),
                None => (self.connect(&origin, via.as_ref()).await?, false),
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
                    if let Some(via) = &via
                        && answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
                    {
                        return Err(refused(via, answer.status().as_u16()));
                    }
                    let (idle, down) = (self.limits.idle, self.down.clone());
                    return Ok(answer.map(|body| Answer::new(body, lease, idle, down)));
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

    async fn connect(&self, origin: &Origin, via: Option<&Via>) -> Result<Lease, Failure> {
        let Origin(scheme, authority) = origin;
        let uri = Uri::builder()
            .scheme(scheme.clone())
            .authority(authority.clone())
            .path_and_query("/")
            .build()
            .map_err(|error| Failure::Unsent(error.to_string()))?;
        let secure = *scheme == Scheme::HTTPS || via.is_some_and(|via| via.kind == Kind::Https);
        let connecting = async {
            if secure {
                handshake(self.tls.connect(uri).await?).await
            } else {
                let plain = Dial::new(Arc::clone(&self.proxy), None).call(uri).await;
                let plain = plain.map_err(|error| match error.downcast::<Failure>() {
                    Ok(failure) => *failure,
                    Err(error) => Failure::Unsent(chain(&*error)),
                });
                handshake(plain?).await
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

/// Brings a request into the form that goes over the wire: to a proxy that forwards it, with
/// the whole URL (RFC 9112, 3.2.2).
fn prepare(request: &mut Request<Outgoing>, via: Option<&Via>) -> Result<Origin, Failure> {
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
    if scheme == Scheme::HTTP
        && let Some(via) = via.filter(|via| via.forwards())
    {
        if let Some(basic) = &via.basic {
            headers.insert(PROXY_AUTHORIZATION, basic.clone());
        }
        return Ok(Origin(scheme, authority));
    }
    let path = parts
        .path_and_query
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    Ok(Origin(scheme, authority))
}
