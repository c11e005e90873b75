//! Which repository a command means: a URL, the name of a remote, or nothing.

use super::git;
use super::stop::invalid;
use crate::multicall::SCHEMES;
use crate::{config, connect};
use pail::local::{Config, Git, Repository};
use pail::refs::RefName;
use pail::store::Location;
use pail::store::options::Given;
use pail::{Remote, Result};
use std::path::Path;

/// Opens what was named.
///
/// # Errors
///
/// [`pail::ErrorKind::Invalid`] if it is neither a remote nor a URL.
pub(super) async fn open(named: Option<&str>) -> Result<Remote> {
    open_with(named, false).await
}

/// The same; `progress` tells whether transfers are drawn.
///
/// # Errors
///
/// As [`open`].
pub(super) async fn open_with(named: Option<&str>, progress: bool) -> Result<Remote> {
    let place = match named {
        Some(named) => place(named).await?,
        None => default_place().await?,
    };
    let config = Config::read_default().await?;
    connect::open(&place.url, place.remote.as_deref(), &config, progress)
}

/// Where it lies, and the options that are said of it, with where each is said.
///
/// # Errors
///
/// As [`open`].
pub(super) async fn look_up(named: Option<&str>) -> Result<(Location, Vec<Given>)> {
    let place = match named {
        Some(named) => place(named).await?,
        None => default_place().await?,
    };
    let config = Config::read_default().await?;
    let location = Location::parse(&place.url)?;
    let mut all = location.given();
    all.extend(connect::given(place.remote.as_deref(), &config));
    Ok((location, all))
}

/// Where it lies: the name of the remote, if it is one, and the URL.
///
/// # Errors
///
/// As [`open`].
pub(super) async fn whereabouts(named: Option<&str>) -> Result<(Option<String>, String)> {
    let place = match named {
        Some(named) => place(named).await?,
        None => default_place().await?,
    };
    Ok((place.remote, place.url))
}

/// Opens a URL as it is, with the options that are configured for a remote.
///
/// # Errors
///
/// As [`open`].
pub(super) async fn open_url(url: &str, remote: Option<&str>) -> Result<Remote> {
    let config = Config::read_default().await?;
    connect::open(url, remote, &config, false)
}

/// A URL, and the name of the remote that has it.
#[derive(Debug)]
struct Place {
    remote: Option<String>,
    url: String,
}

impl Place {
    fn url(url: &str) -> Self {
        Self {
            remote: None,
            url: url.to_owned(),
        }
    }

    fn remote(name: &str, url: String) -> Self {
        Self {
            remote: Some(name.to_owned()),
            url,
        }
    }
}

/// What a word stands for.
async fn place(named: &str) -> Result<Place> {
    if named.contains("://") || named.contains("::") {
        return Ok(Place::url(named));
    }
    // A remote's name may hold slashes; git takes a word for a remote before it takes it
    // for a path.
    if let Some(url) = remote_url(named).await? {
        return Ok(Place::remote(named, url));
    }
    let is_word = !named.contains([':', '/', '\\']) && !named.starts_with('.');
    if is_word && !Path::new(named).is_dir() {
        return Err(invalid(
            format!("'{named}' is no remote of this repository, and no URL"),
            "`git remote -v` lists the remotes; a folder here is written ./folder",
        ));
    }
    Ok(Place::url(named))
}

/// The URL of a configured remote.
async fn remote_url(name: &str) -> Result<Option<String>> {
    if name.starts_with('-') || name.is_empty() {
        return Ok(None);
    }
    let key = format!("remote.{name}.url");
    // `remote get-url` answers for a name that is not configured too, in some versions.
    if git::ask(&["config", "--get", &key]).await?.is_none() {
        return Ok(None);
    }
    git::ask(&["remote", "get-url", name]).await
}

/// The remote that the current branch follows, else origin, else the only one of ours.
async fn default_place() -> Result<Place> {
    let mut names = Vec::new();
    if let Some(branch) = git::ask(&["symbolic-ref", "-q", "--short", "HEAD"]).await? {
        let key = format!("branch.{branch}.remote");
        names.extend(git::ask(&["config", "--get", &key]).await?);
    }
    names.push("origin".to_owned());
    for name in &names {
        if let Some(url) = remote_url(name).await?.filter(|url| is_ours(url)) {
            return Ok(Place::remote(name, url));
        }
    }
    let all = git::ask(&["remote"]).await?.unwrap_or_default();
    let mut ours = Vec::new();
    for name in all.lines() {
        let url = remote_url(name).await?.filter(|url| is_ours(url));
        ours.extend(url.map(|url| Place::remote(name, url)));
    }
    match ours.pop() {
        Some(place) if ours.is_empty() => Ok(place),
        Some(_) => Err(invalid(
            "more than one remote of this repository lies in a bucket",
            "name one of them; `git remote -v` lists them",
        )),
        None => Err(invalid(
            "no URL was given, and no remote of the current folder's repository lies in a bucket",
            "give a URL, such as s3://bucket/prefix, or the name of a remote",
        )),
    }
}

/// Whether git would call us for this URL.
fn is_ours(url: &str) -> bool {
    SCHEMES.iter().any(|scheme| {
        url.strip_prefix(scheme)
            .is_some_and(|rest| rest.starts_with("://") || rest.starts_with("::"))
    })
}

/// The repository of the current folder, if there is one, and if its objects may stand in for
/// what would be downloaded.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if git's configuration cannot be read.
pub(super) async fn lender() -> Result<Option<Repository>> {
    let config = Config::read_default().await?;
    if config.flag(&config::LOCAL_OBJECTS.listed()) == Some(false) {
        return Ok(None);
    }
    // Outside a repository there is nothing to lend.
    Ok(Repository::open(Git::new()).await.ok())
}

/// A branch by its short or its full name.
///
/// # Errors
///
/// [`pail::ErrorKind::Invalid`] if git would not take it.
pub(super) fn branch(name: &str) -> Result<RefName> {
    let full = if name.starts_with("refs/") {
        name.to_owned()
    } else {
        format!("refs/heads/{name}")
    };
    let name = RefName::new(full)?;
    if name.is_branch() {
        return Ok(name);
    }
    Err(invalid(
        format!("{name} is no branch"),
        "name a branch, such as main or refs/heads/main",
    ))
}

/// Who writes, as git knows them.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if git cannot be run.
pub(super) async fn committer() -> Result<String> {
    Git::new().committer().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_urls_are_told_by_their_scheme() {
        for ours in [
            "s3://bucket/p",
            "pail::/tmp/x",
            "pail::s3://b/p",
            "s3+http://h/b",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "/tmp/x",
            "https://h/r",
            "s3",
            "git@h:r",
            "s3x://b",
            "pail:x",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn a_branch_may_be_named_short_or_in_full() {
        let full = |name| branch(name).map(|name| name.to_string()).ok();
        assert_eq!(full("main").as_deref(), Some("refs/heads/main"));
        assert_eq!(full("refs/heads/a/b").as_deref(), Some("refs/heads/a/b"));
        assert_eq!(full("refs/tags/v1"), None);
        assert_eq!(full("a..b"), None);
    }
}
