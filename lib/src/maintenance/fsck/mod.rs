//! Is what is there right? Bytes, files, objects, refs.
//!
//! Comes in: a bucket. Goes out: what is wrong with it, and which refs that hurts. Nothing is
//! written to the bucket.

mod files;
mod full;
mod history;
mod hurt;
mod manifest;
mod quick;

use super::{Bench, Finding, Severity};
use crate::error::{Error, ErrorKind, Result};
use crate::refs::RefName;
use crate::transaction::{Snapshot, read_aside};
use crate::transfer::Context;
use std::collections::BTreeSet;

/// How often the check begins anew because the repository changed under it.
const MAX_RESTARTS: u32 = 3;

/// What was found, and how much was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What was found, in the order in which it was looked at.
    pub findings: Vec<Finding>,
    /// The refs that cannot be fetched whole any more.
    pub hurt: BTreeSet<RefName>,
    /// Whether each of those is known to be hurt; else some of them may be whole, and the
    /// full check finds out.
    pub certain: bool,
    /// How much was looked at.
    pub checked: Checked,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// The generation that was looked at; 0 where the manifest could not be read.
    pub generation: u64,
    /// Files that the repository names.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Refs.
    pub refs: u64,
    /// Packs.
    pub packs: u64,
    /// Objects whose bytes were read and whose ids were computed anew; 0 in a quick check.
    pub objects: u64,
}

impl Report {
    /// The worst of it; `None` if nothing was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|one| one.severity).max()
    }

    /// Whether something is lost.
    fn is_damaged(&self) -> bool {
        self.worst() == Some(Severity::Error)
    }
}

/// Looks a repository over; `None` if there is none here.
///
/// The quick check reads the manifest, the ref table and the log, and lists the files: one
/// GET for each of those, one LIST for each thousand files. With a bench every byte of
/// every pack is read, too, as by a clone of everything.
///
/// # Errors
///
/// [`crate::ErrorKind::Unsupported`] if a newer program wrote the repository; those of the
/// store, and of git.
pub async fn fsck(context: &Context, bench: Option<&Bench>) -> Result<Option<Report>> {
    let mut restarts = 0;
    loop {
        let Some((looked, mut report)) = quick::look(context).await? else {
            return Ok(None);
        };
        if let (Some(looked), Some(bench)) = (&looked, bench) {
            full::look(context, bench, looked, &mut report).await?;
        }
        // What maintenance replaced meanwhile is no damage.
        let moved = match &looked {
            Some(looked) if report.is_damaged() => looked.has_changed(context).await?,
            _ => false,
        };
        if !moved || restarts == MAX_RESTARTS {
            return Ok(Some(report));
        }
        restarts += 1;
    }
}

/// Every key that a repository names, condemned ones included: its log is read to the first
/// entry for that.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if a part of the log, or the list of packs that lies aside, cannot be
/// read; those of the store.
pub(super) async fn named_by(context: &Context, at: &Snapshot) -> Result<BTreeSet<String>> {
    let mut findings = Vec::new();
    let history = history::read(context, at, &mut findings).await?;
    if let Some(broken) = findings.iter().find(|one| one.severity == Severity::Error) {
        let message = format!("cannot read {}: {}", broken.subject, broken.reason);
        return Err(Error::new(ErrorKind::Corrupt, message));
    }
    let aside = read_aside(&*context.store, &context.cache, at).await?;
    let named = files::Named::of(&at.manifest, &aside, &history.older)?;
    let condemned = at.manifest.condemned.iter().map(|gone| gone.key.clone());
    Ok(named.sizes.into_keys().chain(condemned).collect())
}
