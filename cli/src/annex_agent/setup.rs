//! Setting a remote up: `git annex initremote` and `enableremote`.

use super::job::{Fault, Job};
use super::settings::Settings;
use pail::error::IoContext;
use pail::format::keys;
use pail::large_files::annex::{Content, PARAMETERS, USUAL_PREFIX, claim};
use pail::store::{Location, Store};
use pail::{Error, ErrorKind};

/// Lists the parameters, for `git annex initremote --whatelse`; git-annex refuses others.
pub(super) fn list(job: &Job) -> Result<(), Fault> {
    for parameter in PARAMETERS.iter().filter(|parameter| parameter.ours) {
        job.say(format!("CONFIG {} {}", parameter.name, parameter.help).as_bytes())?;
    }
    Ok(job.say(b"CONFIGEND")?)
}

/// Checks the place, marks it as this remote's, and has git-annex write down what a later
/// version of this program might see otherwise.
///
/// Trees of files are not marked: nothing but them shall lie there.
pub(super) async fn init(job: &mut Job, named: bool) -> Result<(), Fault> {
    let settings = Settings::ask(job, named).await?;
    refuse_secrets(&settings)?;
    settings.parameters.check()?;
    let uuid = job.value("GETUUID").await?;
    let uuid = uuid.ok_or_else(|| Error::new(ErrorKind::Invalid, "git-annex tells no uuid"))?;
    let content: Content = settings.open(job).await?;
    let (store, prefix) = (&**content.store(), &settings.place.prefix);
    if !settings.parameters.is_tree()? {
        claim(store, prefix, &uuid).await?;
    } else {
        if prefix.is_empty() {
            refuse_repository(store).await?;
        }
        make_folder(&settings)?;
    }
    keep_path(job, &settings)?;
    if settings.parameters.get("fileprefix").is_none() && settings.place.prefix == USUAL_PREFIX {
        job.say(format!("SETCONFIG fileprefix {USUAL_PREFIX}").as_bytes())?;
    }
    settings.keep_keys(job)?;
    Ok(())
}

/// A folder that is not there counts as a disk that is not.
fn make_folder(settings: &Settings) -> Result<(), Error> {
    match &settings.place.location {
        Location::Folder(path) => {
            std::fs::create_dir_all(path).during(|| format!("make {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// A tree has names of its own making: it must not lie where a repository of git does.
async fn refuse_repository(store: &dyn Store) -> Result<(), Error> {
    if store.head(&keys::manifest()?).await?.is_none() {
        return Ok(());
    }
    let what = format!("a git repository lies at {}", store.describe());
    Err(Error::new(ErrorKind::Invalid, what)
        .with_hint("give the tree a place of its own: another URL, or fileprefix=tree/"))
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
