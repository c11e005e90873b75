//! The push log, all of it: what can be read, and whether it tells how the refs came about.

use super::files::mend;
use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::format::manifest::{LogEntry, Manifest};
use crate::maintenance::{Finding, Severity};
use crate::oid::ObjectId;
use crate::refs::RefName;
use crate::transaction::{Cache, Snapshot, read_log, read_moves};
use crate::transfer::Context;
use std::collections::BTreeMap;

/// How many findings of one kind are told.
const TOLD: usize = 20;

/// The log as far as it can be read.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// Entries that stand in segments, oldest first, each with its moves.
    pub(super) older: Vec<LogEntry>,
    /// Where each ref that is or was there got its newest value, as far as that is told.
    pub(super) moved: BTreeMap<RefName, Moved>,
    /// Whether nothing of it is missing from the first commit on.
    pub(super) whole: bool,
}

/// The newest move of a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moved {
    /// The generation that moved it.
    pub(super) generation: u64,
    /// The value that it has since; `None` if it was deleted.
    pub(super) value: Option<ObjectId>,
}

/// Reads all of it: one GET for each segment and each file of moves.
pub(super) async fn read(
    context: &Context,
    at: &Snapshot,
    findings: &mut Vec<Finding>,
) -> Result<History> {
    // Straight from the bucket: a local copy says nothing about what lies there.
    let (store, cache) = (&*context.store, Cache::default());
    let mut history = History {
        whole: true,
        ..History::default()
    };
    let segments = &at.manifest.log.segments;
    for (place, segment) in segments.iter().enumerate() {
        let key = keys::segment(segment.first, segment.last, &segment.id)?;
        match read_log(store, &cache, at, segments.len() - 1 - place).await {
            Ok(Some(entries)) => {
                let ends = entries.first().zip(entries.last());
                if ends.is_none_or(|(first, last)| {
                    (first.generation, last.generation) != (segment.first, segment.last)
                }) {
                    let reason = "its entries are not those of the generations in its name";
                    findings.push(broken(key.as_str(), reason));
                }
                history.older.extend(entries);
            }
            Ok(None) => {}
            Err(error) => history.lost(key.as_str(), error, findings)?,
        }
    }
    let mut entries = history.older.clone();
    entries.extend(at.manifest.log.entries.iter().cloned());
    for entry in &mut entries {
        match read_moves(store, &cache, entry).await {
            Ok(moves) => entry.moves = moves,
            Err(error) => {
                let key = entry.moves_file.as_ref().map(|file| keys::moves(&file.id));
                let key = key
                    .transpose()?
                    .map_or_else(String::new, |key| key.to_string());
                history.lost(&key, error, findings)?;
            }
        }
    }
    history.whole &= entries.first().is_some_and(|entry| entry.generation == 1);
    history.replay(&entries, findings);
    tail(&at.manifest, findings);
    Ok(history)
}

fn broken(key: &str, reason: impl Into<String>) -> Finding {
    Finding::new(Severity::Error, "log", key, reason).with_mend(mend(key))
}

/// The newest entry is the one of this manifest.
fn tail(manifest: &Manifest, findings: &mut Vec<Finding>) {
    let newest = manifest.log.entries.last();
    if newest.is_none_or(|entry| entry.write_id != manifest.write_id) {
        let reason = "its newest log entry is not the one of the commit that wrote it";
        findings.push(Finding::new(
            Severity::Warning,
            "log",
            keys::MANIFEST,
            reason,
        ));
    }
}

impl History {
    /// A part that cannot be read: what is broken is told, all else ends the check.
    fn lost(&mut self, key: &str, error: Error, findings: &mut Vec<Finding>) -> Result<()> {
        if !matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Missing) {
            return Err(error);
        }
        self.whole = false;
        findings.push(broken(key, error.to_string()));
        Ok(())
    }

    /// Follows every move; each starts where the one before it ended.
    fn replay(&mut self, entries: &[LogEntry], findings: &mut Vec<Finding>) {
        let mut odd = 0;
        for entry in entries {
            for one in &entry.moves {
                let before = self.moved.get(&one.name).copied();
                let was = before.and_then(|moved| moved.value);
                if (self.whole || before.is_some()) && was != one.old {
                    odd += 1;
                    if odd <= TOLD {
                        let reason = format!(
                            "the log says that generation {} moved it from elsewhere than the generation before had left it",
                            entry.generation
                        );
                        findings.push(Finding::new(
                            Severity::Warning,
                            "log",
                            one.name.to_string(),
                            reason,
                        ));
                    }
                }
                let moved = Moved {
                    generation: entry.generation,
                    value: one.new,
                };
                self.moved.insert(one.name.clone(), moved);
            }
        }
    }
}
