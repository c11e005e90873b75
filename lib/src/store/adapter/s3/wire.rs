//! The last stage before the connection: where the bucket is, what the options add, the
//! signature.
//!
//! object_store asks for files without signing; what it asks passes through here. So a
//! request can be sent once more to another region, signed for it: the refusal that tells
//! the region shows that nothing of the first took place.

use super::extra::Extra;
use super::refusal;
use super::session::{self, Session};
use super::settings::Settings;
use super::watch::Watched;
use crate::error::{Error, ErrorKind, Result};
use crate::store::adapter::http::Refusal;
use crate::store::credentials::aws::Credentials;
use async_trait::async_trait;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use sha2::{Digest, Sha256};
use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// A way to the service. Clones share what they learn.
#[derive(Clone)]
pub(super) struct Wire {
    shared: Arc<Shared>,
}

struct Shared {
    next: Watched,
    settings: Settings,
    extra: Extra,
    /// Requests are not signed.
    anonymous: bool,
    session: Option<Session>,
    /// Where the service says the bucket is, if that is not where we looked first.
    learned: RwLock<Option<Place>>,
}

/// Where requests go and what they are signed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket_url: String,
    pub(super) region: String,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.place().bucket_url)
    }
}

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let place = self.place();
        let again = request.clone();
        let error = match self.send(request, &place).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Some(elsewhere) = self.elsewhere(&error, &place) else {
            return Err(error);
        };
        let answer = self.send(again, &elsewhere).await;
        // A region that is wrong as well is not worth remembering.
        let wrong = answer
            .as_ref()
            .is_err_and(|error| misdirected(error).is_some());
        if !wrong {
            let learned = self.shared.learned.write();
            *learned.unwrap_or_else(PoisonError::into_inner) = Some(elsewhere);
        }
        answer
    }
}

impl Wire {
    pub(super) fn new(
        next: Watched,
        settings: Settings,
        extra: Extra,
        session: Option<Session>,
        anonymous: bool,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                next,
                settings,
                extra,
                anonymous,
                session,
                learned: RwLock::default(),
            }),
        }
    }

    /// Where the bucket is, as far as is known.
    pub(super) fn place(&self) -> Place {
        let learned = self.shared.learned.read();
        let learned = learned.unwrap_or_else(PoisonError::into_inner).clone();
        learned.unwrap_or_else(|| self.shared.settings.place.clone())
    }

    /// The address at which requests are asked for, wherever they go then.
    pub(super) fn bucket_url(&self) -> &str {
        &self.shared.settings.place.bucket_url
    }

    /// What buckets have in common between which the service copies files, if it does without
    /// a key that it does not have.
    pub(super) fn service(&self, bucket: &str) -> Option<String> {
        let service = self.shared.settings.service(bucket)?;
        (!self.shared.extra.has_key()).then_some(service)
    }

    /// Whether the bucket is a directory bucket.
    pub(super) fn is_directory(&self) -> bool {
        self.shared.settings.is_directory
    }

    async fn send(
        &self,
        mut request: HttpRequest,
        place: &Place,
    ) -> Result<HttpResponse, HttpError> {
        let shared = &*self.shared;
        move_to(&mut request, self.bucket_url(), &place.bucket_url).map_err(ours)?;
        let query = request.uri().query().map(str::to_owned);
        let method = request.method().clone();
        let address = request.uri().to_string();
        // What is said of files is not said of the bucket.
        if address.trim_end_matches('/') != place.bucket_url {
            let headers = request.headers_mut();
            shared.extra.add(&method, query.as_deref(), headers);
        }
        if shared.anonymous {
            return shared.next.call(request).await;
        }
        let source = &shared.next.source;
        let Some(session) = &shared.session else {
            let keys = source.get().await.map_err(ours)?;
            sign(&mut request, &keys.credential, "s3", &place.region).map_err(ours)?;
            return shared.next.call(request).await;
        };
        let keys = session.keys(self, place).await.map_err(ours)?;
        session::enter(&mut request, &keys, &place.region).map_err(ours)?;
        // Around the one who listens: these are not the keys that he knows.
        let answer = shared.next.client.call(request).await;
        if let Err(error) = &answer
            && refused(error)
                .and_then(refusal::code)
                .is_some_and(|code| code == "ExpiredToken")
            && session.ended(&keys).await
        {
            let again = Error::new(ErrorKind::Unavailable, "the session has ended");
            return Err(ours(again));
        }
        answer
    }

    /// Asks for a session, with the usual keys.
    pub(super) async fn begin(
        &self,
        mut request: HttpRequest,
        region: &str,
    ) -> Result<HttpResponse, HttpError> {
        let shared = &*self.shared;
        request.headers_mut().extend(shared.extra.session.clone());
        let keys = shared.next.source.get().await.map_err(ours)?;
        sign(&mut request, &keys.credential, "s3express", region).map_err(ours)?;
        shared.next.call(request).await
    }

    /// Where the service says that the bucket is instead.
    fn elsewhere(&self, error: &HttpError, place: &Place) -> Option<Place> {
        let region = misdirected(error)?;
        let found = (region != place.region).then(|| self.shared.settings.at(region))?;
        found.ok()
    }
}

/// The region that a refusal names as the right one.
fn misdirected(error: &HttpError) -> Option<&str> {
    let refusal = refused(error)?;
    let status = matches!(refusal.status.as_u16(), 301 | 302 | 307 | 308 | 400);
    refusal::region(refusal).filter(|_| status)
}

fn refused(error: &HttpError) -> Option<&Refusal> {
    error.source()?.downcast_ref()
}

fn ours(error: Error) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, error)
}

/// Asks another address for the same.
fn move_to(request: &mut HttpRequest, from: &str, to: &str) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let address = request.uri().to_string();
    let rest = address.strip_prefix(from).unwrap_or_default();
    let slash = if rest.starts_with(['/', '?']) || to.splitn(4, '/').nth(3).is_some() {
        ""
    } else {
        "/"
    };
    *request.uri_mut() = format!("{to}{slash}{rest}")
        .parse()
        .map_err(|error| Error::new(ErrorKind::Invalid, format!("cannot ask {to}: {error}")))?;
    Ok(())
}

/// Adds what signature version 4 adds.
pub(super) fn sign(
    request: &mut HttpRequest,
    keys: &Credentials,
    service: &str,
    region: &str,
) -> Result<()> {
    let credential = AwsCredential {
        key_id: keys.id.clone(),
        secret_key: keys.secret.reveal().to_owned(),
        token: keys.token.as_ref().map(|token| token.reveal().to_owned()),
    };
    let mut digest = Sha256::new();
    let mut body = request.body().clone();
    // All of it is there already.
    while let Some(Some(Ok(frame))) = body.frame().now_or_never() {
        if let Ok(data) = frame.into_data() {
            digest.update(&data);
        }
    }
    AwsAuthorizer::new(&credential, service, region)
        .try_authorize(request, Some(digest.finalize().as_slice()))
        .map_err(|error| Error::new(ErrorKind::Invalid, format!("cannot sign: {error}")))
}
