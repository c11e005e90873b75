//! The push path: what do they lack, pack it, upload it, commit.

use super::salt::{SaltedPack, salt};
use super::{Context, INDEX_FROM};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{MovesFile, SegmentRef, TableRef};
use crate::format::refs::BaseTable;
use crate::format::{keys, log};
use crate::key::Key;
use crate::local::{PackRequest, Repository, Spool, SpooledPack};
use crate::oid::{ObjectFormat, ObjectId};
use crate::progress::Phase;
use crate::refs::{Outcome, RefEdit, RefName, Refusal};
use crate::store::{FileSource, Source, upload};
use crate::transaction::{
    Applied, Basis, Change, Committed, Committer, HeadChange, NewPack, Snapshot, apply, overflow,
    probe,
};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// How often a pack is made again because gc dropped what it relied on.
const MAX_REMAKES: u32 = 5;

/// What a push asks for.
#[derive(Debug, Clone)]
pub struct PushRequest {
    /// The moves of refs. Their new objects are in the local repository.
    pub edits: Vec<RefEdit>,
    /// Whether one refused edit refuses them all.
    pub atomic: bool,
    /// Whether to stop before the first write.
    pub dry_run: bool,
    /// The branch that HEAD shall name in a new repository, if it is pushed.
    pub prefer_head: Option<RefName>,
    /// Push options, for the log.
    pub options: Vec<String>,
    /// Whether git shows its progress on standard error.
    pub progress: bool,
}

/// Publishes the edits: packs first, the manifest last.
///
/// `at` is the repository as it was when git was told its refs, or `None` if there was none.
/// Answers what became of each edit, in their order.
///
/// Costs one PUT for the manifest and, if objects are new to the bucket, one for their pack
/// and one for its index if the pack is large; large packs go in parts.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if the object formats differ; those of packing, uploading and
/// committing, with no ref moved, except [`ErrorKind::InDoubt`].
pub async fn push(
    context: &Context,
    repository: &Repository,
    at: Option<Snapshot>,
    request: &PushRequest,
) -> Result<Vec<Outcome>> {
    let mut current = at;
    for _ in 0..MAX_REMAKES {
        same_format(current.as_ref(), repository.format())?;
        let gap = Gap::find(repository, current.as_ref(), &request.edits).await?;
        let holes = gap
            .holes(repository, current.as_ref(), &request.edits)
            .await?;
        let (edits, places) = without_holes(request, &holes);
        let mut change = change(context, repository, current.as_ref(), request, edits).await?;
        if request.dry_run {
            return Ok(merge(
                &holes,
                places,
                outcomes_of(apply(current.as_ref(), &change)?, &change.edits),
                request,
            ));
        }
        if let Applied::Nothing(outcomes) = apply(current.as_ref(), &change)? {
            return Ok(merge(&holes, places, outcomes, request));
        }
        if current.is_none() {
            probe(&*context.store, &*context.ids).await?;
        }
        // The spool lives until the commit is through: then its files may go.
        let spool = Spool::new(repository, &*context.ids)?;
        change.pack = gap
            .pack_and_upload(context, repository, &spool, &change.edits, request.progress)
            .await?;
        change.basis = gap.basis(current.as_ref());
        upload_overflow(context, current.as_ref(), &mut change).await?;
        let committer = Committer {
            store: &*context.store,
            cache: &context.cache,
            ids: &*context.ids,
        };
        match committer.commit(current, &change).await? {
            Committed::Done(outcomes, _) => return Ok(merge(&holes, places, outcomes, request)),
            Committed::Remake(newer) => current = newer.map(|newer| *newer),
        }
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "cannot push: gc dropped objects during each of the attempts",
    )
    .with_hint("nothing was changed; push again"))
}

fn same_format(at: Option<&Snapshot>, local: ObjectFormat) -> Result<()> {
    match at.map(|at| at.manifest.object_format) {
        Some(remote) if remote != local => Err(Error::new(
            ErrorKind::Invalid,
            format!("cannot push: this repository names objects by {local}, the one in the bucket by {remote}"),
        )
        .with_hint("the two cannot be mixed; push to another prefix")),
        _ => Ok(()),
    }
}

/// What the bucket has, and what it lacks.
struct Gap {
    wants: Vec<ObjectId>,
    haves: Vec<ObjectId>,
}

impl Gap {
    async fn find(
        repository: &Repository,
        at: Option<&Snapshot>,
        edits: &[RefEdit],
    ) -> Result<Self> {
        let mut known = BTreeSet::new();
        for (_, value) in at.iter().flat_map(|at| at.refs.iter()) {
            known.insert(value.oid);
            known.extend(value.peeled);
        }
        let new: BTreeSet<ObjectId> = edits
            .iter()
            .filter_map(|edit| edit.new)
            .map(|value| value.oid)
            .collect();
        let wants: Vec<_> = new.difference(&known).copied().collect();
        if wants.is_empty() {
            return Ok(Self {
                wants,
                haves: Vec::new(),
            });
        }
        let known: Vec<_> = known.into_iter().collect();
        let present = repository.present(&known).await?;
        let haves = known
            .into_iter()
            .zip(present)
            .filter_map(|(oid, here)| here.then_some(oid))
            .collect();
        Ok(Self { wants, haves })
    }

    /// The edits whose history ends below in a shallow boundary that the bucket does not
    /// continue: to push those would leave a hole.
    ///
    /// A boundary commit among the new ones is harmless if all its true parents are refs of
    /// the bucket: from there on the bucket has everything.
    async fn holes(
        &self,
        repository: &Repository,
        at: Option<&Snapshot>,
        edits: &[RefEdit],
    ) -> Result<Vec<bool>> {
        let mut holes = vec![false; edits.len()];
        let boundary: BTreeSet<_> = repository.shallow_boundary().await?.into_iter().collect();
        if boundary.is_empty() || self.wants.is_empty() {
            return Ok(holes);
        }
        let named: BTreeSet<_> = at
            .iter()
            .flat_map(|at| at.refs.iter())
            .flat_map(|(_, value)| [Some(value.oid), value.peeled])
            .flatten()
            .collect();
        for (hole, edit) in holes.iter_mut().zip(edits) {
            let Some(new) = edit.new.filter(|new| self.wants.contains(&new.oid)) else {
                continue;
            };
            for commit in repository.new_commits(&[new.oid], &self.haves).await? {
                let open = boundary.contains(&commit)
                    && repository
                        .true_parents(commit)
                        .await?
                        .iter()
                        .any(|parent| !named.contains(parent));
                *hole |= open;
            }
        }
        Ok(holes)
    }

    fn basis(&self, at: Option<&Snapshot>) -> Basis {
        Basis {
            at: at.map(|at| (at.manifest.repository.clone(), at.manifest.epoch)),
            haves: self.haves.clone(),
        }
    }

    /// Packs what the bucket lacks for these edits, and uploads it.
    async fn pack_and_upload(
        &self,
        context: &Context,
        repository: &Repository,
        spool: &Spool,
        edits: &[RefEdit],
        progress: bool,
    ) -> Result<Option<NewPack>> {
        let asked = |want: &ObjectId| {
            edits
                .iter()
                .any(|edit| edit.new.is_some_and(|new| new.oid == *want))
        };
        let wants: Vec<_> = self.wants.iter().copied().filter(asked).collect();
        if wants.is_empty() {
            return Ok(None);
        }
        let request = PackRequest {
            wants,
            haves: self.haves.clone(),
            progress,
        };
        let Some(spooled) = repository.pack_objects(&request, spool).await? else {
            return Ok(None);
        };
        let salted = salt(
            spooled.clone(),
            repository.format(),
            std::sync::Arc::clone(&context.ids),
        )
        .await?;
        upload_pack(context, &spooled, &salted).await.map(Some)
    }
}

async fn upload_pack(
    context: &Context,
    spooled: &SpooledPack,
    salted: &SaltedPack,
) -> Result<NewPack> {
    let (store, progress) = (&*context.store, &*context.progress);
    let index = if salted.size() < INDEX_FROM {
        None
    } else {
        let size = std::fs::metadata(&spooled.index).map(|file| file.len());
        let size = size.map_err(|error| {
            Error::new(
                ErrorKind::Local,
                format!("cannot read {}: {error}", spooled.index.display()),
            )
        })?;
        Some(FileSource {
            path: spooled.index.clone(),
            size,
        })
    };
    progress.begin(
        Phase::Upload,
        salted.size() + index.as_ref().map_or(0, |index| index.size),
    );
    let pack_key = keys::pack(&salted.name)?;
    let index_key = keys::index(&salted.name)?;
    let up_index = async {
        match &index {
            Some(index) => upload(store, &index_key, index, context.limits, progress).await,
            None => Ok(()),
        }
    };
    tokio::try_join!(
        upload(store, &pack_key, salted, context.limits, progress),
        up_index
    )?;
    progress.end(Phase::Upload);
    let index = index.map(|index| index.size);
    Ok(NewPack {
        name: salted.name.clone(),
        size: salted.size(),
        index,
        objects: salted.objects,
    })
}

/// The change that this push asks for, without its uploads.
async fn change(
    context: &Context,
    repository: &Repository,
    at: Option<&Snapshot>,
    request: &PushRequest,
    edits: Vec<RefEdit>,
) -> Result<Change> {
    let create = match at {
        Some(at) => at.manifest.repository.clone(),
        None => context.ids.hex()?,
    };
    let head = request
        .prefer_head
        .clone()
        .map_or(HeadChange::Keep, HeadChange::Prefer);
    Ok(Change {
        edits,
        atomic: request.atomic,
        pack: None,
        basis: Basis::default(),
        head,
        table: None,
        segment: None,
        moves_file: None,
        create: (create, repository.format()),
        who: if request.dry_run {
            String::new()
        } else {
            repository.committer().await?
        },
        what: "push".to_owned(),
        time: context.clock.now(),
        options: request.options.clone(),
    })
}

/// Uploads what would make the manifest grow past its bounds: a base ref table, a log
/// segment, the moves of this push.
async fn upload_overflow(
    context: &Context,
    at: Option<&Snapshot>,
    change: &mut Change,
) -> Result<()> {
    let Applied::Next(next, refs, _) = apply(at, change)? else {
        return Ok(());
    };
    let over = overflow(&next)?;
    if over.table {
        let (table, packed) = BaseTable::encode(refs.iter())?;
        let (id, sha256, size) = put(context, keys::table, packed).await?;
        change.table = Some((
            TableRef {
                id,
                sha256,
                size,
                count: table.count(),
            },
            table,
        ));
    }
    if over.moves
        && let Some(entry) = next.log.entries.last()
    {
        let packed = log::encode_moves(&entry.moves)?;
        let (id, sha256, size) = put(context, keys::moves, packed).await?;
        let count = entry.moves.len() as u64;
        change.moves_file = Some((
            MovesFile {
                id,
                sha256,
                size,
                count,
            },
            entry.moves.clone(),
        ));
    }
    if let Some((first, last)) = next.log.entries.first().zip(
        over.segment
            .checked_sub(1)
            .and_then(|last| next.log.entries.get(last)),
    ) {
        let (first, last) = (first.generation, last.generation);
        let packed = log::encode(&next.log.entries[..over.segment])?;
        let (id, sha256, size) = put(context, |id| keys::segment(first, last, id), packed).await?;
        change.segment = Some(SegmentRef {
            id,
            first,
            last,
            sha256,
            size,
        });
    }
    Ok(())
}

/// Writes a small file under a fresh key; answers its id, hash and size.
async fn put(
    context: &Context,
    key: impl FnOnce(&str) -> Result<Key>,
    bytes: Vec<u8>,
) -> Result<(String, String, u64)> {
    let id = context.ids.hex()?;
    let sha256 = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let bytes = Bytes::from(bytes);
    upload(
        &*context.store,
        &key(&id)?,
        &bytes,
        context.limits,
        &crate::progress::Quiet,
    )
    .await?;
    Ok((id, sha256, bytes.size()))
}

/// The edits that can be made, and their places in the request. If one cannot and the push
/// is atomic, none is left.
fn without_holes(request: &PushRequest, holes: &[bool]) -> (Vec<RefEdit>, Vec<usize>) {
    if request.atomic && holes.contains(&true) {
        return (Vec::new(), Vec::new());
    }
    let places: Vec<usize> = (0..request.edits.len()).filter(|at| !holes[*at]).collect();
    (
        places.iter().map(|at| request.edits[*at].clone()).collect(),
        places,
    )
}

/// Puts the outcomes back into the order of the request.
fn merge(
    holes: &[bool],
    places: Vec<usize>,
    outcomes: Vec<Outcome>,
    request: &PushRequest,
) -> Vec<Outcome> {
    let refused = |hole: &bool| {
        Outcome::Refused(if *hole {
            Refusal::Shallow
        } else {
            Refusal::AtomicPushFailed
        })
    };
    let mut all: Vec<_> = holes.iter().map(refused).collect();
    debug_assert_eq!(all.len(), request.edits.len(), "one outcome for each edit");
    for (place, outcome) in places.into_iter().zip(outcomes) {
        all[place] = outcome;
    }
    all
}

/// What would become of the edits, for a dry run.
fn outcomes_of(applied: Applied, edits: &[RefEdit]) -> Vec<Outcome> {
    match applied {
        Applied::Nothing(outcomes) | Applied::Next(_, _, outcomes) => outcomes,
        Applied::Remake => vec![Outcome::Updated; edits.len()],
    }
}
