//! Git-lfs, told to ask this process about locks.

use super::service::{HEADER, Service};
use crate::commands::stop::Stop;
use crate::commands::{git, repository};
use pail::{Error, ErrorKind};
use std::ffi::OsString;

/// The variable in which the token goes to git, and from there to git-lfs.
const TOKEN: &str = "PAIL_LOCK_TOKEN";

/// Runs `git lfs <args>` with this bucket as its lock server. What it says and asks goes
/// through, and so does whether it ended well.
///
/// Its configuration is given to this one process and written nowhere.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if there is no git-lfs; those of opening the remote.
pub(super) async fn run(remote: Option<&str>, args: Vec<OsString>) -> Result<(), Stop> {
    if git::ask(&["lfs", "version"]).await?.is_none() {
        let message = "cannot lock: git-lfs is not installed";
        return Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("install git-lfs; `git pail locks` shows the locks without it")
            .into());
    }
    let who = repository::committer().await?;
    let service = Service::open(repository::open(remote).await?, who).await?;
    let url = service.url();
    let mut words: Vec<OsString> = Vec::new();
    for setting in [
        format!("lfs.url={url}"),
        format!("lfs.pushurl={url}"),
        format!("lfs.{url}.access=none"),
    ] {
        words.extend(["-c".into(), setting.into()]);
    }
    // Not as an argument: those can be seen by every user of the machine.
    words.push(format!("--config-env=http.{url}.extraheader={TOKEN}").into());
    words.push("lfs".into());
    words.extend(args);
    let env = [
        (TOKEN, format!("{HEADER}: {}", service.token().reveal())),
        // No proxy stands between two processes of one machine.
        ("NO_PROXY", "127.0.0.1".to_owned()),
        ("no_proxy", "127.0.0.1".to_owned()),
    ];
    let status = tokio::select! {
        status = git::pass_on(&words, &env) => status?,
        never = service.serve() => match never {},
    };
    if status.success() {
        Ok(())
    } else {
        Err(Stop::Told)
    }
}
