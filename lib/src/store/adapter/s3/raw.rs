//! Requests that object_store does not make.

use super::Open;
use super::answer::Asked;
use super::list::spelled;
use crate::error::Result;
use crate::store::adapter::http::Refusal;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use http_body_util::BodyExt;
use object_store::client::{HttpRequest, HttpResponse, HttpService};
use std::error::Error as _;

/// A request about a file, or about the bucket itself.
pub(super) struct Call<'a> {
    method: Method,
    /// The file in the bucket; empty for the bucket.
    path: &'a str,
    /// As signing spells it; an empty one is none.
    query: &'a str,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, path: &'a str, query: &'a str) -> Self {
        Self {
            method,
            path,
            query,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it. What the service refuses is an answer.
    pub(super) async fn send(
        self,
        open: &Open,
        asked: &Asked<'_>,
    ) -> Result<std::result::Result<HttpResponse, Refusal>> {
        let mut request = HttpRequest::new(self.body.into());
        *request.method_mut() = self.method;
        *request.uri_mut() = address(open.wire.bucket_url(), self.path, self.query)
            .parse()
            .map_err(|error| asked.nonsense(error))?;
        for (name, value) in self.headers {
            let value = HeaderValue::try_from(value).map_err(|error| asked.nonsense(error))?;
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, value);
        }
        let error = match open.wire.call(request).await {
            Ok(answer) => return Ok(Ok(answer)),
            Err(error) => error,
        };
        let refusal = error.source().and_then(|source| source.downcast_ref());
        match refusal {
            Some(refusal) => Ok(Err(Refusal::clone(refusal))),
            None => Err(asked.explain_http(error)),
        }
    }

    /// Sends it and reads the answer whole.
    pub(super) async fn send_whole(
        self,
        open: &Open,
        asked: &Asked<'_>,
    ) -> Result<std::result::Result<Bytes, Refusal>> {
        let answer = match self.send(open, asked).await? {
            Ok(answer) => answer,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let body = answer.into_body().collect().await;
        let body = body.map_err(|error| asked.explain_http(error))?;
        Ok(Ok(body.to_bytes()))
    }
}

/// A path as it stands in an address.
pub(super) fn escaped(path: &str) -> String {
    let parts = path.split('/').map(|part| spelled(vec![(part, "")]));
    // An empty value leaves its sign.
    parts.collect::<Vec<_>>().join("/").replace('=', "")
}

fn address(base: &str, path: &str, query: &str) -> String {
    // A bucket in the host leaves an empty path.
    let in_host = base.splitn(4, '/').nth(3).is_none();
    let name = match path {
        "" if in_host => "/".to_owned(),
        "" => String::new(),
        path => format!("/{}", escaped(path)),
    };
    match query {
        "" => format!("{base}{name}"),
        query => format!("{base}{name}?{query}"),
    }
}
