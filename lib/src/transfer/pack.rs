//! Step 3 of a push: its pack, made now or taken up from a push that died.

use super::Context;
use super::kept::{Kept, Plan};
use super::publish::upload_pack;
use super::salt::{SaltedPack, salt};
use crate::error::{Error, ErrorKind, Result};
use crate::local::{Repository, Spool};
use crate::oid::ObjectId;
use crate::store::{Journal, NoJournal};
use crate::transaction::NewPack;
use std::path::PathBuf;
use std::sync::Arc;

/// A pack that is going up, or is there. Its files live until the commit is through.
#[derive(Debug)]
pub(super) struct Pack {
    salted: SaltedPack,
    index: PathBuf,
    /// What it builds on, if that is not what this push would leave out.
    pub(super) haves: Vec<ObjectId>,
    kept: Option<Kept>,
    /// Where it lies if it is not kept.
    _spool: Option<Spool>,
}

impl Pack {
    /// What this push sends; `None` if that is nothing.
    ///
    /// One that an earlier push kept is not packed again. One of more than a part is kept
    /// from here on; a smaller one costs nothing beyond its packing.
    pub(super) async fn find_or_make(
        context: &Context,
        repository: &Repository,
        plan: &Plan<'_>,
    ) -> Result<Option<Self>> {
        if let Some((kept, salted)) = Kept::take_up(context, repository, plan).await? {
            return Ok(Some(Self {
                index: kept.index(),
                haves: kept.haves(),
                salted,
                kept: Some(kept),
                _spool: None,
            }));
        }
        let Some(request) = plan.request else {
            return Ok(None);
        };
        let spool = Spool::new(repository, &*context.ids)?;
        let Some(spooled) = repository.pack_objects(request, &spool).await? else {
            return Ok(None);
        };
        let ids = Arc::clone(&context.ids);
        let salted = salt(spooled.clone(), repository.format(), ids).await?;
        let kept = if spooled.size > context.limits.part {
            Kept::new(context, repository, plan, (&spooled, &salted))
        } else {
            None
        };
        Ok(Some(match kept {
            Some(kept) => Self {
                index: kept.index(),
                haves: Vec::new(),
                salted: salted.at(kept.pack()),
                kept: Some(kept),
                _spool: None,
            },
            None => Self {
                index: spooled.index,
                haves: Vec::new(),
                salted,
                kept: None,
                _spool: Some(spool),
            },
        }))
    }

    /// Uploads it, or what is missing of it.
    pub(super) async fn upload(self, context: &Context) -> Result<(NewPack, Self)> {
        let journal: &dyn Journal = match &self.kept {
            Some(kept) => kept,
            None => &NoJournal,
        };
        match upload_pack(context, &self.salted, &self.index, journal).await {
            Ok(new) => Ok((new, self)),
            Err(error) => {
                if !may_pass(&error) {
                    self.throw_away(context).await;
                }
                Err(error)
            }
        }
    }

    /// The push is through, or this pack is of no more use to it: its files go.
    pub(super) fn done(self) {
        if let Some(kept) = self.kept {
            kept.remove();
        }
    }

    async fn throw_away(self, context: &Context) {
        if let Some(kept) = self.kept {
            kept.throw_away(context).await;
        }
    }
}

/// Whether the next push may get further with the same pack.
fn may_pass(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Denied)
}
