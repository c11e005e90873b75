//! Looking after a repository.

use super::Remote;
use crate::error::Result;
use crate::maintenance::Bench;
use crate::maintenance::fsck::{self, Report};
use crate::maintenance::restore::{self, RestoreRequest, Restored};

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
}
