//! Looking after a repository.

use super::Remote;
use crate::error::Result;
use crate::maintenance::fsck::{self, Report, Workshop};

impl Remote {
    /// Looks the repository over; with a workshop, every byte of it. See [`fsck::fsck`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Missing`] if there is none; those of [`fsck::fsck`].
    pub async fn fsck(&self, workshop: Option<&Workshop>) -> Result<Report> {
        match fsck::fsck(&self.context, workshop).await? {
            Some(report) => Ok(report),
            None => Err(self.nothing().await),
        }
    }
}
