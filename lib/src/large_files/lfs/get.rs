//! An object out.

use super::folder::{Folder, Landing};
use super::object::Object;
use super::sum::Sum;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::progress::{Phase, Progress};
use crate::store::{Limits, Store, Wanted, download_keeping};
use bytes::Bytes;
use futures_util::{StreamExt, pin_mut};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

/// Pieces that have come and are not written yet, beyond the ranges under way.
const PIECES_AHEAD: usize = 16;

/// Objects of more bytes than this are hashed and written by a thread of their own.
const APART: u64 = 1 << 20;

/// Downloads an object into a file of its own in `folder`, whose owner the caller becomes.
///
/// Costs one GET for each `limits.part` bytes begun; none for the empty object, which there
/// is but one of. What has come of a large one that was cut off does not come again.
///
/// # Errors
///
/// [`ErrorKind::Missing`] if it is not in the bucket; [`ErrorKind::Corrupt`] if what lies
/// there is something else; [`ErrorKind::Local`] if the file cannot be written. Those of the
/// store.
pub async fn get(
    store: &dyn Store,
    object: &Object,
    limits: Limits,
    progress: &dyn Progress,
    folder: &Folder,
) -> Result<PathBuf> {
    progress.begin(Phase::Download, object.size);
    let landing = folder.landing(object, limits)?;
    let helped = landing.kept() > 0;
    let got = match bring(store, object, limits, progress, landing).await {
        // What was kept may be what is wrong.
        Err(error) if error.kind() == ErrorKind::Corrupt && helped => {
            let landing = folder.landing(object, limits)?;
            bring(store, object, limits, progress, landing).await
        }
        got => got,
    };
    progress.end(Phase::Download);
    got
}

/// Downloads what is lacking and judges the whole.
async fn bring(
    store: &dyn Store,
    object: &Object,
    limits: Limits,
    progress: &dyn Progress,
    landing: Landing,
) -> Result<PathBuf> {
    let wanted = [Wanted {
        key: object.oid.key()?,
        size: object.size,
    }];
    let written = {
        let keep = landing.keep();
        let pieces = download_keeping(store, &wanted, limits, &keep);
        pin_mut!(pieces);
        let mut sink = Sink::new(&landing, object.size).during(|| landing.act())?;
        let mut failed = None;
        while let Some(piece) = pieces.next().await {
            let bytes = match piece {
                Ok(piece) => piece.bytes,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            progress.advance(Phase::Download, bytes.len() as u64);
            if !sink.take(bytes).await {
                break;
            }
        }
        let sum = sink.finish().await.during(|| landing.act());
        match failed {
            Some(error) => Err(error),
            None => sum,
        }
    };
    let sum = match written {
        Ok(sum) => sum,
        Err(error) => {
            let passes = [
                ErrorKind::Unavailable,
                ErrorKind::Denied,
                ErrorKind::Archived,
            ];
            if !passes.contains(&error.kind()) {
                landing.throw_away();
            }
            return Err(error);
        }
    };
    if let Err(why) = sum.judge(object) {
        landing.throw_away();
        let place = store.describe();
        let message = format!("lfs/{} in {place} is not the object: {why}", object.oid);
        return Err(Error::new(ErrorKind::Corrupt, message).with_hint(
            "remove that file from the bucket; then `git lfs push --object-id` from a clone that has the object brings it back",
        ));
    }
    landing.hand_over()
}

/// What writes and hashes: here, or in a thread of its own.
enum Sink {
    Here(Writer),
    Apart {
        pieces: tokio::sync::mpsc::Sender<Bytes>,
        writer: tokio::task::JoinHandle<io::Result<Sum>>,
    },
}

/// Writes from the start on, over what is in the file already: what was hashed is what was
/// written.
struct Writer {
    file: File,
    sum: Sum,
    failed: io::Result<()>,
}

impl Writer {
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.failed = self.file.write_all(bytes);
        self.sum.add(bytes);
        self.failed.is_ok()
    }

    fn finish(self) -> io::Result<Sum> {
        self.failed.map(|()| self.sum)
    }
}

impl Sink {
    fn new(landing: &Landing, size: u64) -> io::Result<Self> {
        let mut writer = Writer {
            file: landing.writer()?,
            sum: Sum::default(),
            failed: Ok(()),
        };
        if size <= APART {
            return Ok(Self::Here(writer));
        }
        let (pieces, mut come) = tokio::sync::mpsc::channel::<Bytes>(PIECES_AHEAD);
        let writer = tokio::task::spawn_blocking(move || {
            while let Some(bytes) = come.blocking_recv() {
                if !writer.take(&bytes) {
                    break;
                }
            }
            writer.finish()
        });
        Ok(Self::Apart { pieces, writer })
    }

    /// Takes the next bytes; `false` if the disk refused some.
    async fn take(&mut self, bytes: Bytes) -> bool {
        match self {
            Self::Here(writer) => writer.take(&bytes),
            Self::Apart { pieces, .. } => pieces.send(bytes).await.is_ok(),
        }
    }

    async fn finish(self) -> io::Result<Sum> {
        match self {
            Self::Here(writer) => writer.finish(),
            Self::Apart { pieces, writer } => {
                drop(pieces);
                writer.await.map_err(io::Error::other).flatten()
            }
        }
    }
}
