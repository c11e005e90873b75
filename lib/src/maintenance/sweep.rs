//! Condemned files whose time has come.

use crate::error::Result;
use crate::format::manifest::{Condemned, PackEntry, Why};
use crate::format::{Manifest, keys};
use crate::key::Key;
use crate::store::{Store, delete_all};
use std::collections::{BTreeMap, BTreeSet};

/// How long a merged pack stays for a reader that has an older manifest, in seconds. One
/// that comes too late reads the manifest again and takes the pack that has its objects.
pub const MERGED_GRACE: i64 = 3600;

/// So many merged packs stay on the list at most, so that many pushes in an hour do not
/// make the manifest grow: the oldest ones go before their time.
pub const MAX_MERGED: usize = 8;

/// So many joined segments of the log stay, too, for who reads the log of an older manifest:
/// those of the last three merges that joined some.
pub const MAX_SEGMENTS: usize = 6;

/// So many lists of packs stay, too, for who is far behind and has an older manifest.
pub const MAX_ASIDES: usize = 2;

/// The condemned files that may be deleted now. Nothing but readers depends on the time.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if the settings cannot be read.
pub fn due(manifest: &Manifest, now: i64) -> Result<Vec<Condemned>> {
    let retention = manifest.retention()?;
    // Of each kind: how many go before their time.
    let mut early: BTreeMap<usize, usize> = BTreeMap::new();
    for gone in &manifest.condemned {
        if gone.why == Why::Merged {
            *early.entry(most(&gone.key)).or_default() += 1;
        }
    }
    for (most, count) in &mut early {
        *count = count.saturating_sub(*most);
    }
    let ripe = |gone: &&Condemned| {
        let age = now.saturating_sub(gone.time);
        match gone.why {
            Why::Merged => {
                let early = early.entry(most(&gone.key)).or_default();
                let early_one = *early > 0;
                *early = early.saturating_sub(1);
                early_one || age >= MERGED_GRACE.min(retention)
            }
            Why::Dropped | Why::Leftover => age >= retention,
        }
    };
    let ripe: Vec<_> = manifest.condemned.iter().filter(ripe).cloned().collect();
    let named = named(manifest)?;
    // Whoever can write the manifest could name any file here.
    let ours =
        |gone: &Condemned| keys::perishable(&gone.key).is_some_and(|key| !named.contains(&key));
    Ok(ripe.into_iter().filter(ours).collect())
}

/// How many files of this one's kind wait on the list at most, once they were merged.
fn most(key: &str) -> usize {
    if keys::is_log(key) {
        MAX_SEGMENTS
    } else if keys::is_aside(key) {
        MAX_ASIDES
    } else {
        MAX_MERGED
    }
}

/// The keys of packs and of their indexes.
pub(super) fn of_packs(packs: &[PackEntry]) -> Result<BTreeSet<Key>> {
    let mut keys = BTreeSet::new();
    for pack in packs {
        keys.insert(keys::pack(&pack.name)?);
        if pack.index.is_some() {
            keys.insert(keys::index(&pack.name)?);
        }
    }
    Ok(keys)
}

/// The keys that a manifest names itself. (Segments of the log name more: moves files; and so
/// does the list that lies aside.)
pub(super) fn named(manifest: &Manifest) -> Result<BTreeSet<Key>> {
    let mut keys = of_packs(&manifest.packs)?;
    keys.insert(keys::manifest()?);
    if let Some(list) = &manifest.aside {
        keys.insert(keys::aside(&list.id)?);
    }
    if let Some(table) = &manifest.base {
        keys.insert(keys::table(&table.id)?);
    }
    for segment in &manifest.log.segments {
        keys.insert(keys::segment(segment.first, segment.last, &segment.id)?);
    }
    for file in manifest
        .log
        .entries
        .iter()
        .filter_map(|entry| entry.moves_file.as_ref())
    {
        keys.insert(keys::moves(&file.id)?);
    }
    Ok(keys)
}

/// Deletes condemned files; answers the keys that are gone. One request for as many as the
/// store deletes at once. They stand in a manifest that was read from the bucket, so that no writer names
/// them again.
///
/// # Errors
///
/// Those of the store; what was deleted before is gone.
pub(super) async fn delete(store: &dyn Store, due: &[Condemned]) -> Result<Vec<String>> {
    let perishable = due.iter().filter_map(|gone| keys::perishable(&gone.key));
    delete_all(store, &perishable.collect::<Vec<_>>()).await?;
    Ok(due.iter().map(|gone| gone.key.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oid::ObjectFormat;

    fn manifest(condemned: &[(Why, i64)]) -> Manifest {
        let mut manifest = Manifest::new("0".repeat(32), ObjectFormat::Sha1);
        let condemn = |(at, (why, time)): (usize, &(Why, i64))| Condemned {
            key: keys::pack(&format!("{at:040}")).unwrap().to_string(),
            generation: 1,
            time: *time,
            why: *why,
        };
        manifest.condemned = condemned.iter().enumerate().map(condemn).collect();
        manifest
    }

    #[test]
    fn merged_packs_stay_for_an_hour_and_all_else_for_the_retention_time() {
        const DAY: i64 = 86_400;
        let all = [(Why::Merged, 0), (Why::Dropped, 0), (Why::Leftover, 0)];
        let count = |now| due(&manifest(&all), now).unwrap().len();
        assert_eq!((count(3599), count(3600)), (0, 1));
        assert_eq!((count(14 * DAY - 1), count(14 * DAY)), (1, 3));
    }

    #[test]
    fn of_too_many_merged_packs_the_oldest_go_before_their_time() {
        let many = vec![(Why::Merged, 0); MAX_MERGED + 3];
        let keys: Vec<_> = due(&manifest(&many), 1)
            .unwrap()
            .into_iter()
            .map(|gone| gone.key)
            .collect();
        let first = |at: usize| keys::pack(&format!("{at:040}")).unwrap().to_string();
        assert_eq!(keys, [first(0), first(1), first(2)]);
    }

    #[test]
    fn segments_of_the_log_are_counted_by_themselves() {
        let mut both = manifest(&[(Why::Merged, 0); MAX_MERGED]);
        let segment = |at: usize| {
            let at = at as u64 + 1;
            keys::segment(at, at, &"0".repeat(32)).unwrap().to_string()
        };
        for at in 0..MAX_SEGMENTS {
            let mut gone = both.condemned[0].clone();
            gone.key = segment(at);
            both.condemned.push(gone);
        }
        assert_eq!(due(&both, 1).unwrap(), []);
        let mut gone = both.condemned[0].clone();
        gone.key = segment(MAX_SEGMENTS);
        both.condemned.push(gone);
        let due = due(&both, 1).unwrap();
        let keys: Vec<_> = due.into_iter().map(|gone| gone.key).collect();
        assert_eq!(keys, [segment(0)]);
    }

    #[test]
    fn what_is_named_and_what_is_not_ours_is_never_deleted() {
        let mut hostile = manifest(&[(Why::Leftover, 0), (Why::Leftover, 0)]);
        hostile.condemned[0].key = keys::MANIFEST.to_owned();
        let table = crate::format::manifest::TableRef {
            id: "1".repeat(32),
            sha256: "0".repeat(64),
            size: 1,
            count: 1,
        };
        hostile.condemned[1].key = keys::table(&table.id).unwrap().to_string();
        hostile.base = Some(table);
        assert_eq!(due(&hostile, i64::MAX).unwrap(), []);
    }
}
