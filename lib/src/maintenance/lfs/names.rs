//! Which LFS objects the history names.

use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::PackEntry;
use crate::large_files::lfs::{MAX_POINTER, Object, Oid, pointer};
use crate::local::Scratch;
use crate::maintenance::gather::gather;
use crate::maintenance::lender::{self, Ends};
use crate::maintenance::{Bench, levels, retained};
use crate::oid::ObjectId;
use crate::transaction::Snapshot;
use crate::transfer::{Context, cover};
use std::collections::{BTreeMap, BTreeSet};

/// The history of one repository, and the LFS objects that it names: what its refs reach, and
/// what they reached within the retention time, for `git pail restore`.
#[derive(Debug)]
pub struct Names {
    /// The objects, with the sizes that their pointers tell.
    pub objects: BTreeMap<Oid, u64>,
    /// The repository as it was read.
    pub at: Snapshot,
    source: Scratch,
    /// The ends of the history that was looked through.
    seen: BTreeSet<ObjectId>,
}

impl Names {
    /// Downloads the history of a repository, as a clone would, but for what the lender of the
    /// bench has, and looks through it; `None` if there is no repository.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the bucket does not hold everything that its refs need:
    /// what is needed can then not be told. Those of git and of the store.
    pub async fn read(context: &Context, bench: &Bench) -> Result<Option<Self>> {
        let at = Snapshot::read(&*context.store, &context.cache, None).await?;
        let Some(at) = at else { return Ok(None) };
        let source = bench.open(context, at.manifest.object_format).await?;
        let mut names = Self {
            objects: BTreeMap::new(),
            at,
            source,
            seen: BTreeSet::new(),
        };
        let packs = levels::of_a_clone(&names.at.manifest.packs);
        let packs: Vec<PackEntry> = packs.into_iter().cloned().collect();
        let former = retained::former(context, &names.at).await?;
        if !packs.is_empty() {
            let ends = Ends {
                tips: &retained::tips(&names.at),
                former: &former,
            };
            let (source, lender) = (names.source.repository(), bench.lender.as_ref());
            lender::history(context, source, lender, &packs, ends).await?;
        }
        names.look(former).await?;
        Ok(Some(names))
    }

    /// Looks through what came since; whether something did. One GET, and the new packs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Stale`] if the repository was packed anew meanwhile; as [`Names::read`].
    pub async fn refresh(&mut self, context: &Context) -> Result<bool> {
        let (store, cache) = (&*context.store, &context.cache);
        let now = Snapshot::read(store, cache, Some(&self.at)).await?;
        let same = |now: &Snapshot| {
            now.manifest.repository == self.at.manifest.repository
                && now.manifest.epoch == self.at.manifest.epoch
        };
        let now = now.filter(same).ok_or_else(stale)?;
        if now.manifest.generation == self.at.manifest.generation {
            return Ok(false);
        }
        let covered = self.at.manifest.covered();
        let all = now.manifest.packs.clone();
        let Some(path) = cover(&all, covered, now.manifest.covered()) else {
            return Err(stale());
        };
        let new = path.into_iter().filter(|pack| pack.to > covered);
        let new: Vec<PackEntry> = new.cloned().collect();
        self.at = now;
        if !new.is_empty() {
            gather(context, self.source.repository(), &new).await?;
        }
        let former = retained::former(context, &self.at).await?;
        self.look(former).await?;
        Ok(true)
    }

    /// Looks through what is there now and was not looked through before.
    async fn look(&mut self, former: BTreeSet<ObjectId>) -> Result<()> {
        let source = self.source.repository();
        let tips = retained::tips(&self.at);
        if !source.is_whole(&tips).await? {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "cannot tell which LFS objects are needed: the bucket does not hold everything that its refs need",
            )
            .with_hint("nothing was touched; `git pail fsck --full` tells what is missing"));
        }
        let needed = retained::whole(source, former, tips).await?;
        let new: Vec<ObjectId> = needed.difference(&self.seen).copied().collect();
        let seen: Vec<ObjectId> = self.seen.iter().copied().collect();
        let objects = &mut self.objects;
        let hear = |blob: &[u8]| {
            if let Some(Object { oid, size }) = pointer(blob) {
                objects.insert(oid, size);
            }
        };
        source.small_blobs((&new, &seen), MAX_POINTER, hear).await?;
        self.seen.extend(needed);
        Ok(())
    }
}

fn stale() -> Error {
    let what = "the repository was packed anew meanwhile";
    Error::new(ErrorKind::Stale, what).with_hint("nothing is lost; run it again")
}
