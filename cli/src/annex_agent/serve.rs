//! Requests and what answers them.

use super::info::info;
use super::job::{Fault, Job};
use super::request::{Request, Way};
use super::session::{GET_BY_URL, LOOK_BY_URL, Session};
use super::setup;
use crate::conversation::Stop;
use pail::large_files::annex::Presence;
use pail::{Error, ErrorKind};

impl Session {
    /// Answers one request.
    pub(super) async fn serve(&self, mut job: Job, request: Request) -> Result<(), Stop> {
        match request {
            Request::Extensions(offered) => self.agree(&job, offered),
            Request::ListConfigs => whole(setup::list(&job)),
            Request::InitRemote => {
                let done = setup::init(self, &mut job).await;
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
