//! Step 2 of a push: what the bucket has, and what it lacks.

use crate::error::Result;
use crate::local::{PackRequest, Repository};
use crate::oid::ObjectId;
use crate::refs::{RefEdit, RefValue};
use crate::transaction::{Basis, Snapshot};
use std::collections::BTreeSet;

/// Refs of the bucket that git is told of, at most.
const MAX_HAVES: usize = 20_000;

/// What the bucket has, and what it lacks.
#[derive(Debug)]
pub(super) struct Gap {
    /// New values of refs that the bucket lacks.
    wants: Vec<ObjectId>,
    /// What the refs of the bucket name and the local repository has, too.
    haves: Vec<ObjectId>,
    /// What the bucket must still have at the commit, beyond `haves`: the new values that
    /// are not sent, and the parents below a shallow boundary.
    relied: BTreeSet<ObjectId>,
}

impl Gap {
    /// Compares the new values with the refs of the bucket. One spawn of git, if anything
    /// may have to be sent.
    pub(super) async fn find(
        repository: &Repository,
        at: Option<&Snapshot>,
        edits: &[RefEdit],
    ) -> Result<Self> {
        let new: BTreeSet<ObjectId> = edits
            .iter()
            .filter_map(|edit| edit.new)
            .map(|value| value.oid)
            .collect();
        let relied = named(at, &new);
        let wants: Vec<_> = new.difference(&relied).copied().collect();
        if wants.is_empty() {
            let haves = Vec::new();
            return Ok(Self {
                wants,
                haves,
                relied,
            });
        }
        let here = repository.present(boundary(at, edits)).await?;
        let haves = here.into_iter().collect();
        Ok(Self {
            wants,
            haves,
            relied,
        })
    }

    /// The edits whose history ends below in a shallow boundary that the bucket does not
    /// continue: to push those would leave a hole.
    ///
    /// A boundary commit among the new ones is harmless if all its true parents are refs of
    /// the bucket: from there on the bucket has everything.
    pub(super) async fn holes(
        &mut self,
        repository: &Repository,
        at: Option<&Snapshot>,
        edits: &[RefEdit],
    ) -> Result<Vec<bool>> {
        let mut holes = vec![false; edits.len()];
        let boundary: BTreeSet<_> = repository.shallow_boundary().await?.into_iter().collect();
        if boundary.is_empty() || self.wants.is_empty() {
            return Ok(holes);
        }
        for (hole, edit) in holes.iter_mut().zip(edits) {
            let Some(new) = edit.new.filter(|new| self.wants.contains(&new.oid)) else {
                continue;
            };
            let commits = repository.new_commits(&[new.oid], &self.haves).await?;
            let mut below = BTreeSet::new();
            for commit in commits.iter().filter(|commit| boundary.contains(commit)) {
                below.extend(repository.true_parents(*commit).await?);
            }
            *hole = !below.is_subset(&named(at, &below));
            // What is refused relies on nothing; what it lacks would stop the others.
            if !*hole {
                self.relied.extend(below);
            }
        }
        Ok(holes)
    }

    /// What git is to pack for these edits; `None` if nothing has to be sent.
    pub(super) fn request(&self, edits: &[RefEdit], progress: bool) -> Option<PackRequest> {
        let asked: BTreeSet<_> = edits
            .iter()
            .filter_map(|edit| edit.new)
            .map(|new| new.oid)
            .collect();
        let wants: Vec<_> = self
            .wants
            .iter()
            .copied()
            .filter(|want| asked.contains(want))
            .collect();
        let haves = self.haves.clone();
        (!wants.is_empty()).then_some(PackRequest {
            wants,
            haves,
            progress,
        })
    }

    /// What the change takes for granted.
    pub(super) fn basis(&self, at: Option<&Snapshot>) -> Basis {
        let at = at.map(|at| (at.manifest.repository.clone(), at.manifest.epoch));
        let haves = self.haves.iter().chain(&self.relied).copied().collect();
        Basis { at, haves }
    }
}

/// Which of these the refs of the bucket name, peeled tags included: with all that they
/// reach, the bucket has those (Law 4).
fn named(at: Option<&Snapshot>, asked: &BTreeSet<ObjectId>) -> BTreeSet<ObjectId> {
    let values = at.into_iter().flat_map(|at| at.refs.iter());
    values
        .flat_map(|(_, value)| [Some(value.oid), value.peeled])
        .flatten()
        .filter(|oid| asked.contains(oid))
        .collect()
}

/// What git is told that the bucket has: what the edited refs named, the branches, then the
/// other refs, up to a bound. Fewer make the pack larger at worst, never wrong; a million
/// would cost more than they save.
fn boundary(at: Option<&Snapshot>, edits: &[RefEdit]) -> BTreeSet<ObjectId> {
    let Some(at) = at else {
        return BTreeSet::new();
    };
    let mut first: Vec<RefValue> = edits
        .iter()
        .filter_map(|edit| at.refs.get(&edit.name))
        .collect();
    let mut rest = Vec::new();
    for (name, value) in at.refs.iter() {
        if name.is_branch() && first.len() < MAX_HAVES {
            first.push(value);
        } else if rest.len() < MAX_HAVES {
            rest.push(value);
        }
    }
    first
        .into_iter()
        .chain(rest)
        .take(MAX_HAVES)
        .flat_map(|value| [Some(value.oid), value.peeled])
        .flatten()
        .collect()
}
