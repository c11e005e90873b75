//! Requests on their way.

use super::Google;
use crate::error::{Error, ErrorKind};
use crate::store::adapter::address::address;
use crate::store::adapter::document;
use crate::store::adapter::http::body::{Answer, Outgoing};
use crate::store::adapter::http::pool::Failure;
use crate::store::adapter::http::{Refusal, whole};
use crate::store::credentials::google::Token;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};

/// A request that is not sent yet.
pub(super) struct Call<'a> {
    method: Method,
    /// The object; empty for the bucket itself.
    name: &'a str,
    /// The path to ask, escaped, where it is not that of the object.
    path: Option<&'a str>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    with: With,
}

/// What a request needs of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum With {
    Nothing,
    /// The key that unlocks an object.
    Key,
    /// All that is said of a new object, its key included.
    Description,
    /// The same of one that is written once.
    Lasting,
}

/// Why there is no success.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nothing was sent.
    Ours(Error),
    /// There was no answer, or no whole one.
    Failed(Failure),
    /// The service does not do it.
    Refused(Refusal),
}

impl Trouble {
    /// Whether the object is not there, though the bucket may be.
    pub(super) fn is_missing(&self) -> bool {
        let Self::Refused(refused) = self else {
            return false;
        };
        let code = document::code(refused);
        refused.status == StatusCode::NOT_FOUND && matches!(code, None | Some("NoSuchKey"))
    }

    /// Whether there is no such upload, or nothing at all.
    pub(super) fn is_ended(&self) -> bool {
        let Self::Refused(refused) = self else {
            return false;
        };
        refused.status == StatusCode::NOT_FOUND && document::code(refused) != Some("NoSuchBucket")
    }

    pub(super) fn is_not_modified(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.status == StatusCode::NOT_MODIFIED)
    }
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, name: &'a str) -> Self {
        Self {
            method,
            name,
            path: None,
            query: Vec::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            with: With::Nothing,
        }
    }

    pub(super) fn at(mut self, path: &'a str) -> Self {
        self.path = Some(path);
        self
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// Sends the key along that the object is encrypted with, if the user keeps one.
    pub(super) fn unlock(mut self) -> Self {
        self.with = With::Key;
        self
    }

    /// Sends along all that a new object is to have.
    pub(super) fn describe(mut self, lasting: bool) -> Self {
        self.with = if lasting {
            With::Lasting
        } else {
            With::Description
        };
        self
    }
}

impl Google {
    /// Sends a request; the body of a success streams.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Response<Answer>, Trouble> {
        let token = self.shared.source.get().await.map_err(Trouble::Ours)?;
        let token = token.as_ref().map(|found| &found.credential);
        let request = self.prepare(call, token).await.map_err(Trouble::Ours)?;
        let answer = self.shared.client.send(request).await;
        let answer = answer.map_err(Trouble::Failed)?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let refusal = Refusal::read(answer).await;
        if let (StatusCode::UNAUTHORIZED, Some(token)) = (refusal.status, token)
            && self.shared.source.ended(token).await
        {
            // Nobody was let in, so nothing took place.
            let what = "the token has ended before its time";
            return Err(Trouble::Ours(Error::new(ErrorKind::Unavailable, what)));
        }
        Err(Trouble::Refused(refusal))
    }

    /// Sends a request and reads the answer whole.
    pub(super) async fn send_whole(&self, call: Call<'_>) -> Result<Response<Bytes>, Trouble> {
        let (parts, body) = self.send(call).await?.into_parts();
        let body = whole(body).await.map_err(Trouble::Failed)?;
        Ok(Response::from_parts(parts, body))
    }

    async fn prepare(
        &self,
        call: Call<'_>,
        token: Option<&Token>,
    ) -> Result<Request<Outgoing>, Error> {
        let settings = self.settings().await?;
        let service = &settings.service;
        let url = match call.path {
            Some(path) => address(&format!("{service}{path}"), "", &call.query),
            None => {
                let bucket = format!("{service}/{}", self.shared.location.bucket());
                address(&bucket, call.name, &call.query)
            }
        };
        let odd =
            |what: &str| Error::new(ErrorKind::Invalid, format!("{what} holds odd characters"));
        let mut request = Request::new(Outgoing::new(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() = url.parse().map_err(|_| odd("the name of the file"))?;
        let headers = request.headers_mut();
        let settled = match call.with {
            With::Nothing => (&[][..], &[][..]),
            With::Key => (&settings.key[..], &[][..]),
            With::Description => (&settings.description[..], &[][..]),
            With::Lasting => (&settings.description[..], &settings.class[..]),
        };
        for (name, value) in settled.0.iter().chain(settled.1) {
            headers.append(name, value.clone());
        }
        for (name, value) in call.headers {
            let value = HeaderValue::from_str(&value).map_err(|_| odd(name))?;
            headers.append(HeaderName::from_static(name), value);
        }
        let payer = token.and_then(|token| token.project.as_deref());
        if let Some(payer) = settings.payer(payer)? {
            let payer = HeaderValue::from_str(payer).map_err(|_| odd("the name of the project"))?;
            headers.insert("x-goog-user-project", payer);
        }
        if let Some(token) = token {
            let bearer = format!("Bearer {}", token.token.reveal());
            let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| odd("the token"))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(request)
    }
}
