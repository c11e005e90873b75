//! Pure: these edits on that manifest, or which of them are stale.

use super::rework::{self, Rework};
use super::snapshot::Snapshot;
use super::uploads;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{
    Holds, LEASE, LOG_TAIL, LogEntry, MAX_INLINE_MOVES, MAX_INLINE_REFS, MAX_LOG_TAIL, MovesFile,
    PackEntry, PackSource, RefMove, SegmentRef, TableRef, updates_len,
};
use crate::format::refs::{BaseTable, RefTable};
use crate::format::settings::{OVERRIDE_PROTECTION, SettingEdit, is_protected};
use crate::format::{Manifest, log};
use crate::oid::{ObjectFormat, ObjectId};
use crate::refs::{Outcome, RefEdit, RefName, Refusal};
use serde_json::Map;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one push, or one command, changes. It can be laid over any newer manifest.
#[derive(Debug, Clone)]
pub struct Change {
    /// The moves of refs that are asked for.
    pub edits: Arc<[RefEdit]>,
    /// Whether one refused edit refuses them all.
    pub atomic: bool,
    /// The pack that was uploaded for them.
    pub pack: Option<NewPack>,
    /// What that pack was made against.
    pub basis: Basis,
    /// What happens to HEAD.
    pub head: HeadChange,
    /// Whether the repository to make, where there is none, needs the lease.
    pub lease: bool,
    /// What happens to the settings.
    pub settings: Vec<SettingEdit>,
    /// A base ref table that was uploaded beside the pack.
    pub table: Option<(TableRef, BaseTable)>,
    /// A log segment that was uploaded beside the pack.
    pub segment: Option<SegmentRef>,
    /// A file with the moves of this change, if they are many, and the moves in it.
    pub moves_file: Option<(MovesFile, Vec<RefMove>)>,
    /// The repository to make, where there is none: its id and object format.
    pub create: (String, ObjectFormat),
    /// Who, for the log.
    pub who: String,
    /// What it is, for the log: `push`, `set-head`, `init` …
    pub what: String,
    /// When, in seconds since 1970, for the log.
    pub time: i64,
    /// Push options, for the log. `override-protection` among them moves protected refs, too.
    pub options: Vec<String>,
    /// What maintenance does to packs and files; it moves no ref.
    pub rework: Option<Rework>,
}

impl Change {
    /// A change that moves nothing yet: what it is, who asks for it and when, and the
    /// repository to make where there is none.
    pub fn new(what: &str, who: String, time: i64, create: (String, ObjectFormat)) -> Self {
        Self {
            edits: Arc::default(),
            atomic: false,
            pack: None,
            basis: Basis::default(),
            head: HeadChange::Keep,
            lease: false,
            settings: Vec::new(),
            table: None,
            segment: None,
            moves_file: None,
            create,
            who,
            what: what.to_owned(),
            time,
            options: Vec::new(),
            rework: None,
        }
    }
}

/// A pack that lies in the bucket and that no manifest names yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPack {
    /// Its name.
    pub name: String,
    /// Bytes of the pack.
    pub size: u64,
    /// Bytes of the index, if one was stored.
    pub index: Option<u64>,
    /// How many objects it holds.
    pub objects: u64,
}

/// What a change takes for granted because the bucket has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Basis {
    /// The repository, and its epoch; `None` before the first push.
    pub at: Option<(String, u64)>,
    /// The objects from which on everything was left out, and those that refs are moved to
    /// without being sent. Each was the value of a ref, or what a tag peels to.
    pub haves: Vec<ObjectId>,
}

/// What happens to HEAD.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HeadChange {
    /// Nothing, unless there is none yet: then the first branch that is pushed, this one
    /// preferred.
    #[default]
    Keep,
    /// As `Keep`, with the branch that is preferred.
    Prefer(RefName),
    /// HEAD shall name this branch.
    Set(RefName),
}

/// What a change makes of a manifest.
#[derive(Debug)]
pub enum Applied {
    /// There is nothing to write; this became of the edits.
    Nothing(Vec<Outcome>),
    /// Objects that the pack relies on may be gone from the bucket: make it again.
    Remake,
    /// The next manifest, without a write id, its refs, and what became of the edits.
    Next(Box<Manifest>, RefTable, Vec<Outcome>),
}

/// Lays a change over a manifest; over none, it makes the repository.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if the log cannot be encoded, or the settings cannot be read.
pub fn apply(current: Option<&Snapshot>, change: &Change) -> Result<Applied> {
    same_format(current, change)?;
    if !basis_holds(current, &change.basis) {
        return Ok(Applied::Remake);
    }
    if uploads::condemned(current, change)? {
        return Ok(Applied::Remake);
    }
    if let Some(rework) = &change.rework {
        return rework::apply(current, change, rework);
    }
    if current.is_some() && change.what == "init" {
        return Ok(Applied::Nothing(Vec::new()));
    }
    let empty = RefTable::default();
    let old_refs = current.map_or(&empty, |current| &current.refs);
    let overridden = change.options.iter().any(|one| one == OVERRIDE_PROTECTION);
    let protected = match current {
        Some(current) if !overridden => current.manifest.protected()?,
        _ => Vec::new(),
    };
    let (mut refs, outcomes, moves) =
        apply_edits(old_refs, &change.edits, change.atomic, &protected);
    let mut next = match current {
        Some(current) => current.manifest.clone(),
        None => {
            let mut made = Manifest::new(change.create.0.clone(), change.create.1);
            made.requires.extend(change.lease.then(|| LEASE.to_owned()));
            made
        }
    };
    let head_before = next.head.clone();
    next.head = head(next.head, &change.head, &refs, &moves);
    let mut set = false;
    for edit in &change.settings {
        set |= next.change_setting(edit)?;
    }
    let init = current.is_none() && change.what != "push";
    if moves.is_empty() && next.head == head_before && !set && !init {
        return Ok(Applied::Nothing(outcomes));
    }
    next.generation += 1;
    if let Some(pack) = change.pack.as_ref().filter(|_| !moves.is_empty()) {
        let entry = pack_entry(pack, &next);
        next.packs.push(entry);
    }
    next.base = choose_base(next.base.take(), &mut refs, change);
    next.updates = refs.updates.clone();
    log_it(&mut next, change, moves);
    Ok(Applied::Next(Box::new(next), refs, outcomes))
}

/// Adds the entry of this change to the log, and lets older ones go into its segment.
pub(super) fn log_it(next: &mut Manifest, change: &Change, moves: Vec<RefMove>) {
    take_segment(next, change.segment.as_ref());
    let inline = change
        .moves_file
        .as_ref()
        .is_none_or(|(_, filed)| *filed != moves);
    next.log.entries.push(LogEntry {
        generation: next.generation,
        time: change.time,
        who: change.who.clone(),
        what: change.what.clone(),
        write_id: String::new(),
        moves: if inline { moves } else { Vec::new() },
        moves_file: change
            .moves_file
            .as_ref()
            .filter(|_| !inline)
            .map(|(file, _)| file.clone()),
        options: change.options.clone(),
        unknown: Map::new(),
    });
}

/// Refuses objects named by one hash in a repository of the other, also where another
/// writer made the repository meanwhile.
fn same_format(current: Option<&Snapshot>, change: &Change) -> Result<()> {
    let remote = current.map(|current| current.manifest.object_format);
    let mut new = change.edits.iter().filter_map(|edit| edit.new);
    let other = new.find(|value| remote.is_some_and(|remote| value.oid.format() != remote));
    let (Some(remote), Some(local)) = (remote, other.map(|value| value.oid.format())) else {
        return Ok(());
    };
    let message = format!(
        "cannot push: this repository names objects by {local}, the one in the bucket by {remote}"
    );
    Err(Error::new(ErrorKind::Invalid, message)
        .with_hint("the two cannot be mixed; push to another prefix"))
}

/// Whether everything that the change takes for granted is still in the bucket.
///
/// Within one epoch nothing is ever dropped. After it grew, what the refs still name is
/// there, and so is all that is reachable from it (Law 4).
fn basis_holds(current: Option<&Snapshot>, basis: &Basis) -> bool {
    let Some(current) = current else {
        return basis.haves.is_empty();
    };
    let manifest = &current.manifest;
    match &basis.at {
        Some((repository, epoch))
            if *repository == manifest.repository && *epoch == manifest.epoch =>
        {
            true
        }
        _ => {
            let values = current.refs.iter().map(|(_, value)| value);
            let named: BTreeSet<ObjectId> = values
                .flat_map(|value| [Some(value.oid), value.peeled])
                .flatten()
                .collect();
            basis.haves.iter().all(|have| named.contains(have))
        }
    }
}

/// Moves the refs: deletions first, so that `a` can give way to `a/b`.
fn apply_edits(
    old: &RefTable,
    edits: &[RefEdit],
    atomic: bool,
    protected: &[&str],
) -> (RefTable, Vec<Outcome>, Vec<RefMove>) {
    let mut refs = old.clone();
    let mut outcomes = vec![Outcome::UpToDate; edits.len()];
    let mut moves = Vec::new();
    let order = (0..edits.len()).filter(|at| edits[*at].new.is_none());
    let order = order.chain((0..edits.len()).filter(|at| edits[*at].new.is_some()));
    for at in order {
        let edit = &edits[at];
        let now = refs.get(&edit.name);
        outcomes[at] = judge(&refs, edit, now.map(|value| value.oid));
        if outcomes[at] == Outcome::Updated
            && let Some(why) = protection(edit, now.is_some(), protected)
        {
            outcomes[at] = Outcome::Refused(why);
        }
        if outcomes[at] == Outcome::Updated {
            refs.updates.insert(edit.name.clone(), edit.new);
            if edit.new.is_none() && refs.base.get(edit.name.as_bytes()).is_none() {
                refs.updates.remove(&edit.name);
            }
            let ids = (now.map(|value| value.oid), edit.new.map(|value| value.oid));
            moves.push(RefMove {
                name: edit.name.clone(),
                old: ids.0,
                new: ids.1,
            });
        }
    }
    if atomic
        && outcomes
            .iter()
            .any(|outcome| matches!(outcome, Outcome::Refused(_)))
    {
        for outcome in outcomes
            .iter_mut()
            .filter(|outcome| !matches!(outcome, Outcome::Refused(_)))
        {
            *outcome = Outcome::Refused(Refusal::AtomicPushFailed);
        }
        return (old.clone(), outcomes, Vec::new());
    }
    (refs, outcomes, moves)
}

/// Why a protected ref is left as it is: it may be made and may advance, nothing else.
fn protection(edit: &RefEdit, exists: bool, protected: &[&str]) -> Option<Refusal> {
    let deletion = edit.new.is_none();
    let allowed = !deletion && (!exists || edit.continues);
    (!allowed && is_protected(protected, &edit.name)).then_some(Refusal::Protected { deletion })
}

fn judge(refs: &RefTable, edit: &RefEdit, now: Option<ObjectId>) -> Outcome {
    if now == edit.new.map(|value| value.oid) {
        // Two who push the same value agree, whatever each of them saw before.
        return if edit.leased && !edit.expected.fits(now) {
            Outcome::Refused(Refusal::StaleInfo)
        } else {
            Outcome::UpToDate
        };
    }
    if !edit.expected.fits(now) {
        return Outcome::Refused(
            match (
                edit.leased,
                edit.name.as_bytes().starts_with(b"refs/tags/"),
                now,
            ) {
                (true, _, _) => Refusal::StaleInfo,
                (false, true, Some(_)) => Refusal::AlreadyExists,
                _ => Refusal::FetchFirst,
            },
        );
    }
    if now.is_none()
        && let Some(other) = refs.conflict(&edit.name)
    {
        let (exists, create) = (other.to_string(), edit.name.to_string());
        return Outcome::Refused(Refusal::Conflict { exists, create });
    }
    Outcome::Updated
}

fn head(
    now: Option<RefName>,
    change: &HeadChange,
    refs: &RefTable,
    moves: &[RefMove],
) -> Option<RefName> {
    let exists = |name: &RefName| refs.get(name).is_some();
    let prefer = match change {
        HeadChange::Set(name) => return Some(name.clone()),
        HeadChange::Prefer(name) => Some(name),
        HeadChange::Keep => None,
    };
    let just_deleted = |name: &RefName| {
        moves
            .iter()
            .any(|one| one.name == *name && one.new.is_none())
    };
    match now {
        Some(now) if !just_deleted(&now) => Some(now),
        // The branch that HEAD names went: it moves to the preferred one if that is there,
        // as when a mirror renames its default branch, and dangles otherwise, as git's would.
        Some(now) => Some(prefer.filter(|name| exists(name)).cloned().unwrap_or(now)),
        None => {
            let made = || {
                moves
                    .iter()
                    .filter(|one| one.new.is_some() && one.name.is_branch())
                    .map(|one| &one.name)
            };
            let usual = || {
                [&b"refs/heads/main"[..], b"refs/heads/master"]
                    .into_iter()
                    .find_map(|usual| made().find(|name| name.as_bytes() == usual))
            };
            prefer
                .filter(|name| exists(name))
                .or_else(usual)
                .or_else(|| made().min())
                .cloned()
        }
    }
}

/// The pack covers all generations since the last one that brought objects.
fn pack_entry(pack: &NewPack, next: &Manifest) -> PackEntry {
    PackEntry {
        name: pack.name.clone(),
        size: pack.size,
        index: pack.index,
        objects: pack.objects,
        from: next.covered(),
        to: next.generation,
        holds: Holds::All,
        source: PackSource::Push,
        unknown: Map::new(),
    }
}

/// Lays the refs over the new base table, if that leaves less inline than the old one.
fn choose_base(old: Option<TableRef>, refs: &mut RefTable, change: &Change) -> Option<TableRef> {
    let Some((table, base)) = &change.table else {
        return old;
    };
    let updates = refs.updates_over(base);
    if updates_len(&updates) >= updates_len(&refs.updates) {
        return old;
    }
    refs.base = base.clone();
    refs.updates = updates;
    Some(table.clone())
}

/// Drops the entries that stand in the segment, if they all still stand in the tail.
fn take_segment(next: &mut Manifest, segment: Option<&SegmentRef>) {
    let Some(segment) = segment else { return };
    let entries = &next.log.entries;
    let fits = entries
        .first()
        .is_some_and(|entry| entry.generation == segment.first);
    let end = entries
        .iter()
        .position(|entry| entry.generation == segment.last);
    if let (true, Some(end)) = (fits, end) {
        next.log.entries.drain(..=end);
        next.log.segments.push(segment.clone());
    }
}

/// What has grown past its bound in a manifest that is about to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overflow {
    /// The inline refs: a new base table should be uploaded.
    pub table: bool,
    /// So many of the oldest log entries should become a segment.
    pub segment: usize,
    /// The moves of the newest entry should go into a file.
    pub moves: bool,
}

/// Finds it out for a manifest that this change makes. The newest entry never goes into a
/// segment: its generation may change.
///
/// # Errors
///
/// [`crate::ErrorKind::Corrupt`] if the log cannot be encoded.
pub fn overflow(next: &Manifest, change: &Change) -> Result<Overflow> {
    let Some((newest, older)) = next.log.entries.split_last() else {
        return Ok(Overflow::default());
    };
    let mut lengths = Vec::with_capacity(older.len());
    for entry in older {
        lengths.push(log::entry_len(entry)?);
    }
    let total: usize = lengths.iter().sum();
    // Where a push has to do it, the next ones shall not have to; merges come often.
    let (most, stays) = match &change.rework {
        Some(rework) if !rework.new.is_empty() => (LOG_TAIL, LOG_TAIL / 4 * 3),
        _ => (MAX_LOG_TAIL, MAX_LOG_TAIL / 4),
    };
    let mut left = total;
    let fits = |left: usize| total <= most || left <= stays;
    let segment = lengths
        .iter()
        .take_while(|len| {
            let stop = fits(left);
            left -= **len;
            !stop
        })
        .count();
    Ok(Overflow {
        table: updates_len(&next.updates) > MAX_INLINE_REFS,
        segment,
        moves: newest.moves_file.is_none() && is_long(newest)?,
    })
}

/// Whether the moves of an entry go into a file. Of a million it need not be written to be
/// known.
fn is_long(entry: &LogEntry) -> Result<bool> {
    /// Bytes of a move at least: brackets, commas, quotes, an id.
    const LEAST: usize = 50;
    let surely = entry.moves.len() > MAX_INLINE_MOVES / LEAST;
    Ok(surely || log::entry_len(entry)? > MAX_INLINE_MOVES)
}

#[cfg(test)]
mod tests;
