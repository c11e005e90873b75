//! What git-annex knows of the remote, and the store that it names.

use super::job::{Fault, Job, odd};
use super::request::split;
use crate::connect;
use crate::conversation::Stop;
use pail::Error;
use pail::clock::SystemClock;
use pail::large_files::annex::{Content, PARAMETERS, Parameters, Place};
use pail::local::Config;
use pail::store::options::Service;
use pail::store::{self, Env, Options, Recall, Speed, SystemEnv};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name under which credentials are kept: as git-annex's own S3 remote has it, so that
/// what one of the two embedded serves the other.
const CREDENTIALS: &str = "s3creds";

/// Where in the git directory it is written down how large uploads were begun.
pub(crate) const NOTES: &str = "pail/annex";

pub(super) const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
pub(super) const SECRET: &str = "AWS_SECRET_ACCESS_KEY";

/// What git-annex knows of the remote.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) parameters: Parameters,
    pub(super) place: Place,
    /// The name of git's remote, where git-annex tells it.
    pub(super) name: Option<String>,
}

impl Settings {
    /// Asks for every parameter. No network.
    pub(super) async fn ask(job: &mut Job, named: bool) -> Result<Self, Fault> {
        let mut parameters = Parameters::default();
        for parameter in PARAMETERS {
            let question = format!("GETCONFIG {}", parameter.name);
            if let Some(value) = job.value(&question).await? {
                parameters.set(parameter.name, value);
            }
        }
        let name = match named {
            true => job.value("GETGITREMOTENAME").await?,
            false => None,
        };
        Ok(Self {
            place: parameters.place()?,
            parameters,
            name,
        })
    }

    /// Gets ready to move content: git's configuration is read, the store is named. The first
    /// request finds out whether it lets us in.
    pub(super) async fn open(&self, job: &mut Job) -> Result<Content, Fault> {
        let config = Config::read_default().await?;
        let given = connect::given(self.name.as_deref(), &config);
        let options = self.place.options(given)?;
        let env = self.env(job, &options).await?;
        let store = store::open(&self.place.location, &options, env)?;
        let prefix = self.place.prefix.clone();
        let compress = self.parameters.compresses()?;
        let content = Content::new(store, prefix, options.limits()).compressing(compress);
        let content = content.recalling(self.recall(&config)?);
        Ok(match job.value("GETGITDIR").await? {
            Some(folder) => content.noting(Path::new(&folder).join(NOTES), Arc::new(SystemClock)),
            None => content,
        })
    }

    /// How what lies in an archive is asked back: `restore=yes`, with what git's
    /// configuration says of git-annex's own remote.
    fn recall(&self, config: &Config) -> Result<Option<Recall>, Error> {
        if !self.parameters.flag("restore")? {
            return Ok(None);
        }
        let own = |name: &str| Some(format!("remote.{}.annex-{name}", self.name.as_deref()?));
        let keys = |name: &str| [own(name), Some(format!("annex.{name}"))];
        let find = |name: &str| {
            keys(name)
                .into_iter()
                .flatten()
                .find(|key| config.get(key).is_some())
        };
        let speed = find("s3-restore-tier").and_then(|key| config.get(&key).map(str::to_owned));
        let days = find("s3-restore-days").and_then(|key| config.number(&key));
        let days = days
            .and_then(|days| u32::try_from(days).ok())
            .filter(|days| *days > 0);
        let usual = Recall::default();
        Ok(Some(Recall {
            days: days.unwrap_or(usual.days),
            speed: match speed.as_deref() {
                Some("bulk") => Speed::Slow,
                Some("expedited") => Speed::Fast,
                _ => usual.speed,
            },
        }))
    }

    /// The surroundings, with the keys that git-annex keeps where there are no others.
    async fn env(&self, job: &mut Job, options: &Options) -> Result<Arc<dyn Env>, Fault> {
        let own = |name| SystemEnv.var(name).is_some();
        let needed = self.place.location.service() == Service::S3
            && !options.anonymous
            && options.profile.is_none()
            && !own(KEY_ID)
            && !own("AWS_PROFILE");
        let kept = match needed {
            true => keys(job).await?,
            false => None,
        };
        let Some((id, secret)) = kept else {
            return Ok(Arc::new(SystemEnv));
        };
        let keys = [(KEY_ID.to_owned(), id), (SECRET.to_owned(), secret)];
        Ok(Arc::new(WithKeys(BTreeMap::from(keys))))
    }

    /// Gives git-annex the keys of the environment to keep, as its own S3 remote does. Keys
    /// that end with a session are not worth keeping.
    pub(super) fn keep_keys(&self, job: &Job) -> Result<(), Stop> {
        if self.place.location.service() != Service::S3
            || SystemEnv.var("AWS_SESSION_TOKEN").is_some()
        {
            return Ok(());
        }
        match (SystemEnv.var(KEY_ID), SystemEnv.var(SECRET)) {
            (Some(id), Some(secret)) => {
                job.say(format!("SETCREDS {CREDENTIALS} {id} {secret}").as_bytes())
            }
            _ => Ok(()),
        }
    }
}

/// The keys that git-annex keeps.
async fn keys(job: &mut Job) -> Result<Option<(String, String)>, Fault> {
    let question = format!("GETCREDS {CREDENTIALS}");
    let answer = job.ask(question.as_bytes()).await?;
    let (word, rest) = split(&answer);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match word {
        b"CREDS" => {
            let (id, secret) = split(rest.unwrap_or_default());
            let (id, secret) = (text(id), text(secret.unwrap_or_default()));
            Ok(Some((id, secret)).filter(|(id, secret)| !id.is_empty() && !secret.is_empty()))
        }
        b"ERROR" => {
            let why = text(rest.unwrap_or_default());
            let what = format!("git-annex cannot give the credentials that it keeps: {why}");
            Err(Fault::Told(Error::new(pail::ErrorKind::Denied, what)))
        }
        _ => Err(odd("GETCREDS").into()),
    }
}

/// The environment of this process, with keys on top.
struct WithKeys(BTreeMap<String, String>);

impl std::fmt::Debug for WithKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WithKeys(…)")
    }
}

impl Env for WithKeys {
    fn var(&self, name: &str) -> Option<String> {
        self.0.var(name).or_else(|| SystemEnv.var(name))
    }

    fn home(&self) -> Option<PathBuf> {
        SystemEnv.home()
    }
}
