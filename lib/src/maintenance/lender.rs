//! What need not be downloaded, because the repository has it in which we were started.
//!
//! What comes from there is as good as what comes from the bucket: it is copied into a
//! repository of our own, where git computes the id of every object anew, and where nothing
//! is seen any more of the place that it came from. Whatever goes wrong on the way (an object
//! is broken, or vanishes since somebody prunes) ends in a download, as if nobody had lent
//! anything. See `docs/design/0008-maintenance.md`.

use super::bench::bring;
use super::gather::{gather, take_in};
use super::same_objects::{is_index, listed, same_objects, spelled, within};
use crate::error::{ErrorKind, IoContext, Result};
use crate::format::keys;
use crate::format::manifest::PackEntry;
use crate::local::{Kinds, Repository, Spool};
use crate::oid::ObjectId;
use crate::transfer::Context;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What must be there in the end: what these reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends<'a> {
    /// What refs name.
    pub(super) tips: &'a BTreeSet<ObjectId>,
    /// What they named before; some may have left the bucket.
    pub(super) former: &'a BTreeSet<ObjectId>,
}

/// Brings all that the ends reach and that is in these packs, from the bucket or from the
/// lender; answers indexes that together list every object of the packs.
///
/// One GET for each pack that has no index in the bucket, or of which something is needed that
/// the lender has not; one for the index of each other. Where nobody lends, one for each pack.
///
/// # Errors
///
/// Those of [`gather`].
pub(super) async fn history(
    context: &Context,
    repository: &Repository,
    lender: Option<&Repository>,
    packs: &[PackEntry],
    ends: Ends<'_>,
) -> Result<Vec<PathBuf>> {
    if let Some(lender) = lender.filter(|lender| lender.format() == repository.format()) {
        let lent = borrow(context, (repository, lender), packs, ends).await;
        repository.borrow_no_more()?;
        if let Some(lists) = or_nothing(lent)? {
            return Ok(lists);
        }
    }
    Ok(vec![gather(context, repository, packs).await?])
}

/// Brings exactly these packs, some of them joined, from the bucket or from the lender; answers
/// the indexes of what they are in the repository now.
///
/// One GET for each pack, or for its index if the lender has all of it.
///
/// # Errors
///
/// Those of [`gather`].
pub(super) async fn exactly(
    context: &Context,
    repository: &Repository,
    lender: Option<&Repository>,
    packs: &[PackEntry],
) -> Result<Vec<PathBuf>> {
    let lender = lender.filter(|lender| lender.format() == repository.format());
    let (mut out, mut rest) = (Vec::new(), Vec::new());
    for pack in packs {
        let copy = match lender.filter(|_| pack.index.is_some()) {
            Some(lender) => {
                let copy = copy(context, (repository, lender), pack).await;
                repository.borrow_no_more()?;
                or_nothing(copy)?
            }
            None => None,
        };
        match copy {
            Some(index) => out.push(index),
            None => rest.push(pack.clone()),
        }
    }
    if !rest.is_empty() {
        out.push(gather(context, repository, &rest).await?);
    }
    Ok(out)
}

/// A list of the objects of one pack: its index, or where it has none that can be read, the
/// one that git makes of the pack. One GET, or a range.
///
/// # Errors
///
/// Those of [`gather`].
pub(super) async fn list(
    context: &Context,
    repository: &Repository,
    pack: &PackEntry,
) -> Result<PathBuf> {
    if let Some(size) = pack.index {
        let folder = repository.common_dir().join("pail-lists");
        std::fs::create_dir_all(&folder)
            .during(|| format!("make the folder {}", folder.display()))?;
        let file = folder.join(format!("{}.idx", pack.name));
        bring(context, keys::index(&pack.name)?.as_str(), size, &file).await?;
        if is_index(&file, repository.format()) {
            return Ok(file);
        }
    }
    gather(context, repository, std::slice::from_ref(pack)).await
}

/// What failed on this machine, or was not what it should be, was not lent.
fn or_nothing<T>(lent: Result<Option<T>>) -> Result<Option<T>> {
    match lent {
        Err(error) if matches!(error.kind(), ErrorKind::Local | ErrorKind::Corrupt) => Ok(None),
        lent => lent,
    }
}

/// As [`history`]; `None` if everything is to be downloaded.
async fn borrow(
    context: &Context,
    (repository, lender): (&Repository, &Repository),
    packs: &[PackEntry],
    ends: Ends<'_>,
) -> Result<Option<Vec<PathBuf>>> {
    let (large, small): (Vec<PackEntry>, Vec<PackEntry>) =
        packs.iter().cloned().partition(|pack| pack.index.is_some());
    // A stranger's repository is not worth the indexes.
    if large.is_empty() || !knows(repository, lender, ends).await? {
        return Ok(None);
    }
    let mut lists = Vec::new();
    if !small.is_empty() {
        lists.push(gather(context, repository, &small).await?);
    }
    let mut large_lists = Vec::new();
    for pack in &large {
        large_lists.push(list(context, repository, pack).await?);
    }
    lists.extend(large_lists.iter().cloned());
    let format = repository.format();
    // What has left the bucket does not come back because somebody has it still.
    let mut needed = listed(ends.former, &lists, format)?;
    needed.extend(ends.tips);

    repository.borrow_from(lender.objects())?;
    if !repository.is_whole(&needed).await? {
        let mut lacking = Vec::new();
        for (pack, list) in large.iter().zip(&large_lists) {
            if !repository.has_all(&spelled(list, format)?).await? {
                lacking.push(pack.clone());
            }
        }
        // Git would compare what comes with what is lent.
        repository.borrow_no_more()?;
        if lacking.len() == large.len() {
            return Ok(None);
        }
        gather(context, repository, &lacking).await?;
        repository.borrow_from(lender.objects())?;
    }
    let spool = Spool::new(repository, &*context.ids)?;
    let packed = repository
        .pack_reachable(&needed, Kinds::All, false, &spool)
        .await;
    repository.borrow_no_more()?;
    let Some(packed) = packed? else {
        return Ok(None);
    };
    let index = take_in(context, repository, &packed.pack).await?;
    let sound = within(&index, &lists, format)? && repository.is_whole(&needed).await?;
    Ok(sound.then_some(lists))
}

/// Whether the lender has something that refs name, or named a while ago.
async fn knows(repository: &Repository, lender: &Repository, ends: Ends<'_>) -> Result<bool> {
    repository.borrow_from(lender.objects())?;
    let known = repository.present(ends.tips | ends.former).await;
    repository.borrow_no_more()?;
    Ok(!known?.is_empty())
}

/// One pack, made anew of what is lent; `None` if that is not all of it.
async fn copy(
    context: &Context,
    (repository, lender): (&Repository, &Repository),
    pack: &PackEntry,
) -> Result<Option<PathBuf>> {
    let list = list(context, repository, pack).await?;
    let ids = spelled(&list, repository.format())?;
    repository.borrow_from(lender.objects())?;
    if !repository.has_all(&ids).await? {
        return Ok(None);
    }
    let spool = Spool::new(repository, &*context.ids)?;
    let packed = repository.pack_listed(&ids, &spool).await;
    repository.borrow_no_more()?;
    let Some(packed) = packed? else {
        return Ok(None);
    };
    let index = take_in(context, repository, &packed.pack).await?;
    let same = same_objects(&[list], &index, repository.format())?;
    Ok(same.then_some(index))
}
