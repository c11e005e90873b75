//! Amazon S3, and every service that speaks its language.
//!
//! Each method is one request, signed with its payload, and never repeated here: a repeated
//! conditional write would take its own success for a defeat. What may be repeated, a
//! [`Retry`](crate::store::layer::Retry) around this repeats.

mod answer;
mod list;
mod refusal;
mod settings;
#[cfg(test)]
mod tests;
mod unfinished;
mod upload;
mod watch;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::adapter::http::Client;
use crate::store::credentials::aws::Source;
use crate::store::env::Env;
use crate::store::url::S3Location;
use crate::store::{
    Body, Capabilities, ConditionalPut, FileInfo, Got, Listed, Options, Precondition, Put, Resumed,
    Store, Unfinished, Upload, Version, Want,
};
use answer::{Act, Asked};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::{HeaderValue, StatusCode};
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential, AwsCredentialProvider};
use object_store::client::CredentialProvider;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    RetryConfig, UpdateVersion,
};
use settings::Settings;
use std::fmt;
use std::sync::Arc;
use tokio::sync::OnceCell;
use watch::Watched;

/// A prefix of a bucket of an S3 service. Clones share connections and credentials.
#[derive(Clone)]
pub struct S3 {
    shared: Arc<Shared>,
}

struct Shared {
    location: S3Location,
    options: Options,
    env: Arc<dyn Env>,
    source: Arc<Source>,
    open: OnceCell<Open>,
}

/// What the first request finds out.
struct Open {
    service: AmazonS3,
    credentials: AwsCredentialProvider,
    client: Watched,
    settings: Settings,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3({})", self.shared.location)
    }
}

impl S3 {
    /// Remembers where the bucket is.
    ///
    /// No I/O: configuration files are read, credentials found and connections made when
    /// the first request needs them, and its error says what is wrong with them.
    pub fn open(location: &S3Location, options: &Options, env: Arc<dyn Env>) -> Self {
        Self::at_time(location, options, env, Arc::new(SystemClock))
    }

    /// As [`S3::open`], with a clock for the end of credentials.
    fn at_time(
        location: &S3Location,
        options: &Options,
        env: Arc<dyn Env>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let location = location.clone().with_profile(options);
        let source = Source::new(location.clone(), Arc::clone(&env), clock);
        Self {
            shared: Arc::new(Shared {
                location,
                options: options.clone(),
                env,
                source: Arc::new(source),
                open: OnceCell::new(),
            }),
        }
    }

    async fn opened(&self) -> Result<&Open> {
        let shared = &*self.shared;
        let open = || async {
            let settings = Settings::find(&shared.location, &shared.options, &*shared.env).await?;
            let client = Watched {
                client: Client::new(&*shared.env, &shared.options),
                source: Arc::clone(&shared.source),
            };
            shared.source.serves(&settings.bucket_url, &settings.region);
            let credentials: AwsCredentialProvider = Arc::new(Signer(Arc::clone(&shared.source)));
            let service = AmazonS3Builder::new()
                .with_bucket_name(shared.location.bucket())
                .with_region(&settings.region)
                // Given as the bucket's own address, whatever the addressing.
                .with_endpoint(&settings.bucket_url)
                .with_virtual_hosted_style_request(true)
                .with_allow_http(true)
                .with_credentials(Arc::clone(&credentials))
                .with_disable_bulk_delete(true)
                .with_retry(RetryConfig {
                    max_retries: 0,
                    ..RetryConfig::default()
                })
                .with_http_connector(client.clone())
                .build()
                .map_err(|error| {
                    let why = format!("cannot use {}: {error}", shared.location);
                    Error::new(ErrorKind::Invalid, why)
                })?;
            Ok(Open {
                service,
                credentials,
                client,
                settings,
            })
        };
        shared.open.get_or_try_init(open).await
    }

    /// The name of a file in the whole bucket.
    fn path(&self, key: &Key) -> Result<Path> {
        let prefix = self.shared.location.prefix();
        let full = if prefix.is_empty() || key.as_str().is_empty() {
            format!("{prefix}{key}")
        } else {
            format!("{prefix}/{key}")
        };
        let path = Path::parse(full).ok().filter(|path| !path.is_root());
        path.ok_or_else(|| Error::new(ErrorKind::Invalid, format!("'{key}' is no name of a file")))
    }

    /// What is being asked, for the text of errors.
    fn asked<'a>(&'a self, act: Act, thing: &'a str) -> Asked<'a> {
        Asked {
            act,
            thing,
            location: &self.shared.location,
        }
    }
}

/// Credentials in the form that object_store signs with.
#[derive(Debug)]
struct Signer(Arc<Source>);

#[async_trait]
impl CredentialProvider for Signer {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let found = self
            .0
            .get()
            .await
            .map_err(|error| object_store::Error::Generic {
                store: "S3",
                source: Box::new(error),
            })?;
        let found = &found.credential;
        Ok(Arc::new(AwsCredential {
            key_id: found.id.clone(),
            secret_key: found.secret.reveal().to_owned(),
            token: found.token.as_ref().map(|token| token.reveal().to_owned()),
        }))
    }
}

fn info(meta: &ObjectMeta, asked: &Asked<'_>) -> Result<FileInfo> {
    let version = meta
        .e_tag
        .as_deref()
        .ok_or_else(|| asked.nonsense("it names no version"))?;
    Ok(FileInfo {
        size: meta.size,
        version: Version::new(version),
    })
}

/// The token of a version, if it can stand in a header.
fn token(version: &Version, asked: &Asked<'_>) -> Result<String> {
    match HeaderValue::from_str(version.as_str()) {
        Ok(_) => Ok(version.as_str().to_owned()),
        Err(_) => Err(asked.error(ErrorKind::Invalid, "the version holds odd characters")),
    }
}

#[async_trait]
impl Store for S3 {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditional_put: ConditionalPut::Version,
            probe: true,
            min_part: 5 << 20,
            max_part: 5 << 30,
            max_parts: 10_000,
            ordered: false,
            remote: true,
        }
    }

    fn describe(&self) -> String {
        self.shared.location.to_string()
    }

    fn credentials_used(&self) -> Option<String> {
        self.shared.source.origin()
    }

    /// An answer that there is no such file may also mean that there is no such bucket:
    /// S3 gives a HEAD no reasons.
    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        let asked = self.asked(Act::Look, key.as_str());
        let path = self.path(key)?;
        match self.opened().await?.service.head(&path).await {
            Ok(meta) => info(&meta, &asked).map(Some),
            Err(error) => match asked.status(&error) {
                Some((StatusCode::NOT_FOUND, None | Some("NoSuchKey"))) => Ok(None),
                _ => Err(asked.explain(&error)),
            },
        }
    }

    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        let asked = self.asked(Act::Read, key.as_str());
        let mut options = GetOptions::default();
        if let Some(range) = &want.range {
            if range.is_empty() {
                // No request can ask for nothing.
                let info = self.head(key).await?;
                let bytes = stream::empty().boxed();
                return Ok(info.map_or(Got::Missing, |info| Got::Found(Body { info, bytes })));
            }
            options.range = Some(GetRange::Bounded(range.clone()));
        }
        if let Some(version) = &want.unless {
            options.if_none_match = Some(token(version, &asked)?);
        }
        let path = self.path(key)?;
        match self.opened().await?.service.get_opts(&path, options).await {
            Ok(found) => {
                let info = info(&found.meta, &asked)?;
                let expected = found.range.end - found.range.start;
                let bytes = answer::counted(found.into_stream(), expected, asked.into_owned());
                Ok(Got::Found(Body { info, bytes }))
            }
            Err(error) => match asked.status(&error) {
                Some((StatusCode::NOT_MODIFIED, _)) => Ok(Got::NotModified),
                Some((StatusCode::NOT_FOUND, None | Some("NoSuchKey"))) => Ok(Got::Missing),
                _ => Err(asked.explain(&error)),
            },
        }
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        let asked = self.asked(Act::Write, key.as_str());
        let mode = match when {
            Precondition::Always => PutMode::Overwrite,
            Precondition::Absent => PutMode::Create,
            Precondition::Unchanged(version) => PutMode::Update(UpdateVersion {
                e_tag: Some(token(version, &asked)?),
                version: None,
            }),
        };
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let path = self.path(key)?;
        let sent = self
            .opened()
            .await?
            .service
            .put_opts(&path, body.into(), options)
            .await;
        let error = match sent {
            Ok(written) => {
                let version = written
                    .e_tag
                    .ok_or_else(|| asked.doubt("it names no version"))?;
                return Ok(Put::Written(Version::new(version)));
            }
            Err(error) => error,
        };
        if when == Precondition::Always {
            return Err(asked.explain(&error));
        }
        match asked.status(&error) {
            Some((StatusCode::PRECONDITION_FAILED, _)) => Ok(Put::Lost),
            Some((StatusCode::NOT_FOUND, None | Some("NoSuchKey")))
                if when != Precondition::Absent =>
            {
                Ok(Put::Lost)
            }
            _ => Err(asked.explain_conditional(&error)),
        }
    }

    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
        upload::begin(self, key).await
    }

    async fn resume(&self, key: &Key, token: &str) -> Result<Option<Resumed>> {
        unfinished::resume(self, key, token).await
    }

    fn unfinished<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
        unfinished::list(self, prefix)
    }

    async fn abandon(&self, key: &str, token: &str) -> Result<()> {
        unfinished::abandon(self, key, token).await
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        list::pages(self, prefix, after)
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let asked = self.asked(Act::Delete, key.as_str());
        let path = self.path(key)?;
        match self.opened().await?.service.delete(&path).await {
            Ok(()) => Ok(()),
            Err(error) => match asked.status(&error) {
                Some((StatusCode::NOT_FOUND, None | Some("NoSuchKey"))) => Ok(()),
                _ => Err(asked.explain(&error)),
            },
        }
    }
}
