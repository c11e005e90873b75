//! Old parts of the push log are forgotten, where the repository says so.

use super::merge::{Merged, commit};
use crate::error::Result;
use crate::format::keys;
use crate::format::manifest::{LogEntry, SegmentRef};
use crate::transaction::{LogRework, Rework, Snapshot, read_log};
use crate::transfer::Context;

/// So many parts go in one commit at most: their keys stand in the manifest for a while.
const MOST: usize = 64;

/// How often it is tried when others push meanwhile.
const MAX_TRIES: u32 = 4;

/// Old parts of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Forgotten {
    /// The parts, oldest first.
    segments: Vec<SegmentRef>,
    /// Their entries.
    entries: Vec<LogEntry>,
}

impl Forgotten {
    /// How many entries are forgotten.
    pub fn entries(&self) -> usize {
        self.entries.len()
    }
}

/// The oldest parts of the log all of whose entries are older than the setting
/// `log-retention`.
///
/// Costs nothing where that is not set; else one GET for each part that is not in the cache,
/// up to the first one that stays.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if a part is gone or wrong; those of the store.
pub async fn forgotten(context: &Context, at: &Snapshot) -> Result<Forgotten> {
    let mut out = Forgotten::default();
    let Some(time) = at.manifest.log_retention()? else {
        return Ok(out);
    };
    let before = context.clock.now().saturating_sub(time);
    let all = &at.manifest.log.segments;
    for (number, segment) in all.iter().enumerate().take(MOST) {
        let back = all.len() - 1 - number;
        let part = read_log(&*context.store, &context.cache, at, back).await?;
        let part = part.unwrap_or_default();
        // The clocks of writers differ: all of its entries must be old.
        if part.iter().any(|entry| entry.time > before) {
            break;
        }
        out.segments.push(segment.clone());
        out.entries.extend(part);
    }
    Ok(out)
}

/// Takes them out of the log, in a commit that raises the epoch; answers how many entries
/// are forgotten. Their files are deleted after the retention time, like what gc drops.
///
/// Costs as [`forgotten`], and one PUT of the manifest.
///
/// # Errors
///
/// As [`forgotten`].
pub async fn forget_log(context: &Context, who: &str) -> Result<usize> {
    for _ in 0..MAX_TRIES {
        let at = Snapshot::read(&*context.store, &context.cache, None).await?;
        let Some(at) = at else { return Ok(0) };
        let old = forgotten(context, &at).await?;
        if old.segments.is_empty() {
            return Ok(0);
        }
        let moves = old
            .entries
            .iter()
            .filter_map(|entry| entry.moves_file.as_ref());
        let moves: Result<Vec<String>> = moves
            .map(|file| Ok(keys::moves(&file.id)?.as_str().to_owned()))
            .collect();
        let rework = Rework {
            only: Some(at.manifest.write_id.clone()),
            // No entry names them any more.
            leftovers: moves?,
            log: Some(LogRework {
                old: old
                    .segments
                    .iter()
                    .map(|segment| segment.id.clone())
                    .collect(),
                new: Vec::new(),
                forgets: true,
            }),
            ..Rework::default()
        };
        if let Merged::Done(_) = commit(context, at, "forget", rework, who.to_owned()).await? {
            return Ok(old.entries());
        }
    }
    // Others push all the time; it has no hurry.
    Ok(0)
}
