//! The locking API on loopback, for as long as one git-lfs runs.
//!
//! It listens on a port of 127.0.0.1 that the system chooses, and answers only who knows the
//! token: fresh chance that goes to git-lfs through its environment, which other users of the
//! machine cannot read.

use super::api;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use pail::error::IoContext;
use pail::secret::Secret;
use pail::{Remote, Result};
use serde_json::Value;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The header in which the token comes.
pub(super) const HEADER: &str = "X-Pail-Token";

/// Largest body of a request; one path fits by far.
const MAX_BODY: usize = 64 << 10;

/// Most connections at once. Git-lfs makes one.
const MAX_CONNECTIONS: usize = 8;

/// A service that listens and does not answer yet.
#[derive(Debug)]
pub(super) struct Service {
    listener: TcpListener,
    address: SocketAddr,
    token: Secret,
    remote: Remote,
    who: String,
}

impl Service {
    /// Takes a port and a token.
    ///
    /// # Errors
    ///
    /// [`pail::ErrorKind::Local`] if there is no port, or no chance.
    pub(super) async fn open(remote: Remote, who: String) -> Result<Self> {
        let listen = || "listen on 127.0.0.1".to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.during(listen)?;
        Ok(Self {
            address: listener.local_addr().during(listen)?,
            listener,
            token: Secret::new(remote.context().ids.hex()?),
            remote,
            who,
        })
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// What a caller must know.
    pub(super) fn token(&self) -> &Secret {
        &self.token
    }

    /// Answers until it is dropped, connections with it.
    pub(super) async fn serve(&self) -> Infallible {
        let mut open = JoinSet::new();
        loop {
            while open.len() >= MAX_CONNECTIONS {
                let _ = open.join_next().await;
            }
            // A connection that did not come about is the caller's to try again.
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::task::yield_now().await;
                continue;
            };
            let (remote, who) = (self.remote.clone(), self.who.clone());
            let token = self.token.clone();
            open.spawn(async move {
                let answer = service_fn(|request| respond(&remote, &who, &token, request));
                let http = hyper::server::conn::http1::Builder::new();
                // Whoever breaks off has nobody to tell it to.
                let _ = http.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    }
}

async fn respond(
    remote: &Remote,
    who: &str,
    token: &Secret,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let known = request.headers().get(HEADER);
    if known.is_none_or(|value| value.as_bytes() != token.reveal().as_bytes()) {
        return Ok(response(403, &api::message("this is not for you")));
    }
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Ok(response(413, &api::message("the request is too long")));
    };
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let (status, body) = match api::ask(head.method.as_str(), path, query, &body.to_bytes()) {
        Ok(ask) => api::answer(remote, who, ask).await,
        Err(answer) => answer,
    };
    Ok(response(status, &body))
}

fn response(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    let kind = HeaderValue::from_static("application/vnd.git-lfs+json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
