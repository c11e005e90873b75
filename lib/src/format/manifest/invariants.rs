//! What holds for every manifest, whoever wrote it.

use super::{Manifest, PackEntry};
use crate::format::keys::is_hex;
use crate::key::Key;
use crate::oid::ObjectId;
use std::collections::BTreeSet;

/// Largest count: what JSON readers of all kinds hold exactly. To count on is no overflow.
const MAX_COUNT: u64 = 1 << 53;

/// Largest pack or index, in bytes. So many of them as fit a manifest have a sum.
const MAX_SIZE: u64 = 1 << 44;

/// The first rule that a manifest breaks, in words; `None` if it is sound.
pub(super) fn fault(manifest: &Manifest) -> Option<String> {
    let format = manifest.object_format;
    if !is_hex(&manifest.repository, &[32]) {
        return Some("'repository' is not 32 hex digits".to_owned());
    }
    if !is_hex(&manifest.write_id, &[32]) {
        return Some("'write_id' is not 32 hex digits".to_owned());
    }
    if manifest.generation == 0 {
        return Some("'generation' is 0".to_owned());
    }
    if manifest.generation > MAX_COUNT || manifest.epoch > MAX_COUNT {
        return Some("'generation' or 'epoch' is out of bounds".to_owned());
    }
    if let Some(head) = manifest.head.as_ref().filter(|head| !head.is_branch()) {
        return Some(format!("'head' names {head}, which is no branch"));
    }
    for (name, value) in &manifest.updates {
        let wrong = |oid: ObjectId| oid.format() != format || oid.is_null();
        if value.is_some_and(|value| wrong(value.oid) || value.peeled.is_some_and(wrong)) {
            return Some(format!("the id of {name} is not one of {format}"));
        }
        if value.is_none() && manifest.base.is_none() {
            return Some(format!(
                "{name} is marked as deleted, and there is no base table"
            ));
        }
    }
    if let Some(base) = &manifest.base
        && (!is_hex(&base.id, &[32]) || !is_hex(&base.sha256, &[64]))
    {
        return Some("the base table's id or hash is not hex of the right length".to_owned());
    }
    if let Some(gone) = manifest
        .condemned
        .iter()
        .find(|gone| Key::new(gone.key.as_str()).is_err())
    {
        return Some(format!(
            "'{}' is condemned, which is no key",
            gone.key.escape_debug()
        ));
    }
    packs(&manifest.packs, manifest)
        .or_else(|| aside(manifest))
        .or_else(|| log(manifest))
}

fn aside(manifest: &Manifest) -> Option<String> {
    let aside = manifest.aside.as_ref()?;
    if !is_hex(&aside.id, &[32]) || !is_hex(&aside.sha256, &[64]) {
        return Some("the id or hash of 'aside' is not hex of the right length".to_owned());
    }
    if aside.to > manifest.generation || aside.size > MAX_SIZE || aside.count > MAX_COUNT {
        return Some("a number of 'aside' is out of bounds".to_owned());
    }
    None
}

/// The first rule that packs break which this manifest names, itself or aside.
pub(crate) fn packs(packs: &[PackEntry], manifest: &Manifest) -> Option<String> {
    let mut names = BTreeSet::new();
    for pack in packs {
        if !is_hex(&pack.name, &[manifest.object_format.hex_len()]) {
            return Some(format!(
                "a pack is named '{}', which is no checksum",
                pack.name.escape_debug()
            ));
        }
        if !names.insert(&pack.name) {
            return Some(format!("pack {} is named twice", pack.name));
        }
        let sizes = [Some(pack.size), pack.index];
        let large = sizes.iter().flatten().any(|size| *size > MAX_SIZE);
        if large || pack.objects > u64::from(u32::MAX) {
            return Some(format!(
                "a size or count of pack {} is out of bounds",
                pack.name
            ));
        }
        if pack.from >= pack.to || pack.to > manifest.generation {
            return Some(format!(
                "pack {} covers the generations ({}, {}]",
                pack.name, pack.from, pack.to
            ));
        }
    }
    None
}

fn log(manifest: &Manifest) -> Option<String> {
    let mut last = 0;
    for segment in &manifest.log.segments {
        if !is_hex(&segment.id, &[32]) || !is_hex(&segment.sha256, &[64]) {
            return Some("a log segment's id or hash is not hex of the right length".to_owned());
        }
        if segment.first <= last || segment.last < segment.first {
            return Some(format!(
                "log segment {}-{} is out of order",
                segment.first, segment.last
            ));
        }
        last = segment.last;
    }
    for entry in &manifest.log.entries {
        if entry.generation <= last || entry.generation > manifest.generation {
            return Some(format!(
                "the log entry of generation {} is out of order",
                entry.generation
            ));
        }
        if let Some(file) = &entry.moves_file
            && (!is_hex(&file.id, &[32]) || !is_hex(&file.sha256, &[64]))
        {
            return Some("a moves file's id or hash is not hex of the right length".to_owned());
        }
        let ids = entry
            .moves
            .iter()
            .flat_map(|one| [one.old, one.new])
            .flatten();
        if ids
            .into_iter()
            .any(|oid| oid.format() != manifest.object_format)
        {
            return Some(format!(
                "the log entry of generation {} names an id of another object format",
                entry.generation
            ));
        }
        last = entry.generation;
    }
    None
}
