//! Azure Blob Storage, and what speaks its language.
//!
//! Each method is one request and never repeated here: a repeated conditional write would
//! take its own success for a defeat. What may be repeated, a
//! [`Retry`](crate::store::layer::Retry) around this repeats.
//!
//! The requests are made here and signed by object_store. Its own would leave out what is
//! wanted of them: checksums on arrival, blocks that another process can find again,
//! keys of files that others wrote and its paths cannot hold.
//!
//! A version is the ETag, which is another one after every write. Files are block blobs.

mod answer;
mod archive;
mod copy;
mod list;
mod refusal;
mod rules;
mod sas;
mod settings;
#[cfg(test)]
mod tests;
mod unfinished;
mod upload;
mod wire;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::adapter::checked::checked;
use crate::store::adapter::http::Client;
use crate::store::adapter::name;
use crate::store::credentials::azure::Source;
use crate::store::deletion::one_by_one;
use crate::store::env::Env;
use crate::store::url::AzureLocation;
use crate::store::{
    Body, Capabilities, ConditionalPut, Copied, FileInfo, Got, Listed, Options, Precondition, Put,
    Recall, Recalled, Resumed, Rules, Store, Unfinished, Upload, Want, Whereabouts,
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
use wire::{Call, Trouble};

/// A prefix of a container of Azure Blob Storage. Clones share connections and credentials.
#[derive(Clone)]
pub struct Azure {
    shared: Arc<Shared>,
}

struct Shared {
    location: AzureLocation,
    options: Options,
    /// What stands before each key, with its slash.
    root: String,
    client: Client,
    source: Source,
    clock: Arc<dyn Clock>,
    env: Arc<dyn Env>,
    settings: OnceCell<Settings>,
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Azure({})", self.shared.location)
    }
}

impl Azure {
    /// Remembers where the container is.
    ///
    /// No I/O: credentials are found and connections made when the first request needs them,
    /// and its error says what is wrong with them.
    pub fn open(location: &AzureLocation, options: &Options, env: Arc<dyn Env>) -> Self {
        let client = Client::new(&*env, options);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let source = Source::new(location, options, Arc::clone(&env), Arc::clone(&clock));
        Self {
            shared: Arc::new(Shared {
                location: location.clone(),
                options: options.clone(),
                root: name::root(location.prefix()),
                client,
                source,
                clock,
                env,
                settings: OnceCell::new(),
            }),
        }
    }

    /// The name of a file in the whole container.
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
impl Store for Azure {
    /// Not ordered: where a storage account has folders ("hierarchical namespace"), a listing
    /// is in the order of the parts of a path. Of two uploads of one file, the first that is
    /// completed throws away the parts of the other.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditional_put: ConditionalPut::Version,
            probe: true,
            min_part: 1,
            max_part: 4_000 << 20,
            max_parts: 50_000,
            ordered: false,
            uploads_apart: false,
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

    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        let asked = self.asked(Act::Look, key.as_str());
        let name = self.name(key)?;
        match self.send(Call::new(Method::HEAD, &name).unlock()).await {
            Ok(answer) => answer::info(answer.headers(), &asked).map(Some),
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
            call = call.header("range", format!("bytes={}-{}", range.start, range.end - 1));
        }
        if let Some(version) = &want.unless {
            call = call.header("if-none-match", version.as_str());
        }
        match self.send(call).await {
            Ok(answer) => {
                let (parts, body) = answer.into_parts();
                let (info, range) = answer::part(&parts.headers, &asked)?;
                let whole = range.start == 0 && range.end == info.size;
                let sum = whole.then(|| answer::sum(&parts.headers)).flatten();
                let bytes = checked(
                    BodyDataStream::new(body),
                    range.end - range.start,
                    sum,
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
        let call = Call::new(Method::PUT, &name)
            .header("x-ms-blob-type", "BlockBlob")
            .describe(when == Precondition::Always)
            .checked_body(body);
        let call = match when {
            Precondition::Always => call,
            Precondition::Absent => call.header("if-none-match", "*"),
            Precondition::Unchanged(version) => call.header("if-match", version.as_str()),
        };
        match self.send_whole(call).await {
            Ok(answer) => match answer::version(answer.headers()) {
                Some(version) => Ok(Put::Written(version)),
                None => Err(asked.doubt("the answer names no version")),
            },
            Err(trouble) if when == Precondition::Always => Err(asked.explain(trouble)),
            Err(trouble) if trouble.is_lost() => Ok(Put::Lost),
            Err(trouble) => Err(asked.explain_conditional(trouble)),
        }
    }

    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
        upload::begin(self, key).await
    }

    async fn resume(&self, key: &Key, token: &str) -> Result<Option<Resumed>> {
        upload::resume(self, key, token).await
    }

    fn unfinished<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
        unfinished::list(self, prefix)
    }

    /// The parts of every upload of this key are thrown away, in two or three requests.
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
        let asked = self.asked(Act::Make, "");
        let call = Call::new(Method::PUT, "").query("restype", "container");
        match self.send_whole(call).await {
            Ok(_) => Ok(()),
            Err(Trouble::Refused(refused))
                if wire::code(&refused) == Some("ContainerAlreadyExists") =>
            {
                Ok(())
            }
            Err(trouble) => Err(asked.explain(trouble)),
        }
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
