//! Push lines → edits of refs: sources looked up, old values taken from what git was told.

use super::command::PushLine;
use super::options::Options;
use super::reply::is_absent;
use pail::Result;
use pail::local::Repository;
use pail::refs::{Expected, Outcome, RefEdit, RefName, RefValue, Refusal};
use pail::transaction::Snapshot;

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

/// Reads a batch. Two spawns of git at most, for any number of lines.
pub(super) async fn edits(
    local: &Repository,
    told: Option<&Snapshot>,
    batch: &[PushLine],
    options: &Options,
) -> Result<Asked> {
    let sources: Vec<Vec<u8>> = batch
        .iter()
        .filter_map(|line| line.source.clone())
        .collect();
    let found = local.look_up(&sources).await?;
    let tags = found.iter().flatten().filter(|object| object.kind == "tag");
    let questions: Vec<Vec<u8>> = tags
        .map(|tag| format!("{}^{{}}", tag.oid).into_bytes())
        .collect();
    let mut peeled = local.look_up(&questions).await?.into_iter();
    let mut values = found.into_iter().map(|object| {
        let object = object?;
        let peeled = if object.kind == "tag" {
            Some(peeled.next()??.oid)
        } else {
            None
        };
        Some(RefValue {
            oid: object.oid,
            peeled,
        })
    });
    let mut asked = Asked {
        edits: Vec::new(),
        outcomes: Settled(Vec::new()),
    };
    for line in batch {
        let new = line.source.as_ref().map(|_| values.next().flatten());
        asked.outcomes.0.push(match edit(told, line, new, options) {
            Ok(edit) => {
                asked.edits.push(edit);
                None
            }
            Err(why) => Some(Outcome::Refused(why)),
        });
    }
    Ok(asked)
}

fn edit(
    told: Option<&Snapshot>,
    line: &PushLine,
    new: Option<Option<RefValue>>,
    options: &Options,
) -> Result<RefEdit, Refusal> {
    let name = RefName::new(line.destination.clone())
        .map_err(|_| Refusal::Other("funny refname".to_owned()))?;
    let new = match new {
        None => None,
        Some(Some(value)) => Some(value),
        Some(None) => {
            return Err(Refusal::Other(
                "the object to push is missing or broken".to_owned(),
            ));
        }
    };
    let now = told
        .and_then(|told| told.refs.get(&name))
        .map(|value| value.oid);
    if name.is_branch() && new.is_some_and(|new| new.peeled.is_some()) {
        // As receive-pack refuses it: a branch must name a commit.
        return Err(Refusal::Other(
            "cannot update a branch with an object that is no commit".to_owned(),
        ));
    }
    let (expected, leased) = match options.leases.get(&line.destination) {
        Some(oid) if is_absent(oid) => (Expected::Absent, true),
        Some(oid) => (Expected::Exactly(*oid), true),
        // A force, too, replaces what the user was shown and nothing newer.
        None => (now.map_or(Expected::Absent, Expected::Exactly), false),
    };
    Ok(RefEdit {
        name,
        new,
        expected,
        leased,
    })
}
