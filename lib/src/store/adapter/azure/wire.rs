//! Requests on their way.

use super::Azure;
use super::settings::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::adapter::address::address;
use crate::store::adapter::document;
use crate::store::adapter::http::body::{Answer, Outgoing};
use crate::store::adapter::http::pool::Failure;
use crate::store::adapter::http::{Refusal, whole};
use crate::store::credentials::azure::Access;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use md5::{Digest, Md5};
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::HttpRequestBody;

/// The version of the service's language that we speak.
pub(super) const VERSION: &str = "2023-11-03";

/// What the service says of credentials that it does not know, or no more.
const UNKNOWN: [&str; 2] = ["AuthenticationFailed", "InvalidAuthenticationInfo"];

/// A request that is not sent yet.
pub(super) struct Call<'a> {
    method: Method,
    /// The blob; empty for the container itself.
    name: &'a str,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    /// Headers that nothing may show.
    secrets: Vec<(&'static str, Secret)>,
    body: Bytes,
    unlock: bool,
    describe: bool,
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

/// The service's name for what is wrong: a HEAD is told it in a header alone.
pub(super) fn code(refusal: &Refusal) -> Option<&str> {
    let header = refusal.headers.get("x-ms-error-code");
    let header = header.and_then(|value| value.to_str().ok());
    let header = header.filter(|code| document::is_code(code, ""));
    header.or_else(|| document::code(refusal))
}

impl Trouble {
    fn is(&self, status: StatusCode, codes: &[&str]) -> bool {
        let Self::Refused(refusal) = self else {
            return false;
        };
        refusal.status == status && code(refusal).is_none_or(|code| codes.contains(&code))
    }

    /// Whether the blob is not there, though the container is.
    pub(super) fn is_missing(&self) -> bool {
        self.is(StatusCode::NOT_FOUND, &["BlobNotFound"])
    }

    pub(super) fn is_not_modified(&self) -> bool {
        self.is(StatusCode::NOT_MODIFIED, &["ConditionNotMet"])
    }

    /// Whether the condition of a write did not hold. The same statuses say, with other
    /// codes, that somebody holds a lease on the blob.
    pub(super) fn is_lost(&self) -> bool {
        self.is(StatusCode::PRECONDITION_FAILED, &["ConditionNotMet"])
            || self.is(StatusCode::CONFLICT, &["BlobAlreadyExists"])
            || self.is_missing()
    }

    /// Whether a block that is to be joined is no more there.
    pub(super) fn is_without_blocks(&self) -> bool {
        self.is(
            StatusCode::BAD_REQUEST,
            &["InvalidBlockList", "InvalidBlockId"],
        )
    }
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, name: &'a str) -> Self {
        Self {
            method,
            name,
            query: Vec::new(),
            headers: Vec::new(),
            secrets: Vec::new(),
            body: Bytes::new(),
            unlock: false,
            describe: false,
        }
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn secret(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.secrets.push((name, Secret::new(value)));
        self
    }

    /// Sends a body with its checksum, which the service compares on arrival.
    pub(super) fn checked_body(mut self, body: Bytes) -> Self {
        let sum = BASE64_STANDARD.encode(Md5::digest(&body));
        self.body = body;
        self.unlock().header("content-md5", sum)
    }

    /// Sends the key along that blobs are encrypted with, if the user keeps one.
    pub(super) fn unlock(mut self) -> Self {
        self.unlock = true;
        self
    }

    /// Sends along all that a new blob is to have, if it is one that stays as it is.
    pub(super) fn describe(mut self, stays: bool) -> Self {
        self.describe = stays;
        self
    }
}

impl Azure {
    /// Sends a request; the body of a success streams.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Response<Answer>, Trouble> {
        let source = &self.shared.source;
        let settings = self.settings().await.map_err(Trouble::Ours)?;
        let access = source.get(&settings.service).await.map_err(Trouble::Ours)?;
        let access = access.as_ref().map(|found| &found.credential);
        let request = self
            .prepare(call, settings, access)
            .map_err(Trouble::Ours)?;
        let answer = self.shared.client.send(request).await;
        let answer = answer.map_err(Trouble::Failed)?;
        if answer.status().is_success() {
            source.accepted().await;
            return Ok(answer);
        }
        let refusal = Refusal::read(answer).await;
        if let Some(access) = access
            && UNKNOWN.contains(&code(&refusal).unwrap_or_default())
            && source.refused(access).await
        {
            // Refused for its signature, so nothing of it took place, whatever it was.
            let what = format!("cannot use {}: the token has ended", self.shared.location);
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

    fn prepare(
        &self,
        call: Call<'_>,
        settings: &Settings,
        access: Option<&Access>,
    ) -> Result<Request<Outgoing>> {
        let location = &self.shared.location;
        let odd = |what: &str| {
            let what = format!(
                "cannot use {}: {what} holds odd characters",
                self.shared.location
            );
            Error::new(ErrorKind::Invalid, what)
        };
        let bucket = format!("{}/{}", settings.service, location.container());
        let url = address(&bucket, call.name, &call.query);
        let mut request = Request::new(HttpRequestBody::empty());
        *request.method_mut() = call.method;
        *request.uri_mut() = url.parse().map_err(|_| odd("the name of the file"))?;
        let headers = request.headers_mut();
        headers.insert("x-ms-version", HeaderValue::from_static(VERSION));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(call.body.len()));
        let key = call.unlock.then_some(&settings.key).into_iter().flatten();
        let description = call.describe.then_some(&settings.description);
        for (name, value) in key.chain(description.into_iter().flatten()) {
            headers.insert(name, value.clone());
        }
        for (name, value) in call.headers {
            let value = HeaderValue::from_str(&value).map_err(|_| odd(name))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        for (name, value) in call.secrets {
            let value = HeaderValue::from_str(value.reveal());
            let mut value = value.map_err(|_| odd("the name of the other file"))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        if let Some(access) = access {
            let credential = credential(access)?;
            AzureAuthorizer::new(&credential, location.account())
                .try_authorize(&mut request)
                .map_err(|_| Error::new(ErrorKind::Invalid, "cannot sign a request"))?;
        }
        Ok(request.map(|_| Outgoing::new(call.body)))
    }
}

/// Credentials in the form that object_store signs with.
fn credential(access: &Access) -> Result<AzureCredential> {
    Ok(match access {
        Access::Key(key) => {
            // Checked when it was found.
            let key = AzureAccessKey::try_new(key.reveal());
            AzureCredential::AccessKey(key.map_err(|_| {
                Error::new(
                    ErrorKind::Invalid,
                    "cannot use the account's key: it is no Base64",
                )
            })?)
        }
        Access::Sas(sas) => {
            let pairs = url::form_urlencoded::parse(sas.reveal().as_bytes());
            AzureCredential::SASToken(pairs.into_owned().collect())
        }
        Access::Bearer(token) => AzureCredential::BearerToken(token.reveal().to_owned()),
    })
}
