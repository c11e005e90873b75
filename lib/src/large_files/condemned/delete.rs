//! Condemned objects go, a batch at a time.

use super::Condemned;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::large_files::lfs::Oid;
use std::collections::BTreeSet;

/// How many objects are deleted before the clock is looked at again, where each takes a
/// request of its own.
const PARALLEL: usize = 8;

/// A run that was held up for so long since it set its marks deletes nothing more, in
/// seconds: half of the time after which others take it for dead.
const BOUND: i64 = super::DEAD / 2;

impl Condemned<'_> {
    /// Deletes objects that have been condemned for long enough, and strikes them off the
    /// list. `needed` is asked between the mark and the first DELETE, and says which of them
    /// stay. Answers those that are gone.
    ///
    /// Costs two GETs, two PUTs and one DELETE for as many objects as the store deletes by one
    /// request, beside what `needed` costs.
    ///
    /// # Errors
    ///
    /// Those of [`Condemned::mark`] and of `needed`, with nothing deleted. Those of the
    /// store: some may be gone then, and all stay marked until another run takes this one for
    /// dead.
    pub async fn delete(
        &self,
        oids: &BTreeSet<Oid>,
        (now, clock): (i64, &dyn Clock),
        at_once: bool,
        needed: impl AsyncFnOnce() -> Result<BTreeSet<Oid>>,
    ) -> Result<BTreeSet<Oid>> {
        let id = self.swapper.ids.hex()?;
        let began = clock.now();
        let mut gone = self.mark(&id, oids, now, at_once).await?;
        if gone.is_empty() {
            return Ok(gone);
        }
        match needed().await {
            Ok(needed) => gone.retain(|oid| !needed.contains(oid)),
            Err(error) => {
                self.unmark(&id, true).await?;
                return Err(error);
            }
        }
        let all = self.delete_all(&gone, || clock.now().saturating_sub(began) < BOUND);
        if let Err(error) = all.await {
            // A refusal is an answer; of anything else nobody knows whether it is still on
            // its way, so the marks stay.
            if error.kind() == ErrorKind::Denied {
                self.unmark(&id, true).await?;
            }
            return Err(error);
        }
        self.unmark(&id, false).await?;
        Ok(gone)
    }

    async fn delete_all(&self, oids: &BTreeSet<Oid>, in_time: impl Fn() -> bool) -> Result<()> {
        let store = self.swapper.store;
        let keys = oids.iter().map(Oid::key).collect::<Result<Vec<_>>>()?;
        for some in keys.chunks(store.capabilities().deletes.max(PARALLEL)) {
            if !in_time() {
                return Err(held_up());
            }
            // All of them are answered then.
            let mut failed = store.delete_many(some).await?;
            // One that is in doubt says more than one that was refused.
            failed.sort_by_key(|(_, error)| error.kind() == ErrorKind::Denied);
            if let Some((_, error)) = failed.into_iter().next() {
                return Err(error);
            }
        }
        Ok(())
    }
}

fn held_up() -> Error {
    let what = "deleting LFS objects took too long: others may take this run for dead";
    Error::new(ErrorKind::Unavailable, what)
        .with_hint("what is gone is not needed; run `git pail lfs gc` again in an hour")
}
