//! Changes that bring no objects: settings, and branches that go.

use super::Remote;
use crate::error::{Error, ErrorKind, Result};
use crate::format::settings::{OVERRIDE_PROTECTION, SettingEdit};
use crate::refs::{Expected, Outcome, RefEdit, RefName};
use crate::transaction::{Change, Committed, HeadChange, Snapshot};

impl Remote {
    /// Changes the settings of the repository; `false` if they are so already.
    ///
    /// `what` and `asked` stand in the log: the command, and what it was given. Costs one GET
    /// and one PUT.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Missing`] if there is no repository; [`ErrorKind::Invalid`] if a value is
    /// none for its setting; those of the store.
    pub async fn change_settings(
        &self,
        what: &str,
        edits: Vec<SettingEdit>,
        asked: Vec<String>,
        who: String,
    ) -> Result<bool> {
        let at = self.existing().await?;
        let mut next = at.manifest.clone();
        let mut changed = false;
        for edit in &edits {
            changed |= next.change_setting(edit)?;
        }
        if !changed {
            return Ok(false);
        }
        let mut change = self.change(what, who)?;
        change.settings = edits;
        change.options = asked;
        self.commit(Some(at), &change).await?;
        Ok(true)
    }

    /// Deletes refs as they are now; answers what became of each, in their order.
    ///
    /// Costs one GET and one PUT.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Missing`] if there is no repository, or one of them is not there; then
    /// none is deleted. Those of the store.
    pub async fn delete_refs(
        &self,
        names: &[RefName],
        override_protection: bool,
        who: String,
    ) -> Result<Vec<Outcome>> {
        let at = self.existing().await?;
        let mut change = self.change("delete-branch", who)?;
        let mut edits = Vec::new();
        for name in names {
            let now = at.refs.get(name).ok_or_else(|| {
                let place = self.context.store.describe();
                let message = format!("cannot delete {name}: it is not in {place}");
                Error::new(ErrorKind::Missing, message).with_hint("`git pail ls` shows the refs")
            })?;
            edits.push(RefEdit {
                name: name.clone(),
                new: None,
                expected: Expected::Exactly(now.oid),
                leased: false,
                continues: false,
            });
        }
        change.edits = edits.into();
        if override_protection {
            change.options.push(OVERRIDE_PROTECTION.to_owned());
        }
        Ok(self.commit(Some(at), &change).await?.0)
    }

    /// Makes HEAD name a branch, which need not exist yet; tells whether it does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Missing`] if there is no repository; [`ErrorKind::Invalid`] if the name
    /// is no branch's; those of the store.
    pub async fn set_head(&self, head: RefName, who: String) -> Result<bool> {
        if !head.is_branch() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("cannot set HEAD to {head}: it is no branch"),
            )
            .with_hint("name a branch, such as main or refs/heads/main"));
        }
        let at = self.existing().await?;
        let mut change = self.change("set-head", who)?;
        change.options = vec![head.to_string()];
        change.head = HeadChange::Set(head.clone());
        let exists = at.refs.get(&head).is_some();
        self.commit(Some(at), &change).await?;
        Ok(exists)
    }

    /// A change of this repository that moves nothing yet.
    pub(super) fn change(&self, what: &str, who: String) -> Result<Change> {
        let create = (self.context.ids.hex()?, crate::ObjectFormat::Sha1);
        Ok(Change::new(what, who, self.context.clock.now(), create))
    }

    /// Answers what became of the edits, and the repository as it is then, if that is known.
    pub(super) async fn commit(
        &self,
        at: Option<Snapshot>,
        change: &Change,
    ) -> Result<(Vec<Outcome>, Option<Snapshot>)> {
        match self.context.committer().commit(at, change).await? {
            Committed::Done(outcomes, now) => Ok((outcomes, now.map(|now| *now))),
            Committed::Remake(_) => Err(Error::new(
                ErrorKind::Stale,
                "the repository changed meanwhile; try again",
            )),
        }
    }
}
