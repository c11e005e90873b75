//! Sessions with directory buckets (S3 Express One Zone).
//!
//! Requests to such a bucket are signed with keys that last some minutes, which
//! `CreateSession` gives for the usual ones.

use super::wire::{Place, Wire, sign};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::adapter::http::Refusal;
use crate::store::credentials::aws::Credentials;
use crate::store::credentials::{Found, Kept};
use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt;
use object_store::client::{HttpError, HttpRequest, HttpRequestBody};
use serde::Deserialize;
use std::error::Error as _;
use std::sync::Arc;

const TOKEN: HeaderName = HeaderName::from_static("x-amz-s3session-token");

/// What `CreateSession` answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    credentials: Keys,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: String,
}

/// A session, begun when it is first needed and again before it ends.
#[derive(Debug)]
pub(super) struct Session {
    kept: Kept<Credentials>,
}

impl Session {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            kept: Kept::new(clock),
        }
    }

    /// The keys of the session. One request, when there is none that lasts.
    pub(super) async fn keys(&self, wire: &Wire, place: &Place) -> Result<Arc<Found<Credentials>>> {
        let begin = async { begin(wire, place).await.map(Some) };
        let found = self.kept.get(Box::pin(begin)).await?;
        found.ok_or_else(|| Error::new(ErrorKind::Denied, "the service gives no session"))
    }

    /// The service says that these have ended; whether new ones may help.
    pub(super) async fn ended(&self, keys: &Found<Credentials>) -> bool {
        self.kept.ended(|known| *known == keys.credential).await
    }
}

/// Signs a request as part of a session.
pub(super) fn enter(
    request: &mut HttpRequest,
    keys: &Found<Credentials>,
    region: &str,
) -> Result<()> {
    let mut keys = keys.credential.clone();
    if let Some(token) = keys.token.take() {
        request.headers_mut().insert(TOKEN, value(token.reveal())?);
    }
    sign(request, &keys, "s3express", region)
}

async fn begin(wire: &Wire, place: &Place) -> Result<Found<Credentials>> {
    let slash = if place.bucket_url.splitn(4, '/').nth(3).is_some() {
        ""
    } else {
        "/"
    };
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.uri_mut() = format!("{}{slash}?session", place.bucket_url)
        .parse()
        .map_err(|error| failed(ErrorKind::Invalid, format!("{error}")))?;
    let headers = request.headers_mut();
    let mode = HeaderName::from_static("x-amz-create-session-mode");
    headers.insert(mode, HeaderValue::from_static("ReadWrite"));
    // Boxed: asking for files asks for a session.
    let answer = Box::pin(wire.begin(request, &place.region)).await;
    let body = answer.map_err(|error| refused(&error))?.into_body();
    let body = body.collect().await.map_err(|error| refused(&error))?;
    let answer: Answer = quick_xml::de::from_reader(&*body.to_bytes()).map_err(|_| {
        failed(
            ErrorKind::Unsupported,
            "the answer makes no sense".to_owned(),
        )
    })?;
    let keys = answer.credentials;
    let end = keys.expiration.parse::<jiff::Timestamp>();
    let expires = end.map_err(|_| failed(ErrorKind::Unsupported, "it has no end".to_owned()))?;
    value(&keys.session_token)?;
    Ok(Found {
        credential: Credentials {
            id: keys.access_key_id,
            secret: Secret::new(keys.secret_access_key),
            token: Some(Secret::new(keys.session_token)),
        },
        expires: Some(expires.as_second()),
        origin: "a session with the bucket".to_owned(),
    })
}

fn value(token: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(token)
        .map_err(|_| failed(ErrorKind::Unsupported, "its token is no text".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn failed(kind: ErrorKind, why: String) -> Error {
    Error::new(
        kind,
        format!("cannot begin a session with the bucket: {why}"),
    )
}

/// What came back instead of a session. A refusal is passed on for the words of S3.
fn refused(error: &HttpError) -> Error {
    let source = error.source();
    let refusal = source.and_then(|source| source.downcast_ref::<Refusal>());
    if let Some(ours) = source.and_then(|source| source.downcast_ref::<Error>()) {
        let out = failed(ours.kind(), ours.to_string());
        return match ours.hint() {
            Some(hint) => out.with_hint(hint),
            None => out,
        };
    }
    match refusal {
        Some(refusal) => {
            let denied = matches!(refusal.status.as_u16(), 401 | 403);
            let kind = match refusal.status.as_u16() {
                404 => ErrorKind::Missing,
                500.. | 429 => ErrorKind::Unavailable,
                _ if denied => ErrorKind::Denied,
                _ => ErrorKind::Invalid,
            };
            let out = failed(kind, format!("the service answered {}", refusal.status));
            if denied {
                return out.with_hint("the bucket's policy must allow s3express:CreateSession");
            }
            out
        }
        None => failed(ErrorKind::Unavailable, error.to_string()),
    }
}
