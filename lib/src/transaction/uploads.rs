//! The files that a change has put into the bucket, and whether they are still there.

use super::rebase::Change;
use super::snapshot::Snapshot;
use crate::error::Result;
use crate::format::keys;
use crate::key::Key;
use crate::store::Store;
use std::collections::BTreeSet;

/// The keys of everything that was uploaded for this change.
pub(super) fn keys_of(change: &Change) -> Result<Vec<Key>> {
    let mut ours = Vec::new();
    if let Some(pack) = &change.pack {
        ours.push(keys::pack(&pack.name)?);
        if pack.index.is_some() {
            ours.push(keys::index(&pack.name)?);
        }
    }
    for pack in change.rework.iter().flat_map(|rework| &rework.new) {
        ours.push(keys::pack(&pack.name)?);
        if pack.index.is_some() {
            ours.push(keys::index(&pack.name)?);
        }
    }
    if let Some((table, _)) = &change.table {
        ours.push(keys::table(&table.id)?);
    }
    let merged = change
        .rework
        .iter()
        .filter_map(|rework| rework.log.as_ref());
    for segment in change.segment.iter().chain(merged.flat_map(|log| &log.new)) {
        ours.push(keys::segment(segment.first, segment.last, &segment.id)?);
    }
    let lists = change
        .rework
        .iter()
        .filter_map(|rework| rework.aside.as_ref()?.new.as_ref());
    for list in lists {
        ours.push(keys::aside(&list.id)?);
    }
    if let Some((file, _)) = &change.moves_file {
        ours.push(keys::moves(&file.id)?);
    }
    Ok(ours)
}

/// Whether gc has taken one of them for the leftover of a dead writer.
pub(super) fn condemned(current: Option<&Snapshot>, change: &Change) -> Result<bool> {
    let Some(current) = current.filter(|current| !current.manifest.condemned.is_empty()) else {
        return Ok(false);
    };
    let gone: BTreeSet<&str> = current
        .manifest
        .condemned
        .iter()
        .map(|gone| &*gone.key)
        .collect();
    let ours = keys_of(change)?;
    Ok(ours.iter().any(|key| gone.contains(key.as_str())))
}

/// Whether the epoch is another than the one in which they were uploaded: then a leftover
/// may have been deleted and struck off the list since.
pub(super) fn outlived(current: Option<&Snapshot>, change: &Change) -> bool {
    let Some(manifest) = current.map(|current| &current.manifest) else {
        return false;
    };
    match &change.basis.at {
        Some((repository, epoch)) => *repository != manifest.repository || *epoch != manifest.epoch,
        None => manifest.epoch != 0,
    }
}

/// Whether all of them are in the bucket. One HEAD each.
pub(super) async fn all_there(store: &dyn Store, change: &Change) -> Result<bool> {
    for key in keys_of(change)? {
        if store.head(&key).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}
