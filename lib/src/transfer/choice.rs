//! The packs that a reader may take: those of the manifest, and those that lie aside.

use super::Context;
use super::plan::{PACK_COST, cover};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::PackEntry;
use crate::transaction::{Snapshot, read_aside};

/// What is known of the list that lies aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aside {
    /// It was not looked at.
    Unread,
    /// Its packs are among those to choose from, if there are any.
    Read,
    /// It is gone or wrong.
    Broken,
    /// It is left alone: something that it names is gone.
    GivenUp,
}

/// The packs to choose from, of one state of the repository.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    packs: Vec<PackEntry>,
    aside: Aside,
}

impl Choice {
    /// Those of the manifest. No request.
    pub(super) fn new(at: &Snapshot) -> Self {
        let aside = match at.manifest.aside {
            Some(_) => Aside::Unread,
            None => Aside::GivenUp,
        };
        Self {
            packs: at.manifest.packs.clone(),
            aside,
        }
    }

    /// Adds those that lie aside. One GET, once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the list is gone or wrong; those of the store.
    pub(super) async fn look_aside(&mut self, context: &Context, at: &Snapshot) -> Result<()> {
        if self.aside != Aside::Unread {
            return Ok(());
        }
        match read_aside(&*context.store, &context.cache, at).await {
            Ok(listed) => {
                self.packs.extend(listed);
                self.aside = Aside::Read;
                Ok(())
            }
            Err(error) => {
                if error.kind() == ErrorKind::Corrupt {
                    self.aside = Aside::Broken;
                }
                Err(error)
            }
        }
    }

    /// Leaves the list alone from now on, if it was looked at: all of its objects are in the
    /// packs of the manifest, too. Answers whether that changes something.
    pub(super) fn give_up(&mut self, at: &Snapshot) -> bool {
        let looked_at = matches!(self.aside, Aside::Read | Aside::Broken);
        if looked_at {
            self.packs.clone_from(&at.manifest.packs);
            self.aside = Aside::GivenUp;
        }
        looked_at
    }

    /// The cheapest packs from this generation on. Reads the list aside where it may save more
    /// than it costs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the packs do not join up; as [`Self::look_aside`].
    pub(super) async fn from(
        &mut self,
        context: &Context,
        at: &Snapshot,
        start: u64,
    ) -> Result<Vec<PackEntry>> {
        let packs = self.cheapest(at, start)?;
        let bytes: u64 = packs.iter().map(|pack| pack.size).sum();
        let list = at.manifest.aside.as_ref();
        // Who starts at the beginning takes what a clone does.
        let helps = list.is_some_and(|list| {
            start > 0 && start < list.to && bytes > list.size.saturating_add(PACK_COST)
        });
        if !helps || self.aside != Aside::Unread {
            return Ok(packs);
        }
        self.look_aside(context, at).await?;
        self.cheapest(at, start)
    }

    fn cheapest(&self, at: &Snapshot, start: u64) -> Result<Vec<PackEntry>> {
        let end = at.manifest.covered();
        let path = cover(&self.packs, start, end).ok_or_else(|| {
            Error::new(
                ErrorKind::Corrupt,
                format!(
                    "cannot fetch: the packs of the manifest do not cover the generations up to {end}"
                ),
            )
            .with_hint("`git pail ls` shows the packs that it names; restore an older manifest, or push again from a complete clone")
        })?;
        Ok(path.into_iter().cloned().collect())
    }
}
