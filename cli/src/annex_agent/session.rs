//! What is known beyond one request: what both sides speak, the settings, the store.

use super::job::{Fault, Job};
use super::settings::Settings;
use crate::conversation::Stop;
use pail::large_files::annex::Content;
use pail::store::Location;
use pail::{Error, ErrorKind};
use std::cell::RefCell;
use tokio::sync::OnceCell;

/// The extensions of the protocol that are spoken here.
const EXTENSIONS: [&str; 6] = [
    "INFO",
    "ASYNC",
    "GETGITREMOTENAME",
    "UNAVAILABLERESPONSE",
    GET_BY_URL,
    LOOK_BY_URL,
];

/// Git-annex gets content by an address that we name.
pub(super) const GET_BY_URL: &str = "TRANSFER-RETRIEVE-URL";

/// Git-annex looks for content at an address that we name.
pub(super) const LOOK_BY_URL: &str = "CHECKPRESENT-URL";

/// What is known beyond one request.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The extensions that both sides speak.
    extensions: RefCell<Vec<String>>,
    settings: OnceCell<Settings>,
    content: OnceCell<Content>,
}

impl Session {
    /// Whether both sides speak an extension of the protocol.
    pub(super) fn speaks(&self, extension: &str) -> bool {
        self.extensions.borrow().iter().any(|one| one == extension)
    }

    /// What git-annex knows of the remote; asked once.
    pub(super) async fn settings(&self, job: &mut Job) -> Result<&Settings, Fault> {
        let named = self.speaks("GETGITREMOTENAME");
        let settings = &self.settings;
        settings.get_or_try_init(|| Settings::ask(job, named)).await
    }

    /// The content, opened when it is first needed.
    pub(super) async fn content(&self, job: &mut Job) -> Result<&Content, Fault> {
        let settings = self.settings(job).await?;
        let content = &self.content;
        content.get_or_try_init(|| settings.open(job)).await
    }

    /// Where everyone can read a key that we may not: `publicurl=`, for who has no credentials.
    pub(super) fn elsewhere<T>(
        &self,
        done: &Result<T, Fault>,
        extension: &str,
        key: &[u8],
    ) -> Option<String> {
        let denied = matches!(done, Err(Fault::Told(error)) if error.kind() == ErrorKind::Denied);
        let settings = self.settings.get()?;
        settings
            .place
            .public(key)
            .filter(|_| denied && self.speaks(extension))
    }

    /// Takes what both sides know.
    pub(super) fn agree(&self, job: &Job, offered: Vec<String>) -> Result<(), Stop> {
        let both = offered.into_iter();
        let both: Vec<_> = both
            .filter(|one| EXTENSIONS.contains(&one.as_str()))
            .collect();
        job.say(format!("EXTENSIONS {}", both.join(" ")).as_bytes())?;
        *self.extensions.borrow_mut() = both;
        Ok(())
    }

    /// A folder that is not there is a disk that is not: what is on it is not gone.
    pub(super) async fn is_mounted(&self, job: &mut Job) -> Result<(), Fault> {
        let settings = self.settings(job).await?;
        match &settings.place.location {
            Location::Folder(path) if !path.is_dir() => {
                let what = format!("the folder {} is not there", path.display());
                let error = Error::new(ErrorKind::Unavailable, what);
                Err(error.with_hint("is its disk mounted?").into())
            }
            _ => Ok(()),
        }
    }

    /// The word for where it is reached from.
    pub(super) fn availability(&self, settings: &Settings) -> &'static str {
        match &settings.place.location {
            Location::Folder(path) if !path.is_dir() && self.speaks("UNAVAILABLERESPONSE") => {
                "UNAVAILABLE"
            }
            Location::Folder(_) => "LOCAL",
            _ => "GLOBAL",
        }
    }
}
