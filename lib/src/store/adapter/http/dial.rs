//! The connection under HTTP and TLS: to the service itself, or through a proxy.

use super::failure::{Failure, chain};
use super::proxy::{Kind, Proxy, Via};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use std::error::Error as StdError;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower_service::Service;

/// A TCP connection, or TLS over one where the proxy wants that.
pub(super) type Wire = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Longest head of a proxy's answer, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// Makes connections; for a plain URL behind a proxy that forwards, to that proxy.
#[derive(Debug, Clone)]
pub(super) struct Dial {
    proxy: Arc<Proxy>,
    /// For proxies that want TLS.
    tls: Option<Arc<ClientConfig>>,
}

impl Dial {
    pub(super) fn new(proxy: Arc<Proxy>, tls: Option<Arc<ClientConfig>>) -> Self {
        Self { proxy, tls }
    }

    async fn dial(&self, uri: Uri) -> Result<Wire, BoxError> {
        let Some(via) = self.proxy.to(&uri)? else {
            return Ok(tcp().call(uri).await.map(MaybeHttpsStream::Http)?);
        };
        let near = |error: BoxError| nearby(&via, error);
        let wire = match via.kind {
            Kind::Http => tcp()
                .call(via.uri.clone())
                .await
                .map_err(|e| near(e.into()))?,
            Kind::Https => {
                let tls = self.tls.clone().ok_or(Failure::Unusable(
                    "a proxy with TLS needs authorities to trust".to_owned(),
                ))?;
                let mut secure = HttpsConnector::from((tcp(), tls));
                let wire = secure.call(via.uri.clone()).await.map_err(near)?;
                return through(wire, &via, &uri).await;
            }
            Kind::Socks4 { local_dns } => {
                let mut socks = SocksV4::new(via.uri.clone(), tcp()).local_dns(local_dns);
                socks
                    .call(with_port(&uri)?)
                    .await
                    .map_err(|e| near(e.into()))?
            }
            Kind::Socks5 { local_dns } => {
                let mut socks = SocksV5::new(via.uri.clone(), tcp()).local_dns(local_dns);
                if let Some((name, password)) = &via.login {
                    socks = socks.with_auth(name.clone(), password.reveal().to_owned());
                }
                socks
                    .call(with_port(&uri)?)
                    .await
                    .map_err(|e| near(e.into()))?
            }
        };
        let wire = MaybeHttpsStream::Http(wire);
        if via.forwards() {
            return through(wire, &via, &uri).await;
        }
        Ok(wire)
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl Service<Uri> for Dial {
    type Response = Wire;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Wire, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dial = self.clone();
        async move { dial.dial(uri).await }.boxed()
    }
}

/// How TCP connections are made.
fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(Duration::from_secs(30)));
    connector
}

/// Says that an error came up on the way to the proxy. A certificate's is passed on: whom
/// to trust is decided by the caller.
fn nearby(via: &Via, error: BoxError) -> BoxError {
    if super::tls::untrusted(&*error).is_some() {
        return error;
    }
    Failure::Unsent(format!("proxy {}: {}", via.name(), chain(&*error))).into()
}

/// A URL with its port spelled out.
fn with_port(uri: &Uri) -> Result<Uri, BoxError> {
    let (host, port) = target(uri)?;
    let uri = Uri::builder()
        .scheme("https")
        .authority(format!("{host}:{port}"))
        .path_and_query("/");
    Ok(uri.build()?)
}

fn target(uri: &Uri) -> Result<(&str, u16), BoxError> {
    let host = uri.host().ok_or("the URL has no host")?;
    let secure = uri.scheme() == Some(&Scheme::HTTPS);
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    Ok((host, port))
}

/// Asks a proxy for a way through to an encrypted service (RFC 9110, 9.3.6). A plain one
/// needs none: its requests go to the proxy as they are.
async fn through(wire: Wire, via: &Via, uri: &Uri) -> Result<Wire, BoxError> {
    if uri.scheme() != Some(&Scheme::HTTPS) {
        return Ok(wire);
    }
    let (host, port) = target(uri)?;
    let mut ask = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(basic) = &via.basic {
        ask.extend_from_slice(b"Proxy-Authorization: ");
        ask.extend_from_slice(basic.as_bytes());
        ask.extend_from_slice(b"\r\n");
    }
    ask.extend_from_slice(b"\r\n");
    let unsent = |why: &str| {
        let proxy = via.name();
        Failure::Unsent(format!("proxy {proxy}: {why}"))
    };
    let mut wire = TokioIo::new(wire);
    let broken = |error: std::io::Error| unsent(&error.to_string());
    wire.write_all(&ask).await.map_err(broken)?;
    wire.flush().await.map_err(broken)?;
    // Byte by byte: what comes after the head belongs to the service.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(unsent("its answer has no end").into());
        }
        head.push(wire.read_u8().await.map_err(broken)?);
    }
    let head = String::from_utf8_lossy(&head);
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| {
        let status = rest.split_ascii_whitespace().nth(1)?;
        status.parse::<u16>().ok()
    });
    match status {
        Some(200..300) => Ok(wire.into_inner()),
        Some(status) => Err(refused(via, status).into()),
        None => Err(unsent("its answer is not HTTP").into()),
    }
}

/// What a status of a proxy means that does not let us through.
pub(super) fn refused(via: &Via, status: u16) -> Failure {
    let proxy = via.name();
    match status {
        407 if via.basic.is_none() => {
            Failure::Barred(format!("the proxy {proxy} wants a name and a password"))
        }
        407 => Failure::Barred(format!(
            "the proxy {proxy} does not accept the name and the password"
        )),
        400..500 => Failure::Barred(format!(
            "the proxy {proxy} does not let us through (status {status})"
        )),
        _ => Failure::Unsent(format!("the proxy {proxy} answered {status}")),
    }
}
