//! Packs and indexes installed as they lie in the bucket, checked by their checksums only.

use super::Context;
use super::arrivals::Arrivals;
use super::fetch::Fetched;
use super::join::Checksum;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::format::manifest::PackEntry;
use crate::format::{corrupt, keys};
use crate::local::{Repository, Spool};
use crate::oid::{ObjectFormat, hex};
use crate::progress::Phase;
use crate::store::{Keep, Wanted, download_keeping};
use bytes::Bytes;
use futures_util::{StreamExt, pin_mut};
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Downloads packs with their indexes, and moves them in when both have the checksums that
/// they must have: the pack its name, the index the pack's and its own.
pub(super) async fn take(
    context: &Context,
    repository: &Repository,
    packs: &[&PackEntry],
    arrivals: &Arrivals,
    fetched: &mut Fetched,
) -> Result<()> {
    let spool = Spool::new(repository, &*context.ids)?;
    let mut wanted = Vec::new();
    let mut paths = Vec::new();
    for pack in packs {
        let file = |kind: &str| spool.path().join(format!("pack-{}.{kind}", pack.name));
        wanted.push(Wanted {
            key: keys::pack(&pack.name)?,
            size: pack.size,
        });
        paths.push(file("pack"));
        wanted.push(Wanted {
            key: keys::index(&pack.name)?,
            size: pack.index.unwrap_or(0),
        });
        paths.push(file("idx"));
    }
    context
        .progress
        .begin(Phase::Download, wanted.iter().map(|file| file.size).sum());
    let mut arriving: Option<Arriving> = None;
    {
        let keep = Packs(arrivals);
        let pieces = download_keeping(&*context.store, &wanted, context.limits, &keep);
        pin_mut!(pieces);
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            context
                .progress
                .advance(Phase::Download, piece.bytes.len() as u64);
            let mut file = match arriving.take() {
                Some(file) => file,
                None => Arriving::open(
                    &paths[piece.file],
                    wanted[piece.file].size,
                    repository.format(),
                )?,
            };
            file.write(&piece.bytes)?;
            if file.left > 0 {
                arriving = Some(file);
            } else {
                file.close(&packs[piece.file / 2].name, piece.file % 2 == 1)?;
            }
        }
    }
    context.progress.end(Phase::Download);
    let folder = repository.objects().join("pack");
    for (pack, paths) in packs.iter().zip(paths.chunks_exact(2)) {
        let place = |kind: &str| folder.join(format!("pack-{}.{kind}", pack.name));
        let keep = place("keep");
        std::fs::write(&keep, format!("pail {}\n", std::process::id()))
            .during(|| format!("write {}", keep.display()))?;
        fetched.keeps.push(keep);
        // The index comes last: git takes a pack for present when it finds its index.
        for (from, kind) in paths.iter().zip(["pack", "idx"]) {
            std::fs::rename(from, place(kind))
                .during(|| format!("move {} into the object database", from.display()))?;
        }
    }
    Ok(())
}

/// What is kept of a list in which each pack is followed by its index: the packs.
struct Packs<'a>(&'a Arrivals);

impl Keep for Packs<'_> {
    fn left(&self, file: usize, range: Range<u64>) -> Vec<Bytes> {
        if file.is_multiple_of(2) {
            self.0.left(file / 2, range)
        } else {
            Vec::new()
        }
    }

    fn came(&self, file: usize, at: u64, bytes: &Bytes) {
        if file.is_multiple_of(2) {
            self.0.came(file / 2, at, bytes);
        }
    }
}

/// A file that is being written, and the checksum of what has come.
struct Arriving {
    path: PathBuf,
    file: File,
    format: ObjectFormat,
    sum: Checksum,
    left: u64,
    /// The last bytes: the pack's checksum for a pack, that and its own for an index.
    tail: Vec<u8>,
}

impl Arriving {
    fn open(path: &Path, size: u64, format: ObjectFormat) -> Result<Self> {
        let file = File::create_new(path).during(|| format!("write {}", path.display()))?;
        let sum = Checksum::new(format);
        Ok(Self {
            path: path.to_owned(),
            file,
            format,
            sum,
            left: size,
            tail: Vec::new(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .during(|| format!("write {}", self.path.display()))?;
        // Everything but the file's own checksum goes into the sum.
        let own = self.format.raw_len() as u64;
        let summed = self.left.saturating_sub(own).min(bytes.len() as u64);
        self.sum
            .update(&bytes[..usize::try_from(summed).unwrap_or(bytes.len())]);
        self.left = self.left.saturating_sub(bytes.len() as u64);
        self.tail.extend_from_slice(bytes);
        let excess = self.tail.len().saturating_sub(self.format.raw_len() * 2);
        self.tail.drain(..excess);
        Ok(())
    }

    fn close(self, name: &str, index: bool) -> Result<()> {
        let what = || {
            format!(
                "{} of pack {name}",
                if index { "the index" } else { "the bytes" }
            )
        };
        let own = self.tail.len().saturating_sub(self.format.raw_len());
        let (before, own) = self.tail.split_at(own);
        let pack = if index { before } else { own };
        if self.sum.finish() != own || hex(pack) != name {
            return Err(corrupt(&what(), "the checksum is wrong"));
        }
        self.file.sync_all().map_err(|error| {
            Error::new(
                ErrorKind::Local,
                format!("cannot write {}: {error}", self.path.display()),
            )
            .with_source(error)
        })
    }
}
