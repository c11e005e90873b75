//! Google Cloud Storage, by its XML API.
//!
//! Each method is one request and never repeated here: a repeated conditional write would
//! take its own success for a defeat. What may be repeated, a
//! [`Retry`](crate::store::layer::Retry) around this repeats.
//!
//! The requests are made here rather than by object_store. They need no signing, only a
//! token, so little is saved; and object_store's own would leave out what is wanted of them:
//! checksums on arrival, the project that pays, access lists, keys, going without a token,
//! and keys of files that others wrote and its paths cannot hold.
//!
//! A version is the generation of the object, which grows with every write, and behind it the
//! ETag: the XML API compares generations when it writes, and only ETags when it reads.

mod answer;
mod checksum;
mod copy;
mod create;
mod list;
mod refusal;
mod rules;
mod settings;
mod unfinished;
mod upload;
mod version;
mod wire;

use crate::clock::SystemClock;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::adapter::checked::checked;
use crate::store::adapter::http::Client;
use crate::store::adapter::name;
use crate::store::credentials::google::Source;
use crate::store::deletion::one_by_one;
use crate::store::env::Env;
use crate::store::options::Options;
use crate::store::url::GoogleLocation;
use crate::store::{
    Body, Capabilities, ConditionalPut, Copied, Got, Listed, Precondition, Put, Resumed, Rules,
    Store, Unfinished, Upload, Want, Whereabouts,
};
use answer::Asked;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::Method;
use http_body_util::BodyDataStream;
use settings::Settings;
use std::fmt;
use std::sync::Arc;
use tokio::sync::OnceCell;
use version::info;
use wire::{Call, Trouble};

/// A prefix of a bucket of Google Cloud Storage. Clones share connections and credentials.
#[derive(Clone)]
pub struct Google {
    shared: Arc<Shared>,
}

struct Shared {
    location: GoogleLocation,
    options: Options,
    /// What stands before each key, with its slash.
    root: String,
    client: Client,
    source: Source,
    settings: OnceCell<Settings>,
}

impl fmt::Debug for Google {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Google({})", self.shared.location)
    }
}

impl Google {
    /// Remembers where the bucket is.
    ///
    /// No I/O: files are read, credentials found and connections made when the first request
    /// needs them, and its error says what is wrong with them.
    pub fn open(location: &GoogleLocation, options: &Options, env: Arc<dyn Env>) -> Self {
        let client = Client::new(&*env, options);
        let source = Source::new(
            options.anonymous,
            client.clone(),
            env,
            Arc::new(SystemClock),
        );
        Self {
            shared: Arc::new(Shared {
                location: location.clone(),
                options: options.clone(),
                root: name::root(location.prefix()),
                client,
                source,
                settings: OnceCell::new(),
            }),
        }
    }

    /// The name of a file in the whole bucket.
    fn name(&self, key: &Key) -> Result<String> {
        name::full(&self.shared.root, key, &self.asked(Act::Look, ""))
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

#[async_trait]
impl Store for Google {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditional_put: ConditionalPut::Version,
            probe: true,
            min_part: 5 << 20,
            max_part: 5 << 30,
            max_parts: 10_000,
            ordered: true,
            uploads_apart: true,
            deletes: 1,
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

    /// An answer that there is no such file may also mean that there is no such bucket: a
    /// HEAD is given no reasons.
    async fn head(&self, key: &Key) -> Result<Option<crate::store::FileInfo>> {
        let asked = self.asked(Act::Look, key.as_str());
        let name = self.name(key)?;
        match self.send(Call::new(Method::HEAD, &name).unlock()).await {
            Ok(answer) => info(answer.headers(), &asked).map(Some),
            Err(trouble) if trouble.is_missing() => Ok(None),
            Err(trouble) => Err(asked.explain(trouble)),
        }
    }

    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        let asked = self.asked(Act::Read, key.as_str());
        let name = self.name(key)?;
        let mut call = Call::new(Method::GET, &name).unlock();
        if let Some(range) = &want.range {
            if range.is_empty() {
                return self.head(key).await.map(Got::nothing_of);
            }
            let last = range.end - 1;
            call = call.header("range", format!("bytes={}-{last}", range.start));
        }
        if let Some(etag) = want.unless.as_ref().and_then(version::etag) {
            call = call.header("if-none-match", etag);
        }
        match self.send(call).await {
            Ok(answer) => {
                let (parts, body) = answer.into_parts();
                let info = info(&parts.headers, &asked)?;
                let expected = version::expected(&parts, &want, info.size, &asked)?;
                let whole = want.range.is_none();
                let sum = whole.then(|| checksum::running(&parts.headers));
                let bytes = checked(
                    BodyDataStream::new(body),
                    expected,
                    sum.flatten(),
                    asked.into_owned(),
                    |asked, failure| asked.broken(&failure),
                );
                Ok(Got::Found(Body { info, bytes }))
            }
            Err(trouble) if trouble.is_not_modified() => Ok(Got::NotModified),
            Err(trouble) if trouble.is_missing() => Ok(Got::Missing),
            Err(trouble) => Err(asked.explain(trouble)),
        }
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        let asked = self.asked(Act::Write, key.as_str());
        let name = self.name(key)?;
        let mut call = Call::new(Method::PUT, &name)
            .describe(when == Precondition::Always)
            .header("x-goog-hash", checksum::claim(&body))
            .body(body);
        match when {
            Precondition::Always => {}
            Precondition::Absent => call = call.header("x-goog-if-generation-match", "0"),
            Precondition::Unchanged(version) => {
                let generation = version::generation(version, &asked)?;
                call = call.header("x-goog-if-generation-match", generation);
            }
        }
        let trouble = match self.send_whole(call).await {
            Ok(answer) => {
                let version = version::of(answer.headers());
                let version = version.ok_or_else(|| asked.doubt("it names no generation"))?;
                return Ok(Put::Written(version));
            }
            Err(trouble) => trouble,
        };
        match (&trouble, when) {
            (_, Precondition::Always) => Err(asked.explain(trouble)),
            (Trouble::Refused(refused), _) if refused.status == 412 => Ok(Put::Lost),
            (_, Precondition::Unchanged(_)) if trouble.is_missing() => Ok(Put::Lost),
            _ => Err(asked.explain_conditional(trouble)),
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
        let name = format!("{}{key}", self.shared.root);
        unfinished::abandon(self, &self.asked(Act::Write, key), &name, token).await
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

    async fn create(&self) -> Result<()> {
        create::create(self).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let asked = self.asked(Act::Delete, key.as_str());
        let name = self.name(key)?;
        match self.send_whole(Call::new(Method::DELETE, &name)).await {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.is_missing() => Ok(()),
            Err(trouble) => Err(asked.explain(trouble)),
        }
    }

    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
        Ok(one_by_one(self, keys).await)
    }

    async fn whereabouts(&self, key: &Key) -> Result<Option<Whereabouts>> {
        copy::whereabouts(self, key).await
    }

    async fn copy(&self, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
        copy::copy(self, from, size, key).await
    }
}
