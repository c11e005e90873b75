//! The fetch path: what do we lack, download it, let git verify it, check that it connects.

use super::Context;
use super::choice::Choice;
use super::plan::Start;
use super::take::take;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::PackEntry;
use crate::local::{Check, Repository};
use crate::oid::ObjectId;
use crate::refs::RefName;
use crate::transaction::{OlderLog, Snapshot};
use futures_util::try_join;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Below so many bytes in all packs together, older parts of the log are not worth a request.
const SMALL: u64 = 1 << 20;

/// How often a fetch plans again because a pack was replaced under it.
const MAX_REPLANS: u32 = 4;

/// How the objects that come are checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Verify {
    /// Every object, by git.
    #[default]
    Objects,
    /// The checksums of packs and indexes; for those who trust the bucket
    /// (`pail.verify=checksum`).
    Checksums,
}

/// What a fetch asks for.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The objects that are wanted, with all that they reach.
    pub wants: BTreeSet<ObjectId>,
    /// Whether the local repository is new and empty.
    pub cloning: bool,
    /// Take everything, whatever is here already.
    pub refetch: bool,
    /// How closely git looks at objects.
    pub check: Check,
    /// How the objects that come are checked.
    pub verify: Verify,
    /// Fewer objects than this are unpacked rather than kept as a pack.
    pub unpack_limit: u64,
    /// Whether the local repository is a partial clone of some remote.
    pub partial: bool,
    /// Whether git shows its progress on standard error.
    pub progress: bool,
}

/// What a fetch brought.
#[derive(Debug, Default)]
pub struct Fetched {
    /// The `.keep` files of the packs that it made, to be removed when the refs are there.
    pub keeps: Vec<PathBuf>,
    /// Whether everything that is wanted is known to be here and complete.
    pub connected: bool,
}

impl Fetched {
    /// Removes the `.keep` files: the refs are there, or will never be.
    pub fn release(&mut self) {
        for keep in self.keeps.drain(..) {
            // One that stays costs disk space at the next gc and nothing else.
            let _ = std::fs::remove_file(keep);
        }
    }
}

/// Brings what is wanted into the local repository. No ref is moved.
///
/// Costs one GET a pack of the cheapest cover, in parallel; large packs come in ranges.
///
/// # Errors
///
/// [`ErrorKind::Missing`] if no ref of the bucket reaches a wanted object;
/// [`ErrorKind::Corrupt`] if a pack is not what the manifest says; those of the store.
pub async fn fetch(
    context: &Context,
    repository: &Repository,
    at: Snapshot,
    request: &FetchRequest,
) -> Result<Fetched> {
    let mut fetched = Fetched::default();
    let brought = climb(context, repository, at, request, &mut fetched).await;
    if brought.is_err() {
        fetched.release();
    }
    brought.map(|()| fetched)
}

/// Takes what the reader seems to lack, and more where that was not enough.
async fn climb(
    context: &Context,
    repository: &Repository,
    mut at: Snapshot,
    request: &FetchRequest,
    fetched: &mut Fetched,
) -> Result<()> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut replans = 0;
    let mut rungs = Rung::ladder(&at, request).into_iter();
    let mut rung = rungs.next();
    let mut choice = Choice::new(&at);
    while let Some(now) = rung {
        let plan = async {
            let start = now.start(context, repository, &at, request, &mut choice);
            let start = start.await?;
            choice.from(context, &at, start).await
        };
        let packs = match plan.await {
            // Maintenance replaced a part of the log under us, or the list aside.
            Err(error) if error.kind() == ErrorKind::Corrupt && replans < MAX_REPLANS => {
                replans += 1;
                again(context, &mut at, &mut choice, error).await?;
                continue;
            }
            packs => packs?,
        };
        let new = |pack: &&PackEntry| !taken.contains(&pack.name);
        let packs: Vec<_> = packs.iter().filter(new).collect();
        match take(context, repository, &at, &packs, request, fetched).await {
            Ok(()) => taken.extend(packs.iter().map(|pack| pack.name.clone())),
            // Maintenance replaced a pack under us: the newest manifest names its successor.
            Err(error) if error.kind() == ErrorKind::Missing && replans < MAX_REPLANS => {
                replans += 1;
                again(context, &mut at, &mut choice, lost(error)).await?;
                continue;
            }
            Err(error) => return Err(error),
        }
        // After everything was taken git's own check has the last word.
        if fetched.connected || now == Rung::Everything {
            return Ok(());
        }
        let here = repository.present(request.wants.clone()).await?;
        let wants: Vec<_> = request.wants.iter().copied().collect();
        if here.len() == wants.len() && repository.connected(&wants, request.partial).await? {
            return Ok(());
        }
        rung = rungs.next();
    }
    let wants: Vec<_> = request.wants.iter().map(ObjectId::to_string).collect();
    Err(Error::new(
        ErrorKind::Missing,
        format!(
            "cannot fetch {}: no ref in the bucket reaches it",
            wants.join(", ")
        ),
    )
    .with_hint("fetch a branch or a tag that holds it"))
}

/// Goes on with the state of the repository now, if it has changed since, or without the list
/// aside. If neither helps, something is lost: the error stands.
async fn again(
    context: &Context,
    at: &mut Snapshot,
    choice: &mut Choice,
    error: Error,
) -> Result<()> {
    let now = Snapshot::read(&*context.store, &context.cache, Some(at)).await?;
    match now.filter(|now| now.manifest.write_id != at.manifest.write_id) {
        Some(now) => {
            *at = now;
            *choice = Choice::new(at);
            Ok(())
        }
        None if choice.give_up(at) => Ok(()),
        None => Err(error),
    }
}

fn lost(error: Error) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{error}; the manifest still names it"))
        .with_hint("a file was removed from the bucket by something else than git-pail; restore it from a backup or push again from a complete clone")
}

/// Whether each of these is the value of a ref.
fn named(at: &Snapshot, wants: &BTreeSet<ObjectId>) -> bool {
    let mut left = wants.clone();
    for (_, value) in at.refs.iter() {
        left.remove(&value.oid);
    }
    left.is_empty()
}

/// How much of the repository the reader is taken to have; each rung less than the one
/// before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rung {
    /// What the wanted refs named when the reader last had that.
    Wanted,
    /// What all refs named when the reader last had that.
    AllRefs,
    /// Nothing.
    Everything,
}

impl Rung {
    /// The rungs to try, one after the other.
    ///
    /// An id that is no ref's value is looked for in what the refs reach, as git's own
    /// servers do; the whole repository is not brought again for it.
    fn ladder(at: &Snapshot, request: &FetchRequest) -> Vec<Self> {
        match (
            named(at, &request.wants),
            request.cloning || request.refetch,
        ) {
            (true, true) => vec![Self::Everything],
            (true, false) => vec![Self::Wanted, Self::AllRefs, Self::Everything],
            (false, _) => vec![Self::AllRefs],
        }
    }

    /// The generation up to which the reader is taken to have everything.
    async fn start(
        self,
        context: &Context,
        repository: &Repository,
        at: &Snapshot,
        request: &FetchRequest,
        choice: &mut Choice,
    ) -> Result<u64> {
        if self == Self::Everything {
            return Ok(0);
        }
        let follow_all = self == Self::AllRefs;
        let followed: BTreeMap<RefName, ObjectId> = at
            .refs
            .iter()
            .map(|(name, value)| (name, value.oid))
            .filter(|(_, oid)| follow_all || request.wants.contains(oid))
            .collect();
        let oids: BTreeSet<_> = followed.values().copied().collect();
        let mut here = repository.present(oids).await?;
        let lacking = followed
            .into_iter()
            .filter(|(_, oid)| !here.contains(oid))
            .map(|(name, _)| name)
            .collect();
        let mut start = Start::new(at.manifest.covered(), lacking);
        let mut entries = at.manifest.log.entries.clone();
        let mut older = OlderLog::new(&*context.store, &context.cache, at);
        loop {
            here.extend(repository.present(start.questions(&entries)).await?);
            start.step(&entries, |oid| here.contains(oid));
            if let Some(found) = start.found() {
                return Ok(found);
            }
            if at.manifest.packs.iter().map(|pack| pack.size).sum::<u64>() <= SMALL {
                return Ok(0);
            }
            // Who is so far behind takes older packs, too: their list costs no round trip now.
            match try_join!(older.next(), choice.look_aside(context, at))? {
                (Some(next), ()) => entries = next,
                (None, ()) => return Ok(0),
            }
        }
    }
}
