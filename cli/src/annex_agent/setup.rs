//! Setting a remote up: `git annex initremote` and `enableremote`.

use super::job::{Fault, Job};
use super::settings::Settings;
use pail::large_files::annex::{Content, PARAMETERS, USUAL_PREFIX, claim};
use pail::store::Location;
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
    let uuid = job.value("GETUUID").await?;
    let uuid = uuid.ok_or_else(|| Error::new(ErrorKind::Invalid, "git-annex tells no uuid"))?;
    let content: Content = settings.open(job).await?;
    if !settings.parameters.is_tree()? {
        claim(&**content.store(), &settings.place.prefix, &uuid).await?;
    }
    if settings.parameters.get("fileprefix").is_none() && settings.place.prefix == USUAL_PREFIX {
        job.say(format!("SETCONFIG fileprefix {USUAL_PREFIX}").as_bytes())?;
    }
    settings.keep_keys(job)?;
    Ok(())
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
