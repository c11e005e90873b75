//! From a URL to a remote.

use crate::ui::progress::{Meter, Silent};
use crate::{config, env};
use pail::clock::SystemClock;
use pail::ids::SystemIds;
use pail::local::Config;
use pail::progress::Progress;
use pail::store::options::{self, Given, Options, Origin};
use pail::store::{self, Location, SystemEnv};
use pail::transaction::Cache;
use pail::transfer::Context;
use pail::{Remote, Result};
use std::sync::Arc;

/// Opens the repository that a URL names, with the options that the URL, git's configuration
/// of the remote, the environment and git's configuration for all give. No request.
///
/// # Errors
///
/// [`pail::ErrorKind::Invalid`] if the URL is wrong, or an option is.
pub fn open(url: &str, remote: Option<&str>, config: &Config, progress: bool) -> Result<Remote> {
    let location = Location::parse(url)?;
    let options = Options::gather(&location, given(remote, config))?;
    options.check_readable(location.service())?;
    let store = store::open(&location, &options, Arc::new(SystemEnv))?;
    let progress: Arc<dyn Progress> = if progress {
        Arc::new(Meter::default())
    } else {
        Arc::new(Silent)
    };
    let keep = config.flag("pail.keepdownloads") != Some(false);
    Ok(Remote::new(Context {
        store,
        cache: Cache::new(env::cache_folder()).keeping_downloads(keep),
        ids: Arc::new(SystemIds),
        clock: Arc::new(SystemClock),
        limits: options.limits(),
        lease: options.lease,
        progress,
    }))
}

/// What is said outside the URL, the first of it first.
#[must_use]
pub fn given(remote: Option<&str>, config: &Config) -> Vec<Given> {
    let mut out = Vec::new();
    if let Some(remote) = remote {
        let prefix = format!("remote.{remote}.pail-");
        out.extend(under(config, &prefix, Origin::Remote));
    }
    out.extend(options::from_env(&SystemEnv));
    let settings = |given: &Given| config::is_setting(&given.name);
    let general = under(config, "pail.", Origin::General);
    out.extend(general.into_iter().filter(|given| !settings(given)));
    out.extend(as_git_has_it(remote, config));
    out
}

/// What git itself is told of the way to a server.
fn as_git_has_it(remote: Option<&str>, config: &Config) -> impl Iterator<Item = Given> {
    let own = remote.map(|remote| (format!("remote.{remote}.proxy"), "proxy"));
    let shared = [("http.proxy", "proxy"), ("http.sslcainfo", "ca-file")];
    let shared = shared.map(|(key, name)| (key.to_owned(), name));
    own.into_iter().chain(shared).filter_map(|(key, name)| {
        let value = match config.get(&key)? {
            // To git an empty one is none at all.
            "" if name == "proxy" => "none",
            "" => return None,
            value => value,
        };
        Some(Given {
            name: name.to_owned(),
            value: value.to_owned(),
            origin: Origin::General(key),
        })
    })
}

/// The keys below a prefix, in the order of their names.
fn under(config: &Config, prefix: &str, origin: fn(String) -> Origin) -> Vec<Given> {
    let given = |(name, value): (&str, &str)| Given {
        origin: origin(format!("{prefix}{name}")),
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let mut out: Vec<_> = config.under(prefix).map(given).collect();
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}
