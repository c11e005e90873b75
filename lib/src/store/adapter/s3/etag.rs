//! How a service wants ETags spelled in `If-Match`.
//!
//! An ETag has quotes, and so has the condition (RFC 9110, 13.1.1). Ceph's gateway compares
//! without them: it refuses every condition that keeps to the rule. Left out where it need
//! not be, a quote may make the condition void, and a loss a win; so they are left out only
//! of a service that was caught:
//!
//! - it refused to overwrite a file whose ETag is, asked right after, the one that was named;
//! - and it refuses as well to write a new file under a condition that has no quotes, so it
//!   does not pass over such a condition.

use super::answer::Asked;
use super::{S3, token};
use crate::error::Result;
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::{Store, Version};
use bytes::Bytes;
use http::StatusCode;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion};
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::{RwLock, RwLockReadGuard};

/// What is known of the service, for as long as the process lives.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    known: AtomicU8,
    /// Held for reading by conditions that are under way while nothing is known: who of them
    /// is refused waits for the others, whose success would tell without a further request.
    under_way: RwLock<()>,
}

const UNKNOWN: u8 = 0;
const QUOTED: u8 = 1;
const BARE: u8 = 2;

impl Spelling {
    /// A condition with quotes was met, so the service knows them.
    pub(super) fn quoted(&self) {
        let keep =
            self.known
                .compare_exchange(UNKNOWN, QUOTED, Ordering::Relaxed, Ordering::Relaxed);
        // Whoever was first knows as much.
        keep.ok();
    }

    fn is(&self, spelling: u8) -> bool {
        self.known.load(Ordering::Relaxed) == spelling
    }

    /// To be kept until a condition was answered and noted.
    pub(super) async fn under_way(&self) -> Option<RwLockReadGuard<'_, ()>> {
        if self.is(UNKNOWN) {
            Some(self.under_way.read().await)
        } else {
            None
        }
    }

    /// The version as the service wants it in a condition.
    pub(super) fn of(&self, version: &Version, asked: &Asked<'_>) -> Result<String> {
        let token = token(version, asked)?;
        let bare = bare(&token).filter(|_| self.is(BARE));
        Ok(bare.map(str::to_owned).unwrap_or(token))
    }
}

/// A strong ETag without its quotes.
fn bare(token: &str) -> Option<&str> {
    let inner = token.strip_prefix('"')?.strip_suffix('"')?;
    Some(inner).filter(|inner| !inner.is_empty() && !inner.contains(['"', ',', ' ', '*']))
}

/// Whether a service that refused this version is one that compares without quotes; from
/// then on conditions have none. Two requests, once: a HEAD, and if it finds the version
/// unchanged a PUT that must fail.
pub(super) async fn is_bare(
    store: &S3,
    key: &Key,
    version: &Version,
    error: &object_store::Error,
) -> bool {
    let spelling = &store.shared.spelling;
    let asked = store.asked(Act::Write, key.as_str());
    let amazon = asked.refusal(error).is_some_and(|refusal| {
        let server = refusal.headers.get("server");
        server.is_some_and(|server| server == "AmazonS3")
    });
    if amazon || !spelling.is(UNKNOWN) || bare(version.as_str()).is_none() {
        return false;
    }
    let _alone = spelling.under_way.write().await;
    if !spelling.is(UNKNOWN) {
        return spelling.is(BARE);
    }
    // Whatever goes wrong here, the refusal stands.
    let Ok(Some(now)) = store.head(key).await else {
        return false;
    };
    if now.version != *version || !heeds_bare(store, key).await.unwrap_or(false) {
        return false;
    }
    spelling.known.store(BARE, Ordering::Relaxed);
    true
}

/// Whether a condition without quotes keeps a file from being made that is not there.
async fn heeds_bare(store: &S3, key: &Key) -> Result<bool> {
    let asked = store.asked(Act::Write, key.as_str());
    let beside = Path::from(format!("{}.if-match", store.path(key)?));
    let options = PutOptions {
        mode: PutMode::Update(UpdateVersion {
            e_tag: Some("0123456789abcdef0123456789abcdef".to_owned()),
            version: None,
        }),
        ..PutOptions::default()
    };
    let service = &store.opened().await?.service;
    let body = Bytes::from_static(b"no condition was heeded").into();
    match service.put_opts(&beside, body, options).await {
        Ok(_) => {
            // What it took against its orders is in nobody's way if it stays.
            let removed = service.delete(&beside).await;
            removed
                .map(|()| false)
                .map_err(|error| asked.explain(&error))
        }
        Err(error) => Ok(matches!(
            asked.status(&error),
            Some((StatusCode::PRECONDITION_FAILED | StatusCode::NOT_FOUND, _))
        )),
    }
}
