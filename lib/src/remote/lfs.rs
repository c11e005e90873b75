//! Whose LFS objects lie at a place.

use super::Remote;
use crate::error::Result;
use crate::large_files::Swapper;
use crate::large_files::sharers::Sharers;
use crate::maintenance::lfs::{self, GcPlan, Swept};
use crate::transaction::{Snapshot, Writes};
use crate::transfer::Context;

impl Remote {
    /// The URLs of the repositories that keep LFS objects here, apart from the one that lies
    /// here itself. One GET.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Corrupt`] if the list is broken; those of the store.
    pub async fn lfs_sharers(&self) -> Result<Vec<String>> {
        Ok(self.sharers().read().await?.unwrap_or_default())
    }

    /// Puts repositories on that list, or strikes them off.
    ///
    /// Costs two GETs and one PUT; the first time where no repository lies, the trial of the
    /// bucket besides.
    ///
    /// # Errors
    ///
    /// Those of [`Sharers::change`]; [`crate::ErrorKind::Unsupported`] if the bucket cannot
    /// keep two writers apart.
    pub async fn share_lfs(&self, urls: &[String], add: bool) -> Result<()> {
        let leased = self.leased().await?;
        self.context.may_write(leased)?;
        self.sharers().change(urls, add, leased).await
    }

    /// Condemns and deletes what a plan says; `repositories` are those that it was made for.
    ///
    /// Costs two GETs beside what [`lfs::sweep`] costs; the first time where no repository
    /// lies, the trial of the bucket.
    ///
    /// # Errors
    ///
    /// Those of [`lfs::sweep`]; [`crate::ErrorKind::Unsupported`] if the bucket cannot keep
    /// two writers apart.
    pub async fn sweep_lfs(&self, repositories: &[Context], plan: GcPlan) -> Result<Swept> {
        let leased = self.leased().await?;
        self.context.may_write(leased)?;
        lfs::sweep(&self.context, repositories, plan, leased).await
    }

    /// Whether a small file that is not there yet is to be written under a lease.
    pub(super) async fn leased(&self) -> Result<bool> {
        let (store, cache) = (&*self.context.store, &self.context.cache);
        // LFS objects may lie here of a repository that lies elsewhere.
        Ok(match Snapshot::read(store, cache, None).await? {
            Some(at) => at.manifest.leased(),
            None => self.context.probe().await? == Writes::Lease,
        })
    }

    fn sharers(&self) -> Sharers<'_> {
        Sharers(self.swapper())
    }

    /// Who changes the small files beside the manifest.
    pub(super) fn swapper(&self) -> Swapper<'_> {
        Swapper {
            store: &*self.context.store,
            ids: &*self.context.ids,
            lease: self.context.lease,
        }
    }
}
