//! Looking after a repository.

use super::Remote;
use crate::error::Result;
use crate::maintenance::doctor::{self, Diagnosis, Visit};
use crate::maintenance::fsck::{self, Report};
use crate::maintenance::restore::{self, RestoreRequest, Restored};
use crate::maintenance::stats::{self, Stats};
use crate::maintenance::{Bench, Finding, Severity};

impl Remote {
    /// Looks the repository over; with a bench, every byte of it. See [`fsck::fsck`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Missing`] if there is none; those of [`fsck::fsck`].
    pub async fn fsck(&self, bench: Option<&Bench>) -> Result<Report> {
        match fsck::fsck(&self.context, bench).await? {
            Some(report) => Ok(report),
            None => Err(self.nothing().await),
        }
    }

    /// Gives a ref the value that it had before. See [`restore::restore`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Missing`] if there is no repository; those of
    /// [`restore::restore`].
    pub async fn restore(&self, request: &RestoreRequest, bench: &Bench) -> Result<Restored> {
        let at = self.existing().await?;
        restore::restore(&self.context, at, request, bench).await
    }

    /// Counts what the repository takes in its bucket. See [`stats::stats`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Missing`] if there is no repository; those of [`stats::stats`].
    pub async fn stats(&self, since: i64) -> Result<Stats> {
        let at = self.existing().await?;
        stats::stats(&self.context, &at, since).await
    }

    /// Finds out whether one can work here. See [`doctor::visit`].
    ///
    /// # Errors
    ///
    /// Those of [`doctor::visit`].
    pub async fn doctor(&self, visit: &Visit) -> Result<Diagnosis> {
        let mut out = doctor::visit(&self.context, visit).await?;
        if out.is_empty
            && let Some(foreign) = self.foreign().await?
        {
            // What no manifest of ours names is not left over: it is theirs.
            let theirs = ["leftovers", "under-way", "unfinished-uploads"];
            out.findings
                .retain(|finding| !theirs.contains(&finding.code));
            let reason = format!("it holds {foreign}");
            let place = self.context.store.describe();
            let finding = Finding::new(Severity::Error, "foreign-layout", place, reason);
            out.findings
                .push(finding.with_mend("choose another prefix"));
        }
        Ok(out)
    }
}
