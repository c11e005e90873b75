//! Push lines → edits of refs: sources looked up, old values taken from what git was told.

use super::command::PushLine;
use super::options::Options;
use pail::format::settings::is_protected;
use pail::local::Repository;
use pail::refs::{Expected, Outcome, RefEdit, RefName, RefValue, Refusal};
use pail::transaction::Snapshot;
use pail::{ObjectFormat, ObjectId, Result};

/// The edits that can be asked for, and the lines that cannot.
pub(super) struct Asked {
    pub(super) edits: Vec<RefEdit>,
    pub(super) outcomes: Settled,
}

/// What is settled already, line by line; `None` for those that became an edit.
pub(super) struct Settled(Vec<Option<Outcome>>);

impl Settled {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Option<Outcome>> {
        self.0.iter()
    }

    /// Puts what became of the edits into the open places.
    pub(super) fn merge(self, edits: Vec<Outcome>) -> Vec<Outcome> {
        let mut edits = edits.into_iter();
        let lost = || Outcome::Refused(Refusal::Other("no answer for this ref".to_owned()));
        self.0
            .into_iter()
            .map(|settled| settled.or_else(|| edits.next()).unwrap_or_else(lost))
            .collect()
    }
}

impl Asked {
    /// One line was refused and the push is atomic: so are the others.
    pub(super) fn all_refused(self) -> Vec<Outcome> {
        let others = vec![Outcome::Refused(Refusal::AtomicPushFailed); self.edits.len()];
        self.outcomes.merge(others)
    }
}

/// What a name stands for here.
#[derive(Clone, Copy)]
struct Source {
    value: RefValue,
    /// Whether a commit stands at the end, behind tags perhaps.
    commit: bool,
}

/// Reads a batch. Two spawns of git at most, for any number of lines; one more for each
/// protected ref that force or a lease moves.
pub(super) async fn edits(
    local: &Repository,
    told: Option<&Snapshot>,
    batch: &[PushLine],
    options: &Options,
) -> Result<Asked> {
    let lines: Vec<Line<'_>> = batch
        .iter()
        .map(|line| Line::new(local, told, line, options))
        .collect();
    let sources = batch.iter().filter_map(|line| line.source.clone());
    let olds = lines.iter().filter_map(Line::must_advance);
    let names: Vec<Vec<u8>> = sources
        .chain(olds.map(|old| format!("{old}^{{}}").into_bytes()))
        .collect();
    let found = local.look_up(&names).await?;
    // Of a million refs these take memory.
    drop(names);
    let (found, olds) = found.split_at(batch.iter().filter(|line| line.source.is_some()).count());
    let tags = found.iter().flatten().filter(|object| object.kind == "tag");
    let questions: Vec<Vec<u8>> = tags
        .map(|tag| format!("{}^{{}}", tag.oid).into_bytes())
        .collect();
    let mut peeled = local.look_up(&questions).await?.into_iter();
    let mut sources = found.iter().map(|object| {
        let object = object.as_ref()?;
        if object.kind != "tag" {
            return Some(Source {
                value: RefValue::plain(object.oid),
                commit: object.kind == "commit",
            });
        }
        let end = peeled.next()??;
        Some(Source {
            value: RefValue {
                oid: object.oid,
                peeled: Some(end.oid),
            },
            commit: end.kind == "commit",
        })
    });
    let protected = told.map_or_else(|| Ok(Vec::new()), |told| told.manifest.protected())?;
    let mut olds = olds.iter();
    let mut asked = Asked {
        edits: Vec::with_capacity(batch.len()),
        outcomes: Settled(Vec::with_capacity(batch.len())),
    };
    for line in lines {
        let new = line.line.source.as_ref().map(|_| sources.next().flatten());
        let old = line.must_advance().and_then(|_| olds.next());
        let old = old.map(|old| old.as_ref().map(|old| old.kind == "commit"));
        let free = line.must_advance().is_none();
        asked.outcomes.0.push(match line.edit(new, old) {
            Ok(mut edit) => {
                if free && is_protected(&protected, &edit.name) {
                    edit.continues = continues(local, &edit).await?;
                }
                asked.edits.push(edit);
                None
            }
            Err(why) => Some(Outcome::Refused(why)),
        });
    }
    Ok(asked)
}

/// Whether the new value continues the one that is expected, as far as can be told here.
async fn continues(local: &Repository, edit: &RefEdit) -> Result<bool> {
    match (edit.expected, edit.new) {
        (Expected::Exactly(old), Some(new)) if !old.is_null() => {
            local.is_ancestor(old, new.oid).await
        }
        _ => Ok(false),
    }
}

/// One line with what the bucket says about its ref.
struct Line<'a> {
    line: &'a PushLine,
    name: Option<RefName>,
    now: Option<ObjectId>,
    lease: Option<ObjectId>,
    local: ObjectFormat,
}

impl<'a> Line<'a> {
    fn new(
        local: &Repository,
        told: Option<&Snapshot>,
        line: &'a PushLine,
        options: &Options,
    ) -> Self {
        let name = RefName::new(line.destination.clone()).ok();
        let now = told.zip(name.as_ref());
        let now = now.and_then(|(told, name)| told.refs.get(name));
        Self {
            line,
            name,
            now: now.map(|value| value.oid),
            lease: options.leases.get(&line.destination).copied(),
            local: local.format(),
        }
    }

    /// The old value that the new one must continue: there is one, and neither force nor
    /// lease allows more. Where the formats differ the whole push is refused, with that reason.
    fn must_advance(&self) -> Option<ObjectId> {
        let free = self.line.force || self.lease.is_some() || self.line.source.is_none();
        self.now.filter(|old| !free && old.format() == self.local)
    }

    /// `new` is what the source stands for, `old` whether what must be continued is a
    /// commit; inside, `None` for what is not here.
    fn edit(
        self,
        new: Option<Option<Source>>,
        old: Option<Option<bool>>,
    ) -> Result<RefEdit, Refusal> {
        // What neither force nor lease frees was found by git to be a fast-forward.
        let continues = self.must_advance().is_some();
        let name = self
            .name
            .ok_or_else(|| Refusal::Other("funny refname".to_owned()))?;
        let new = match new {
            None => None,
            Some(Some(source)) => Some(source),
            Some(None) => {
                return Err(Refusal::Other(
                    "the object to push is missing or broken".to_owned(),
                ));
            }
        };
        if let (Some(new), Some(old)) = (new, old)
            && Some(new.value.oid) != self.now
        {
            // Git refuses what it sees to be no fast-forward before it asks us, and leaves to
            // us what it cannot see: without these, another's commits would be thrown away.
            if name.as_bytes().starts_with(b"refs/tags/") {
                return Err(Refusal::AlreadyExists);
            }
            match old {
                None => return Err(Refusal::FetchFirst),
                Some(commit) if !commit || !new.commit => return Err(Refusal::NeedsForce),
                Some(_) => {}
            }
        }
        if name.is_branch() && new.is_some_and(|new| !new.commit || new.value.peeled.is_some()) {
            // As receive-pack refuses it: a branch must name a commit.
            return Err(Refusal::Other(
                "cannot update a branch with an object that is no commit".to_owned(),
            ));
        }
        let (expected, leased) = match self.lease {
            Some(oid) if oid.is_null() => (Expected::Absent, true),
            Some(oid) => (Expected::Exactly(oid), true),
            // A force, too, replaces what the user was shown and nothing newer.
            None => (self.now.map_or(Expected::Absent, Expected::Exactly), false),
        };
        Ok(RefEdit {
            name,
            new: new.map(|new| new.value),
            expected,
            leased,
            continues,
        })
    }
}
