//! Tells the source of the credentials what the service says of them.

use super::refusal::code;
use crate::error::{Error, ErrorKind};
use crate::store::adapter::http::{Client, Refusal};
use crate::store::credentials::aws::Source;
use async_trait::async_trait;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use std::error::Error as _;
use std::sync::Arc;

/// A client that listens.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) client: Client,
    pub(super) source: Arc<Source>,
}

impl HttpConnector for Watched {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Watched {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let key = signer(request.headers()).map(str::to_owned);
        let Some(key) = key else {
            return self.client.call(request).await;
        };
        let error = match self.client.call(request).await {
            Ok(answer) => {
                self.source.accepted().await;
                return Ok(answer);
            }
            Err(error) => error,
        };
        let refusal = error.source().and_then(|source| source.downcast_ref());
        match self.judge(&key, refusal).await {
            Some(ended) => Err(HttpError::new(HttpErrorKind::Unknown, ended)),
            None => Err(error),
        }
    }
}

impl Watched {
    /// What a refusal says of the key that signed the request. The error if the request is
    /// worth repeating with another one: it was refused for its signature, so nothing of it
    /// took place, whatever it was.
    pub(super) async fn judge(&self, key: &str, refusal: Option<&Refusal>) -> Option<Error> {
        match code(refusal?)? {
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "InvalidToken" => {
                let again = self.source.ended(key).await;
                again.then(|| Error::new(ErrorKind::Unavailable, "the session has ended"))
            }
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" => {
                self.source.refused().await;
                None
            }
            _ => None,
        }
    }
}

/// The id of the key that signed a request: `AWS4-HMAC-SHA256 Credential=<id>/<scope>, …`.
pub(super) fn signer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = value.split_once("Credential=")?;
    Some(credential.split_once('/')?.0)
}
