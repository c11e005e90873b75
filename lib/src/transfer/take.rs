//! Packs in: downloaded, installed by git, and kept until then.

use super::Context;
use super::arrivals::Arrivals;
use super::fetch::{FetchRequest, Fetched, Verify};
use super::join::Join;
use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::format::manifest::{Holds, PackEntry};
use crate::local::{Check, Install, Repository};
use crate::progress::Phase;
use crate::store::{Wanted, download_keeping};
use crate::transaction::Snapshot;
use futures_util::{StreamExt, pin_mut};

/// Pieces that have come and that git has not read yet, beyond the ranges under way.
const PIECES_AHEAD: usize = 16;

/// Packs that are installed together.
struct Batch<'a> {
    packs: Vec<&'a PackEntry>,
    /// As they lie in the bucket, with their indexes.
    as_is: bool,
    /// Whether to ask if they are all that is needed.
    connected: bool,
}

impl<'a> Batch<'a> {
    /// How packs are to be installed, one batch after the other.
    fn all(packs: &[&'a PackEntry], request: &FetchRequest) -> Vec<Self> {
        let batch = |packs: Vec<&'a PackEntry>, as_is, connected| Self {
            packs,
            as_is,
            connected,
        };
        let mut batches = if request.verify == Verify::Checksums {
            let (indexed, other) = packs.iter().copied().partition(|pack| pack.index.is_some());
            vec![batch(indexed, true, false), batch(other, false, false)]
        } else if request.check.joined() {
            // Only a clone has use for it, and only of one pack can it be told.
            let connected = request.cloning && packs.len() == 1;
            vec![batch(packs.to_vec(), false, connected)]
        } else {
            // What a pack links to lies in those before it; blobs come before their trees.
            let connected = request.cloning && packs.len() == 1;
            let mut packs = packs.to_vec();
            packs.sort_by_key(|pack| (pack.to, pack.holds != Holds::Blobs));
            let alone = |pack| batch(vec![pack], false, connected);
            packs.into_iter().map(alone).collect()
        };
        batches.retain(|batch| !batch.packs.is_empty());
        batches
    }
}

/// Downloads packs and lets git install them.
///
/// What a fetch that died had kept of them is not downloaded again. It is thrown away as
/// soon as they are installed, or turn out to be wrong: then they are downloaded anew.
pub(super) async fn take(
    context: &Context,
    repository: &Repository,
    at: &Snapshot,
    packs: &[&PackEntry],
    request: &FetchRequest,
    fetched: &mut Fetched,
) -> Result<()> {
    for batch in Batch::all(packs, request) {
        let arrivals = Arrivals::open(context, at, &batch.packs);
        let first = install(context, repository, at, &batch, request, &arrivals, fetched).await;
        let kind = first.as_ref().err().map(Error::kind);
        match kind {
            None => arrivals.remove(),
            Some(ErrorKind::Corrupt) => {
                let helped = arrivals.helped();
                arrivals.remove();
                if helped {
                    let anew = Arrivals::default();
                    install(context, repository, at, &batch, request, &anew, fetched).await?;
                    continue;
                }
            }
            // The disk may be full: what is kept is no reason for that.
            Some(ErrorKind::Local) => arrivals.remove(),
            Some(_) => {}
        }
        first?;
    }
    Ok(())
}

async fn install(
    context: &Context,
    repository: &Repository,
    at: &Snapshot,
    batch: &Batch<'_>,
    request: &FetchRequest,
    arrivals: &Arrivals,
    fetched: &mut Fetched,
) -> Result<()> {
    if batch.as_is {
        return super::as_is::take(context, repository, &batch.packs, arrivals, fetched).await;
    }
    verified(context, repository, at, batch, request, arrivals, fetched).await
}

/// Lets git install packs as one.
async fn verified(
    context: &Context,
    repository: &Repository,
    at: &Snapshot,
    Batch {
        packs, connected, ..
    }: &Batch<'_>,
    request: &FetchRequest,
    arrivals: &Arrivals,
    fetched: &mut Fetched,
) -> Result<()> {
    let connected = *connected;
    let objects: u64 = packs.iter().map(|pack| pack.objects).sum();
    let wanted: Vec<Wanted> = packs
        .iter()
        .map(|pack| {
            Ok(Wanted {
                key: keys::pack(&pack.name)?,
                size: pack.size,
            })
        })
        .collect::<Result<_>>()?;
    // Packs of two who pushed the same commits at once overlap, and `unpack-objects --strict`
    // dies of an object that comes twice; `index-pack --fsck-objects` does not.
    let overlap = packs.len() > 1 && request.check != Check::Ids;
    let install = Install {
        keep: request.cloning || objects >= request.unpack_limit || overlap,
        check: request.check.clone(),
        connected,
        progress: request.progress,
    };
    let mut join = Join::new(packs, at.manifest.object_format);
    let mut sink = repository.install(install, &*context.ids)?;
    sink.write(&join.open(packs)?).await?;
    context
        .progress
        .begin(Phase::Download, packs.iter().map(|pack| pack.size).sum());
    // The bucket is read on while git works: a few pieces wait between the two.
    let (give, mut take) = tokio::sync::mpsc::channel(PIECES_AHEAD);
    let read = async move {
        let pieces = download_keeping(&*context.store, &wanted, context.limits, arrivals);
        pin_mut!(pieces);
        while let Some(piece) = pieces.next().await {
            // Who no longer listens has an error of its own to tell.
            if give.send(piece?).await.is_err() {
                break;
            }
        }
        Ok::<_, Error>(())
    };
    let feed = async {
        while let Some(piece) = take.recv().await {
            context
                .progress
                .advance(Phase::Download, piece.bytes.len() as u64);
            let out = join.piece(packs[piece.file], piece.bytes)?;
            sink.write(&out).await?;
        }
        Ok::<_, Error>(())
    };
    tokio::try_join!(read, feed)?;
    context.progress.end(Phase::Download);
    sink.write(&join.close()).await?;
    let installed = sink.finish().await?;
    fetched.keeps.extend(installed.keep);
    fetched.connected = installed.connected;
    Ok(())
}
