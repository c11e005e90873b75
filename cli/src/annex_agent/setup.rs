//! Setting a remote up: `git annex initremote` and `enableremote`.

use super::ground;
use super::job::{Fault, Job};
use super::session::Session;
use super::settings::Settings;
use bytes::Bytes;
use pail::error::IoContext;
use pail::format::keys;
use pail::large_files::annex::{Content, MARKER, PARAMETERS, USUAL_PREFIX, claim, to_key};
use pail::local::{Git, annex_knows};
use pail::store::{Got, Location, Precondition, Store, Want};
use pail::{Error, ErrorKind};
use std::path::Path;

/// A file that is there for a moment.
const SCRATCH: &[u8] = b"pail-was-here";

/// Lists the parameters, for `git annex initremote --whatelse`; git-annex refuses others.
pub(super) fn list(job: &Job) -> Result<(), Fault> {
    for parameter in PARAMETERS.iter().filter(|parameter| parameter.ours) {
        job.say(format!("CONFIG {} {}", parameter.name, parameter.help).as_bytes())?;
    }
    Ok(job.say(b"CONFIGEND")?)
}

/// Checks the place, marks it as this remote's, and has git-annex write down what a later
/// version of this program might see otherwise. The place of a new remote is made if it is
/// not there.
///
/// Trees of files are not marked: nothing but them shall lie there.
pub(super) async fn init(session: &Session, job: &mut Job) -> Result<(), Fault> {
    let settings = session.settings(job).await?;
    refuse_secrets(settings)?;
    settings.parameters.check()?;
    let uuid = job.value("GETUUID").await?;
    let uuid = uuid.ok_or_else(|| Error::new(ErrorKind::Invalid, "git-annex tells no uuid"))?;
    let content: &Content = session.content(job).await?;
    let (store, prefix) = (&**content.store(), &settings.place.prefix);
    let tree = settings.parameters.is_tree()?;
    let is_new = is_new(job, &uuid).await?;
    if is_new && !store.capabilities().remote {
        store.create().await?;
    }
    session.is_mounted(job).await?;
    let take = async || match tree {
        true => refuse_repository(store, prefix).await,
        false => claim(store, prefix, &uuid).await.map(|_| ()),
    };
    if ground::on(store, is_new, take).await? && session.speaks("INFO") {
        job.say(format!("INFO made {}", store.describe()).as_bytes())?;
    }
    keep_path(job, settings)?;
    if settings.parameters.get("fileprefix").is_none() && settings.place.prefix == USUAL_PREFIX {
        job.say(format!("SETCONFIG fileprefix {USUAL_PREFIX}").as_bytes())?;
    }
    settings.keep_keys(job)?;
    Ok(())
}

/// Whether git-annex has not heard of the remote before: it says the same when a remote is
/// enabled in a clone, and a place that is gone then is not to be replaced by an empty one.
async fn is_new(job: &mut Job, uuid: &str) -> Result<bool, Fault> {
    let folder = job.value("GETGITDIR").await?.unwrap_or_default();
    Ok(!annex_knows(&Git::new(), Path::new(&folder), uuid).await?)
}

/// A tree has names of its own making: it must not lie where a repository of git does. One
/// request, which also tells whether the bucket is there.
async fn refuse_repository(store: &dyn Store, prefix: &str) -> Result<(), Error> {
    let manifest = match prefix {
        "" => keys::manifest()?,
        // It may lie beside a repository.
        prefix => to_key(prefix, MARKER.as_bytes())?,
    };
    match store.get(&manifest, Want::range(0..1)).await {
        Ok(Got::Found(_)) if prefix.is_empty() => {}
        Ok(_) => return Ok(()),
        // A policy without the right to list says that of what is absent, too.
        Err(error) if error.kind() == ErrorKind::Denied => return may_write(store, prefix).await,
        Err(error) => return Err(error),
    }
    let what = format!("a git repository lies at {}", store.describe());
    Err(Error::new(ErrorKind::Invalid, what)
        .with_hint("give the tree a place of its own: another URL, or fileprefix=tree/"))
}

/// Whether a file can be written and removed. Two requests.
async fn may_write(store: &dyn Store, prefix: &str) -> Result<(), Error> {
    let scratch = to_key(prefix, SCRATCH)?;
    // Whoever wins a race for it has shown as much.
    drop(
        store
            .put(&scratch, Bytes::new(), Precondition::Always)
            .await?,
    );
    store.delete(&scratch).await
}

/// Other programs and other worktrees start elsewhere than this one.
fn keep_path(job: &Job, settings: &Settings) -> Result<(), Fault> {
    let Location::Folder(path) = &settings.place.location else {
        return Ok(());
    };
    if path.is_absolute() {
        return Ok(());
    }
    // One that is not there yet has no other name than the one that it was given.
    let whole = path.canonicalize().or_else(|_| std::path::absolute(path));
    let whole = whole.during(|| format!("find {}", path.display()))?;
    Ok(job.say(format!("SETCONFIG url {}", whole.display()).as_bytes())?)
}

/// Parameters are written into the git-annex branch, for everyone to read.
fn refuse_secrets(settings: &Settings) -> Result<(), Error> {
    let Location::S3(location) = &settings.place.location else {
        return Ok(());
    };
    if !location.has_keys() {
        return Ok(());
    }
    let what =
        "url= holds an access key, and everyone with a clone of the repository could read it";
    Err(Error::new(ErrorKind::Invalid, what).with_hint(
        "leave it out of the URL and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; git-annex keeps them in .git/annex/creds",
    ))
}
