//! From a URL to a remote.

use crate::env;
use crate::ui::progress::{Meter, Silent};
use pail::clock::SystemClock;
use pail::ids::SystemIds;
use pail::progress::Progress;
use pail::store::{self, Limits, Location, SystemEnv};
use pail::transaction::Cache;
use pail::transfer::Context;
use pail::{Remote, Result};
use std::sync::Arc;

/// Opens the repository that a URL names. No request.
///
/// # Errors
///
/// [`pail::ErrorKind::Invalid`] if the URL is wrong.
pub fn open(url: &str, progress: bool) -> Result<Remote> {
    let store = store::open(&Location::parse(url)?, Arc::new(SystemEnv))?;
    let progress: Arc<dyn Progress> = if progress {
        Arc::new(Meter::default())
    } else {
        Arc::new(Silent)
    };
    Ok(Remote::new(Context {
        store,
        cache: Cache::new(env::cache_folder()),
        ids: Arc::new(SystemIds),
        clock: Arc::new(SystemClock),
        limits: Limits::default(),
        progress,
    }))
}
