//! opendal's requests through our own connections: one proxy, one set of certificates, one
//! bound on what is under way, whatever the service.

use crate::store::adapter::http::Client;
use crate::store::adapter::http::body::{Answer, Outgoing};
use crate::store::adapter::http::pool::Failure;
use bytes::Bytes;
use futures_util::Stream;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, COOKIE, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper::body::Body as _;
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use url::Url;

/// How many times an answer may send us on.
const MAX_REDIRECTS: usize = 5;

/// Our client in opendal's clothes.
#[derive(Debug)]
pub(super) struct Transport(pub(super) Client);

impl HttpTransport for Transport {
    async fn fetch(&self, request: Request<Buffer>) -> opendal::Result<Response<HttpBody>> {
        let (parts, body) = request.into_parts();
        let body = body.to_bytes();
        let first = parts.uri.clone();
        let mut hop = Hop {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
        };
        for _ in 0..=MAX_REDIRECTS {
            let response = self.0.send(hop.request()?).await.map_err(unsent)?;
            // Not every service of opendal knows it for what it is.
            if response.status() == StatusCode::UNAUTHORIZED {
                let why = "the service answered 401 Unauthorized";
                return Err(Error::new(ErrorKind::PermissionDenied, why));
            }
            match hop.next(response.status(), response.headers())? {
                Some(next) => hop = next,
                None => return Ok(answer(&hop.method, first, response)),
            }
        }
        Err(wrong("the service sends us on and on"))
    }
}

/// One request of a chain of redirects.
struct Hop {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Hop {
    fn request(&self) -> opendal::Result<Request<Outgoing>> {
        let mut request = Request::new(Outgoing::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        if !self.body.is_empty() || matches!(self.method, Method::PUT | Method::POST) {
            request
                .headers_mut()
                .insert(CONTENT_LENGTH, self.body.len().into());
        }
        Ok(request)
    }

    /// Where an answer sends us (RFC 9110, 15.4). What proves who we are stays with the host
    /// that it was meant for, and nobody is sent from an encrypted connection to an open one.
    fn next(&self, status: StatusCode, headers: &HeaderMap) -> opendal::Result<Option<Self>> {
        let keeps = match status {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => {
                matches!(self.method, Method::GET | Method::HEAD)
            }
            _ => return Ok(None),
        };
        let Some(target) = headers.get(LOCATION).and_then(|to| to.to_str().ok()) else {
            return Ok(None);
        };
        if !keeps {
            return Err(wrong("the service redirects a write, which would lose it"));
        }
        let here = Url::parse(&self.uri.to_string()).map_err(|_| wrong("an address is no URL"))?;
        let there = here
            .join(target)
            .map_err(|_| wrong("a redirect leads to no URL"))?;
        if here.scheme() == "https" && there.scheme() != "https" {
            return Err(wrong(
                "the service redirects to a connection without encryption",
            ));
        }
        let mut headers = self.headers.clone();
        if here.origin() != there.origin() {
            headers.remove(AUTHORIZATION);
            headers.remove(COOKIE);
        }
        headers.remove(http::header::HOST);
        let uri: Uri = there
            .as_str()
            .parse()
            .map_err(|_| wrong("a redirect leads to no URL"))?;
        Ok(Some(Self {
            method: self.method.clone(),
            uri,
            headers,
            body: self.body.clone(),
        }))
    }
}

fn answer(method: &Method, uri: Uri, response: Response<Answer>) -> Response<HttpBody> {
    let (mut parts, body) = response.into_parts();
    let counted = *method != Method::HEAD && !parts.headers.contains_key(CONTENT_ENCODING);
    let length = parts.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let size = if counted { length } else { None };
    // Where errors look for the address.
    parts.extensions.insert(uri);
    Response::from_parts(parts, HttpBody::new(Pieces(Mutex::new(body)), size))
}

/// A body as the stream that opendal wants: one that can be looked at from everywhere.
struct Pieces(Mutex<Answer>);

impl Stream for Pieces {
    type Item = opendal::Result<Buffer>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Some(frame) = ready!(Pin::new(&mut *body).poll_frame(cx)) else {
                return Poll::Ready(None);
            };
            match frame.map(|frame| frame.into_data()) {
                Ok(Ok(data)) if !data.is_empty() => {
                    return Poll::Ready(Some(Ok(Buffer::from(data))));
                }
                Ok(_) => {}
                Err(failure) => return Poll::Ready(Some(Err(unsent(failure)))),
            }
        }
    }
}

fn unsent(failure: Failure) -> Error {
    Error::new(ErrorKind::Unexpected, failure.to_string()).set_temporary()
}

fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::Unexpected, why)
}
