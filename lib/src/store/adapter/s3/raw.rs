//! Requests that object_store does not make.

use super::Open;
use super::answer::Asked;
use super::list::spelled;
use crate::error::Result;
use crate::store::adapter::http::Refusal;
use bytes::Bytes;
use http::Method;
use object_store::client::{HttpRequest, HttpRequestBody, HttpResponse, HttpService};
use std::error::Error as _;

/// Asks for something about the bucket, or about the file with this path in it; an empty
/// query is none. What the service refuses is an answer.
pub(super) async fn send(
    open: &Open,
    method: Method,
    (path, query): (&str, &str),
    body: Bytes,
    asked: &Asked<'_>,
) -> Result<std::result::Result<HttpResponse, Refusal>> {
    let mut request = HttpRequest::new(HttpRequestBody::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = address(open.wire.bucket_url(), path, query)
        .parse()
        .map_err(|error| asked.nonsense(error))?;
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

fn address(base: &str, path: &str, query: &str) -> String {
    // A bucket in the host leaves an empty path.
    let slash = if base.splitn(4, '/').nth(3).is_some() {
        ""
    } else {
        "/"
    };
    let name = if path.is_empty() {
        slash.to_owned()
    } else {
        let parts: Vec<_> = path
            .split('/')
            .map(|part| spelled(vec![(part, "")]))
            .collect();
        // An empty value leaves its sign.
        format!("/{}", parts.join("/").replace('=', ""))
    };
    match query {
        "" => format!("{base}{name}"),
        query => format!("{base}{name}?{query}"),
    }
}
