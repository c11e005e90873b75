//! Requests and what answers them.

use super::aside::Aside;
use super::job::{Fault, Job, Meter, Stop};
use super::request::{Request, Way};
use super::settings::Settings;
use super::setup;
use futures_util::StreamExt;
use pail::large_files::annex::{AnnexKey, Content, Presence};
use pail::progress::Phase;
use pail::store::Location;
use pail::store::options::Service;
use pail::{Error, ErrorKind};
use std::cell::RefCell;
use std::path::Path;
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
const GET_BY_URL: &str = "TRANSFER-RETRIEVE-URL";

/// Git-annex looks for content at an address that we name.
const LOOK_BY_URL: &str = "CHECKPRESENT-URL";

/// What is known beyond one request.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The extensions that both sides speak.
    extensions: RefCell<Vec<String>>,
    settings: OnceCell<Settings>,
    content: OnceCell<Content>,
}

impl Session {
    fn speaks(&self, extension: &str) -> bool {
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

    /// Answers one request.
    pub(super) async fn serve(&self, mut job: Job, request: Request) -> Result<(), Stop> {
        match request {
            Request::Extensions(offered) => self.agree(&job, offered),
            Request::ListConfigs => whole(setup::list(&job)),
            Request::InitRemote => {
                let named = self.speaks("GETGITREMOTENAME");
                let done = setup::init(&mut job, named).await;
                settle(
                    &job,
                    done,
                    &[b"INITREMOTE-SUCCESS"],
                    &[b"INITREMOTE-FAILURE"],
                )
            }
            Request::Prepare => {
                let done = self.settings(&mut job).await.map(|_| ());
                settle(&job, done, &[b"PREPARE-SUCCESS"], &[b"PREPARE-FAILURE"])
            }
            Request::Transfer(way, key, file) => {
                let done = self.transfer(&mut job, way, &key, &key, &file).await;
                if way == Way::Retrieve
                    && let Some(url) = self.elsewhere(&done, GET_BY_URL, &key)
                {
                    return job.reply(&[b"TRANSFER-RETRIEVE-URL", &key, url.as_bytes()]);
                }
                let way = way.word();
                let fine: &[&[u8]] = &[b"TRANSFER-SUCCESS", way, &key];
                settle(&job, done, fine, &[b"TRANSFER-FAILURE", way, &key])
            }
            Request::CheckPresent(key) => {
                let found = self.look(&mut job, &key, &key).await;
                if let Some(url) = self.elsewhere(&found, LOOK_BY_URL, &key) {
                    return job.reply(&[b"CHECKPRESENT-URL", &key, url.as_bytes()]);
                }
                presence(&job, &key, found)
            }
            Request::Remove(key) => {
                let done = self.remove(&mut job, &key).await;
                let fine: &[&[u8]] = &[b"REMOVE-SUCCESS", &key];
                settle(&job, done, fine, &[b"REMOVE-FAILURE", &key])
            }
            Request::Name(_) => Ok(()),
            Request::TransferExport(way, key, file) => {
                let done = match job.name() {
                    Ok(name) => self.transfer(&mut job, way, &name, &key, &file).await,
                    Err(error) => Err(error.into()),
                };
                let way = way.word();
                let fine: &[&[u8]] = &[b"TRANSFER-SUCCESS", way, &key];
                settle(&job, done, fine, &[b"TRANSFER-FAILURE", way, &key])
            }
            Request::CheckPresentExport(key) | Request::CheckPresentImport(key) => {
                let found = match job.name() {
                    Ok(name) => self.look(&mut job, &name, &key).await,
                    Err(error) => Err(error.into()),
                };
                presence(&job, &key, found)
            }
            Request::RemoveExport(key) => {
                let done = match job.name() {
                    Ok(name) => self.remove(&mut job, &name).await,
                    Err(error) => Err(error.into()),
                };
                let fine: &[&[u8]] = &[b"REMOVE-SUCCESS", &key];
                settle(&job, done, fine, &[b"REMOVE-FAILURE", &key])
            }
            // Folders come and go with the files in them.
            Request::RemoveExportDirectory => job.say(b"REMOVEEXPORTDIRECTORY-SUCCESS"),
            Request::RenameExport(key, name) => {
                let done = self.rename(&mut job, &name).await;
                match done {
                    Ok(()) => job.reply(&[b"RENAMEEXPORT-SUCCESS", &key]),
                    // Git-annex removes the one and stores the other instead.
                    Err(Fault::Told(error)) => {
                        crate::ui::show(&error);
                        job.reply(&[b"RENAMEEXPORT-FAILURE", &key])
                    }
                    Err(Fault::Stop(stop)) => Err(stop),
                }
            }
            Request::ExportSupported => job.say(b"EXPORTSUPPORTED-SUCCESS"),
            Request::ImportSupported => job.say(b"IMPORTSUPPORTED-SUCCESS"),
            Request::ListImportable => {
                let done = self.list_importable(&mut job).await;
                let (fine, failed) = (
                    b"LISTIMPORTABLECONTENTS-SUCCESS",
                    b"LISTIMPORTABLECONTENTS-FAILURE",
                );
                settle(&job, done, &[fine], &[failed])
            }
            Request::RetrieveImport(file) => {
                let done = self.retrieve_import(&mut job, &file).await;
                settle(
                    &job,
                    done,
                    &[b"RETRIEVEIMPORT-SUCCESS"],
                    &[b"RETRIEVEIMPORT-FAILURE"],
                )
            }
            Request::ClaimUrl(url) => match self.settings(&mut job).await {
                Ok(settings) if settings.place.within(&url).is_some() => {
                    job.say(b"CLAIMURL-SUCCESS")
                }
                Ok(_) => job.say(b"CLAIMURL-FAILURE"),
                Err(fault) => whole(Err(fault)),
            },
            Request::CheckUrl(url) => match self.at_address(&mut job, &url).await {
                Ok((size, name)) => {
                    job.reply(&[b"CHECKURL-CONTENTS", size.to_string().as_bytes(), &name])
                }
                Err(Fault::Told(error)) => job.refuse(&[b"CHECKURL-FAILURE"], &error),
                Err(Fault::Stop(stop)) => Err(stop),
            },
            Request::GetCost => {
                let cost = self.settings(&mut job).await;
                match cost.map(|settings| settings.place.cost()) {
                    Ok(cost) => job.say(format!("COST {cost}").as_bytes()),
                    Err(fault) => whole(Err(fault)),
                }
            }
            Request::GetAvailability => {
                let word = match self.settings(&mut job).await {
                    Ok(settings) => self.availability(settings),
                    Err(fault) => return whole(Err(fault)),
                };
                job.say(format!("AVAILABILITY {word}").as_bytes())
            }
            Request::GetOrdered => job.say(b"ORDERED"),
            Request::WhereIs(key) => match self.settings(&mut job).await {
                // The files of a tree have names of their own.
                Ok(settings) if settings.parameters.is_tree().is_ok_and(|tree| tree) => {
                    job.say(b"WHEREIS-FAILURE")
                }
                Ok(settings) => {
                    let own = || settings.place.show(&String::from_utf8_lossy(&key));
                    let text = settings.place.public(&key).unwrap_or_else(own);
                    job.reply(&[b"WHEREIS-SUCCESS", text.as_bytes()])
                }
                Err(fault) => whole(Err(fault)),
            },
            Request::GetInfo => match self.settings(&mut job).await {
                Ok(settings) => info(&job, settings),
                Err(fault) => whole(Err(fault)),
            },
            Request::Error(why) => {
                let what = format!("git-annex gives up: {why}");
                Err(Stop::Failed(Error::new(ErrorKind::Invalid, what)))
            }
            Request::Unknown => job.say(b"UNSUPPORTED-REQUEST"),
        }
    }

    /// Where everyone can read a key that we may not: `publicurl=`, for who has no credentials.
    fn elsewhere<T>(&self, done: &Result<T, Fault>, extension: &str, key: &[u8]) -> Option<String> {
        let denied = matches!(done, Err(Fault::Told(error)) if error.kind() == ErrorKind::Denied);
        let settings = self.settings.get()?;
        settings
            .place
            .public(key)
            .filter(|_| denied && self.speaks(extension))
    }

    /// Takes what both sides know.
    fn agree(&self, job: &Job, offered: Vec<String>) -> Result<(), Stop> {
        let both = offered.into_iter();
        let both: Vec<_> = both
            .filter(|one| EXTENSIONS.contains(&one.as_str()))
            .collect();
        job.say(format!("EXTENSIONS {}", both.join(" ")).as_bytes())?;
        *self.extensions.borrow_mut() = both;
        Ok(())
    }

    async fn transfer(
        &self,
        job: &mut Job,
        way: Way,
        name: &[u8],
        key: &[u8],
        file: &Path,
    ) -> Result<(), Fault> {
        let content = self.content(job).await?;
        match way {
            Way::Store => {
                let meter = Meter::new(job, Phase::Upload);
                let fields = AnnexKey::parse(key);
                Ok(content.send(name, &fields, file, &meter).await?)
            }
            Way::Retrieve => {
                let meter = Meter::new(job, Phase::Download);
                let fields = AnnexKey::parse(key);
                let aside = self.aside(job, file).await?;
                let file = aside.as_ref().map_or(file, Aside::path);
                let done = match content.fetch(name, &fields, file, &meter).await {
                    Err(error) if error.kind() == ErrorKind::Missing => {
                        self.fetch_by_address(job, key, file, error).await
                    }
                    done => done.map_err(Fault::from),
                };
                aside.map_or(Ok(()), Aside::end)?;
                done
            }
        }
    }

    async fn look(&self, job: &mut Job, name: &[u8], key: &[u8]) -> Result<Presence, Fault> {
        self.is_mounted(job).await?;
        let content = self.content(job).await?;
        match content.look(name, &AnnexKey::parse(key)).await? {
            Presence::Absent => self.look_by_address(job, key).await,
            found => Ok(found),
        }
    }

    /// Tells of every file of the tree, and of what tells its states apart.
    async fn list_importable(&self, job: &mut Job) -> Result<(), Fault> {
        self.is_mounted(job).await?;
        let content = self.content(job).await?;
        let mut files = content.files();
        while let Some(file) = files.next().await {
            let file = file?;
            let size = file.size.to_string();
            job.reply(&[b"IMPORTABLECONTENT", size.as_bytes(), &file.name])?;
            job.reply(&[b"IMPORTABLECONTENTIDENTIFIER", file.state.as_bytes()])?;
        }
        Ok(())
    }

    async fn retrieve_import(&self, job: &mut Job, file: &Path) -> Result<(), Fault> {
        let name = job.name()?;
        let meter = Meter::new(job, Phase::Download);
        let content = self.content(job).await?;
        let aside = Aside::begin(file)?;
        let fields = AnnexKey::default();
        let done = content.fetch(&name, &fields, aside.path(), &meter).await;
        aside.end()?;
        Ok(done?)
    }

    /// A file of a tree is downloaded beside the one that git-annex names.
    async fn aside<'a>(&self, job: &mut Job, file: &'a Path) -> Result<Option<Aside<'a>>, Fault> {
        let tree = self.settings(job).await?.parameters.is_tree()?;
        Ok(tree.then(|| Aside::begin(file)).transpose()?)
    }

    async fn rename(&self, job: &mut Job, to: &[u8]) -> Result<(), Fault> {
        let from = job.name()?;
        self.is_mounted(job).await?;
        Ok(self.content(job).await?.rename(&from, to).await?)
    }

    async fn remove(&self, job: &mut Job, name: &[u8]) -> Result<(), Fault> {
        self.is_mounted(job).await?;
        Ok(self.content(job).await?.remove(name).await?)
    }

    /// A folder that is not there is a disk that is not: what is on it is not gone.
    async fn is_mounted(&self, job: &mut Job) -> Result<(), Fault> {
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

    fn availability(&self, settings: &Settings) -> &'static str {
        match &settings.place.location {
            Location::Folder(path) if !path.is_dir() && self.speaks("UNAVAILABLERESPONSE") => {
                "UNAVAILABLE"
            }
            Location::Folder(_) => "LOCAL",
            _ => "GLOBAL",
        }
    }
}

/// Says how a request ended that can fail by itself.
fn settle(
    job: &Job,
    done: Result<(), Fault>,
    fine: &[&[u8]],
    failed: &[&[u8]],
) -> Result<(), Stop> {
    match done {
        Ok(()) => job.reply(fine),
        Err(Fault::Told(error)) => job.refuse(failed, &error),
        Err(Fault::Stop(stop)) => Err(stop),
    }
}

/// The end of a request that has no way to say that it failed.
fn whole(done: Result<(), Fault>) -> Result<(), Stop> {
    match done {
        Ok(()) => Ok(()),
        Err(Fault::Told(error)) => Err(Stop::Failed(error)),
        Err(Fault::Stop(stop)) => Err(stop),
    }
}

/// Says whether content is there. Something else under its name is not it: git-annex may
/// store it again, over what is there.
fn presence(job: &Job, key: &[u8], found: Result<Presence, Fault>) -> Result<(), Stop> {
    match found {
        Ok(Presence::Present) => job.reply(&[b"CHECKPRESENT-SUCCESS", key]),
        Ok(Presence::Absent) => job.reply(&[b"CHECKPRESENT-FAILURE", key]),
        Ok(Presence::Other { found, expected }) => {
            let what = format!(
                "{} has {found} bytes in the bucket instead of {expected}",
                String::from_utf8_lossy(key)
            );
            crate::ui::warn(&what);
            job.reply(&[b"CHECKPRESENT-FAILURE", key])
        }
        Err(Fault::Told(error)) => job.refuse(&[b"CHECKPRESENT-UNKNOWN", key], &error),
        Err(Fault::Stop(stop)) => Err(stop),
    }
}

/// What `git annex info` shows. No network.
fn info(job: &Job, settings: &Settings) -> Result<(), Stop> {
    let place = &settings.place;
    let service = place.location.service();
    let mut fields = vec![("place", place.show("")), ("service", service.to_string())];
    if let Ok(options) = place.options(Vec::new()) {
        let limits = options.limits();
        let class = |class: String| ("storage class", class);
        fields.extend(options.storage_class.map(class));
        if service != Service::Folder {
            fields.push(("part size", crate::ui::bytes::human(limits.part)));
        }
    }
    for (name, value) in fields {
        job.say(format!("INFOFIELD {name}").as_bytes())?;
        job.say(format!("INFOVALUE {value}").as_bytes())?;
    }
    job.say(b"INFOEND")
}
