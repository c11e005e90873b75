//! Amazon S3, and every service that speaks its language.
//!
//! Each method is one request, signed with its payload, and never repeated here: a repeated
//! conditional write would take its own success for a defeat. What may be repeated, a
//! [`Retry`](crate::store::layer::Retry) around this repeats.

mod answer;
mod archive;
mod bucket;
mod copy;
mod create;
mod deletion;
mod etag;
mod extra;
mod host;
mod list;
mod raw;
mod refusal;
mod rules;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod unfinished;
mod upload;
mod watch;
mod wire;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::adapter::checked::checked;
use crate::store::adapter::http::Client;
use crate::store::adapter::name;
use crate::store::credentials::aws::Source;
use crate::store::env::Env;
use crate::store::url::S3Location;
use crate::store::{
    Body, Capabilities, ConditionalPut, Copied, FileInfo, Got, Listed, Options, Precondition, Put,
    Recall, Recalled, Resumed, Rules, Store, Unfinished, Upload, Version, Want, Whereabouts,
};
use answer::Asked;
use async_trait::async_trait;
use bytes::Bytes;
use etag::Spelling;
use extra::Extra;
use futures_util::stream::BoxStream;
use http::{HeaderValue, StatusCode};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    RetryConfig, UpdateVersion,
};
use session::Session;
use settings::Settings;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::OnceCell;
use watch::Watched;
use wire::{Place, Wire};

/// A prefix of a bucket of an S3 service. Clones share connections and credentials.
#[derive(Clone)]
pub struct S3 {
    shared: Arc<Shared>,
}

struct Shared {
    location: S3Location,
    /// What stands before each key, with its slash.
    root: String,
    options: Options,
    env: Arc<dyn Env>,
    clock: Arc<dyn Clock>,
    source: Arc<Source>,
    spelling: Spelling,
    /// Whether some answer has shown that the bucket is there.
    seen: AtomicBool,
    /// Whether the service was found not to know how to delete several files at once.
    deletes_singly: AtomicBool,
    open: OnceCell<Open>,
}

/// What the first request finds out.
struct Open {
    service: AmazonS3,
    wire: Wire,
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
        let source = Source::new(
            location.clone(),
            options.into(),
            Arc::clone(&env),
            Arc::clone(&clock),
        );
        Self {
            shared: Arc::new(Shared {
                root: name::root(location.prefix()),
                location,
                options: options.clone(),
                env,
                clock,
                source: Arc::new(source),
                spelling: Spelling::default(),
                seen: AtomicBool::new(false),
                deletes_singly: AtomicBool::new(false),
                open: OnceCell::new(),
            }),
        }
    }

    async fn opened(&self) -> Result<&Open> {
        let shared = &*self.shared;
        let open = || async {
            let settings = Settings::find(&shared.location, &shared.options, &*shared.env).await?;
            let extra = Extra::new(&shared.options, settings.is_directory).await?;
            let watched = Watched {
                client: Client::new(&*shared.env, &shared.options),
                source: Arc::clone(&shared.source),
            };
            let Place { bucket_url, region } = settings.place.clone();
            shared.source.serves(&bucket_url, &region);
            let anonymous = shared.options.anonymous;
            let session = settings.is_directory && !anonymous;
            let session = session.then(|| Session::new(Arc::clone(&shared.clock)));
            let wire = Wire::new(watched, settings, extra, session, anonymous);
            let service = AmazonS3Builder::new()
                .with_bucket_name(shared.location.bucket())
                .with_region(region)
                // Given as the bucket's own address, whatever the addressing.
                .with_endpoint(bucket_url)
                .with_virtual_hosted_style_request(true)
                .with_allow_http(true)
                // The wire signs.
                .with_skip_signature(true)
                .with_disable_bulk_delete(true)
                .with_retry(RetryConfig {
                    max_retries: 0,
                    ..RetryConfig::default()
                })
                .with_http_connector(wire.clone())
                .build()
                .map_err(|error| {
                    let why = format!("cannot use {}: {error}", shared.location);
                    Error::new(ErrorKind::Invalid, why)
                })?;
            Ok(Open { service, wire })
        };
        shared.open.get_or_try_init(open).await
    }

    /// The name of a file in the whole bucket.
    fn path(&self, key: &Key) -> Result<Path> {
        let prefix = self.shared.location.prefix();
        let full = match key.as_str() {
            "" => prefix.to_owned(),
            key => format!("{}{key}", self.shared.root),
        };
        let path = Path::parse(full).ok().filter(|path| !path.is_root());
        path.ok_or_else(|| Error::new(ErrorKind::Invalid, format!("'{key}' is no name of a file")))
    }

    /// The bucket is there.
    fn seen(&self) {
        self.shared.seen.store(true, Ordering::Relaxed);
    }

    /// Asks why a file is missing.
    async fn missing(&self, key: &Key) -> Result<Option<FileInfo>> {
        match self.get(key, Want::range(0..1)).await {
            Ok(Got::Found(body)) => Ok(Some(body.info)),
            Err(error) if error.kind() == ErrorKind::Missing => Err(error),
            // What else it may be, it is no file.
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Sends a file with its condition, once.
    async fn put_once(
        &self,
        key: &Key,
        body: Bytes,
        when: Precondition<'_>,
    ) -> Result<std::result::Result<Version, object_store::Error>> {
        let asked = self.asked(Act::Write, key.as_str());
        let _under_way = match when {
            Precondition::Unchanged(_) => self.shared.spelling.under_way().await,
            Precondition::Always | Precondition::Absent => None,
        };
        let mode = match when {
            Precondition::Always => PutMode::Overwrite,
            Precondition::Absent => PutMode::Create,
            Precondition::Unchanged(version) => PutMode::Update(UpdateVersion {
                e_tag: Some(self.shared.spelling.of(version, &asked)?),
                version: None,
            }),
        };
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let path = self.path(key)?;
        let service = &self.opened().await?.service;
        match service.put_opts(&path, body.into(), options).await {
            Ok(written) => {
                self.seen();
                if matches!(when, Precondition::Unchanged(_)) {
                    self.shared.spelling.quoted();
                }
                let version = written.e_tag;
                let version = version.ok_or_else(|| asked.doubt("it names no version"))?;
                Ok(Ok(Version::new(version)))
            }
            Err(error) => Ok(Err(error)),
        }
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
            uploads_apart: true,
            deletes: deletion::MOST,
            copies: true,
            remote: true,
        }
    }

    fn describe(&self) -> String {
        self.shared.location.to_string()
    }

    fn credentials_used(&self) -> Option<String> {
        self.shared.source.origin()
    }

    /// S3 gives a HEAD no reasons, so the first answer that there is no such file may also
    /// mean that there is no such bucket. One more request then tells, once.
    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        let asked = self.asked(Act::Look, key.as_str());
        let path = self.path(key)?;
        match self.opened().await?.service.head(&path).await {
            Ok(meta) => {
                self.seen();
                info(&meta, &asked).map(Some)
            }
            Err(error) => match asked.status(&error) {
                Some((StatusCode::NOT_FOUND, None))
                    if !self.shared.seen.load(Ordering::Relaxed) =>
                {
                    self.missing(key).await
                }
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
                return self.head(key).await.map(Got::nothing_of);
            }
            options.range = Some(GetRange::Bounded(range.clone()));
        }
        if let Some(version) = &want.unless {
            options.if_none_match = Some(token(version, &asked)?);
        }
        let path = self.path(key)?;
        match self.opened().await?.service.get_opts(&path, options).await {
            Ok(found) => {
                self.seen();
                let info = info(&found.meta, &asked)?;
                let expected = found.range.end - found.range.start;
                let bytes = checked(
                    found.into_stream(),
                    expected,
                    None,
                    asked.into_owned(),
                    |asked, error| asked.explain(&error),
                );
                Ok(Got::Found(Body { info, bytes }))
            }
            Err(error) => match asked.status(&error) {
                Some((StatusCode::NOT_MODIFIED, _)) => Ok(Got::NotModified),
                Some((StatusCode::NOT_FOUND, code @ (None | Some("NoSuchKey")))) => {
                    if code.is_some() {
                        self.seen();
                    }
                    Ok(Got::Missing)
                }
                _ => Err(asked.explain(&error)),
            },
        }
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        let asked = self.asked(Act::Write, key.as_str());
        let error = match self.put_once(key, body.clone(), when).await? {
            Ok(written) => return Ok(Put::Written(written)),
            Err(error) => error,
        };
        let (version, error) = match (when, asked.status(&error)) {
            (Precondition::Always, _) => return Err(asked.explain(&error)),
            (Precondition::Absent, Some((StatusCode::PRECONDITION_FAILED, _))) => {
                return Ok(Put::Lost);
            }
            (Precondition::Unchanged(version), Some((StatusCode::PRECONDITION_FAILED, _))) => {
                (version, error)
            }
            (
                Precondition::Unchanged(_),
                Some((StatusCode::NOT_FOUND, None | Some("NoSuchKey"))),
            ) => return Ok(Put::Lost),
            _ => return Err(asked.explain_conditional(&error)),
        };
        if !etag::is_bare(self, key, version, &error).await {
            return Ok(Put::Lost);
        }
        match self.put_once(key, body, when).await? {
            Ok(written) => Ok(Put::Written(written)),
            Err(error) => match asked.status(&error) {
                Some((StatusCode::PRECONDITION_FAILED | StatusCode::NOT_FOUND, _)) => Ok(Put::Lost),
                _ => Err(asked.explain_conditional(&error)),
            },
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
        list::files(self, prefix, after)
    }

    async fn rules(&self) -> Result<Rules> {
        rules::ask(self).await
    }

    async fn recall(&self, key: &Key, recall: Recall) -> Result<Recalled> {
        archive::recall(self, key, recall).await
    }

    async fn create(&self) -> Result<()> {
        create::create(self).await
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

    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
        deletion::many(self, keys).await
    }

    async fn whereabouts(&self, key: &Key) -> Result<Option<Whereabouts>> {
        copy::whereabouts(self, key).await
    }

    async fn copy(&self, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
        copy::copy(self, from, size, key).await
    }
}
