//! The locks of a repository, and pushes that heed them.

use super::Remote;
use crate::error::Result;
use crate::format::settings::{LOCKS, OVERRIDE_LOCKS, SettingEdit};
use crate::large_files::locks::{Lock, Locked, Locks, Unlocked};
use crate::local::Repository;
use crate::oid::ObjectId;
use crate::refs::{Outcome, RefEdit, Refusal};
use crate::transaction::{Snapshot, Writes};
use crate::transfer::PushRequest;
use std::collections::{BTreeMap, BTreeSet};

/// How many locked paths a refusal names.
const NAMED: usize = 3;

impl Remote {
    /// All locks, in the order of their paths. One GET.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Corrupt`] if their file is broken; those of the store.
    pub async fn locks(&self) -> Result<Vec<Lock>> {
        let list = self.keeper().read().await?;
        Ok(list.map_or_else(Vec::new, |list| list.locks))
    }

    /// Locks a path.
    ///
    /// Costs two GETs and one PUT; for the first lock of a repository also the commit by
    /// which pushes heed locks from now on.
    ///
    /// # Errors
    ///
    /// Those of [`Locks::lock`] and of committing.
    pub async fn lock(&self, path: &str, who: &str) -> Result<Locked> {
        crate::large_files::locks::check_path(path)?;
        let (store, cache) = (&*self.context.store, &self.context.cache);
        // Locks may lie where a repository's LFS objects lie and its history does not.
        let at = Snapshot::read(store, cache, None).await?;
        let leased = match &at {
            Some(at) => at.manifest.leased(),
            None if self.keeper().read().await?.is_some() => false,
            None => self.context.probe().await? == Writes::Lease,
        };
        self.context.may_write(leased)?;
        if at.is_some_and(|at| !at.manifest.settings.contains_key(LOCKS.name)) {
            // Before the lock: who has one can rely on it.
            let on = SettingEdit::Set(LOCKS.name, true.into());
            let asked = vec![format!("{}=on", LOCKS.name)];
            self.change_settings("lock", vec![on], asked, who.to_owned())
                .await?;
        }
        let now = self.context.clock.now();
        self.keeper().lock(path, who, now, leased).await
    }

    /// Frees what has this id; somebody else's only by force. One GET and one PUT.
    ///
    /// # Errors
    ///
    /// Those of [`Locks::unlock`].
    pub async fn unlock(&self, id: &str, who: &str, force: bool) -> Result<Unlocked> {
        self.keeper().unlock(id, who, force).await
    }

    fn keeper(&self) -> Locks<'_> {
        Locks(self.swapper())
    }

    /// Which edits bring commits that change a path which somebody else has locked.
    ///
    /// No request in a repository that does not heed locks, else one GET.
    pub(super) async fn held(
        &self,
        local: &Repository,
        at: Option<&Snapshot>,
        request: &PushRequest,
    ) -> Result<Vec<Option<Refusal>>> {
        let mut out = vec![None; request.edits.len()];
        let Some(at) = at.filter(|_| !request.options.iter().any(|one| one == OVERRIDE_LOCKS))
        else {
            return Ok(out);
        };
        if !at.manifest.heeds_locks()? || request.edits.iter().all(|edit| edit.new.is_none()) {
            return Ok(out);
        }
        let (who, locks) = (local.committer().await?, self.locks().await?);
        let theirs: BTreeMap<&[u8], &Lock> = locks
            .iter()
            .filter(|lock| !lock.is_of(&who))
            .map(|lock| (lock.path.as_bytes(), lock))
            .collect();
        if theirs.is_empty() {
            return Ok(out);
        }
        let known: BTreeSet<ObjectId> = at
            .refs
            .iter()
            .flat_map(|(_, value)| [Some(value.oid), value.peeled])
            .flatten()
            .collect();
        let known: Vec<ObjectId> = local.present(known).await?.into_iter().collect();
        for (edit, out) in request.edits.iter().zip(&mut out) {
            *out = refused(local, edit, &known, &theirs).await?;
        }
        Ok(out)
    }
}

/// Why this edit is refused, if it is.
async fn refused(
    local: &Repository,
    edit: &RefEdit,
    known: &[ObjectId],
    theirs: &BTreeMap<&[u8], &Lock>,
) -> Result<Option<Refusal>> {
    let Some(new) = edit.new else { return Ok(None) };
    let tip = new.peeled.unwrap_or(new.oid);
    let found = local.look_up(&[tip.to_string().into_bytes()]).await?;
    if !matches!(&found[..], [Some(found)] if found.kind == "commit") {
        return Ok(None);
    }
    let commits = local.new_commits(&[tip], known).await?;
    let changed = local.changed_paths(&commits).await?;
    let held: Vec<&Lock> = changed
        .iter()
        .filter_map(|path| theirs.get(&**path).copied())
        .collect();
    if held.is_empty() {
        return Ok(None);
    }
    let mut words: Vec<String> = held
        .iter()
        .take(NAMED)
        .map(|lock| format!("{} is locked by {}", lock.path, lock.owner))
        .collect();
    if held.len() > NAMED {
        words.push(format!("and {} more", held.len() - NAMED));
    }
    Ok(Some(Refusal::Other(words.join(", "))))
}

/// The request without the edits that are refused; without any, if it is atomic.
pub(super) fn without(request: &PushRequest, held: &[Option<Refusal>]) -> PushRequest {
    let all = request.atomic && held.iter().any(Option::is_some);
    let edits = request.edits.iter().zip(held);
    PushRequest {
        edits: edits
            .filter(|(_, held)| held.is_none() && !all)
            .map(|(edit, _)| edit.clone())
            .collect(),
        ..request.clone()
    }
}

/// What became of all edits, in the order of the request.
pub(super) fn merge(held: Vec<Option<Refusal>>, others: Vec<Outcome>) -> Vec<Outcome> {
    let mut others = others.into_iter();
    held.into_iter()
        .map(|held| match held {
            Some(why) => Outcome::Refused(why),
            None => others
                .next()
                .unwrap_or(Outcome::Refused(Refusal::AtomicPushFailed)),
        })
        .collect()
}
