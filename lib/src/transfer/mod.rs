//! What moves: the path of a push and of a fetch, in steps that read from top to bottom.

mod arrivals;
mod as_is;
mod choice;
mod fetch;
mod gap;
mod join;
mod kept;
pub mod leftovers;
mod pack;
mod plan;
mod publish;
mod push;
mod salt;
mod take;

pub use fetch::{FetchRequest, Fetched, Verify, fetch};
pub use plan::{Start, cover};
pub use push::{PushRequest, Pushed, Told, push, push_as};

pub(crate) use join::Join;
pub(crate) use publish::{upload_aside, upload_overflow, upload_pack, upload_segment};
pub(crate) use salt::salt;

use crate::clock::Clock;
use crate::error::Result;
use crate::ids::Ids;
use crate::progress::Progress;
use crate::store::{Limits, Store};
use crate::transaction::{Cache, Committer, Writes, lease, probe};
use std::sync::Arc;

/// Packs below this size are stored without an index, in bytes: a reader takes such a pack
/// whole at no more cost than its index, and the push saves a request
/// (`docs/design/0002-small-packs.md`).
pub const INDEX_FROM: u64 = 1 << 20;

/// What every transfer needs.
#[derive(Debug, Clone)]
pub struct Context {
    /// The bucket.
    pub store: Arc<dyn Store>,
    /// Local copies of immutable files.
    pub cache: Cache,
    /// Chance.
    pub ids: Arc<dyn Ids>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How much moves at once.
    pub limits: Limits,
    /// Whether the user consents to the lease, where the bucket cannot compare and swap.
    pub lease: bool,
    /// Who hears how far it has come.
    pub progress: Arc<dyn Progress>,
}

impl Context {
    /// Tries the bucket before a repository is made in it.
    pub(crate) async fn probe(&self) -> Result<Writes> {
        probe(&*self.store, &*self.ids, self.lease).await
    }

    /// Refuses to write under a lease without consent, before anything is uploaded, and
    /// tells who consents what that means.
    pub(crate) fn may_write(&self, leased: bool) -> Result<()> {
        if leased {
            lease::consented(self.lease)?;
            self.progress.warn(lease::WARNING);
        }
        Ok(())
    }

    /// What commits changes to the repository.
    pub(crate) fn committer(&self) -> Committer<'_> {
        Committer {
            store: &*self.store,
            cache: &self.cache,
            ids: &*self.ids,
            lease: self.lease,
        }
    }
}
