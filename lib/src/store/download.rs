//! Files out: many at once, in parallel ranges, delivered in order.

use super::keep::{Keep, KeepNothing};
use super::{Got, Limits, Store, Want};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use std::ops::Range;
use std::time::Duration;

/// How often a range is asked for whose body is cut before [`ENOUGH`] of it has come.
const MAX_TRIES: u32 = 6;

/// So many bytes of a body that is cut are progress.
const ENOUGH: u64 = 64 << 10;

/// Smaller chunks than this are joined, in bytes.
pub const MIN_PIECE: usize = 4 << 10;

/// A file to read, with the size that it is known to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its key.
    pub key: Key,
    /// Its bytes.
    pub size: u64,
}

/// The next piece of one of the files: at least [`MIN_PIECE`] bytes, or all that is left
/// of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which file, by its place in the list.
    pub file: usize,
    /// The bytes.
    pub bytes: Bytes,
}

/// Reads files, one after the other as far as the caller sees, several ranges at a time.
///
/// Costs one GET for each `limits.part` bytes begun of each file. Holds at most
/// `limits.part * limits.parallel` bytes.
///
/// The stream ends with an error of kind [`ErrorKind::Missing`] if a file is not there,
/// [`ErrorKind::Corrupt`] if its size is another one, or those of the store.
pub fn download<'a>(
    store: &'a dyn Store,
    files: &'a [Wanted],
    limits: Limits,
) -> impl Stream<Item = Result<Piece>> + Send + 'a {
    download_keeping(store, files, limits, &KeepNothing)
}

/// As [`download`], without asking for what is kept from an earlier run.
pub fn download_keeping<'a>(
    store: &'a dyn Store,
    files: &'a [Wanted],
    limits: Limits,
    keep: &'a dyn Keep,
) -> impl Stream<Item = Result<Piece>> + Send + 'a {
    let part = limits.part.max(1);
    let jobs = files.iter().enumerate().flat_map(move |(file, wanted)| {
        (0..wanted.size.div_ceil(part))
            .map(move |n| (file, n * part..wanted.size.min((n + 1) * part)))
    });
    let parallel = at_once(files, part, limits.parallel.max(1));
    stream::iter(jobs)
        .map(move |(file, range)| async move {
            let bytes = read_range(store, (file, &files[file]), range, keep).await?;
            Ok::<_, Error>(
                bytes
                    .into_iter()
                    .map(move |bytes| Ok(Piece { file, bytes })),
            )
        })
        .buffered(parallel)
        .map_ok(stream::iter)
        .try_flatten()
}

/// How many ranges to ask for at the same time. Small files do not fill the memory that large
/// ones may take, so it can be more of them, up to eight times as many: as many as fit if each
/// were as large as the largest, or all if they fit together.
fn at_once(files: &[Wanted], part: u64, parallel: usize) -> usize {
    let memory = part.saturating_mul(parallel as u64);
    let sizes = || files.iter().map(|wanted| wanted.size);
    let all = sizes().fold(0, u64::saturating_add);
    let room = if all <= memory {
        files.len()
    } else {
        let largest = sizes().max().unwrap_or(part).clamp(1, part);
        usize::try_from(memory / largest).unwrap_or(1)
    };
    room.clamp(parallel, parallel * 8)
}

/// Reads one file from a place in it on, as [`download`] does.
pub fn download_from<'a>(
    store: &'a dyn Store,
    wanted: &'a Wanted,
    start: u64,
    limits: Limits,
) -> impl Stream<Item = Result<Bytes>> + Send + 'a {
    let part = limits.part.max(1);
    let parts = wanted.size.saturating_sub(start).div_ceil(part);
    let range = move |n| {
        let from = start + n * part;
        from..wanted.size.min(from + part)
    };
    stream::iter((0..parts).map(range))
        .map(move |range| read_range(store, (0, wanted), range, &KeepNothing))
        .buffered(limits.parallel.max(1))
        .map_ok(|bytes| stream::iter(bytes.into_iter().map(Ok)))
        .try_flatten()
}

/// Reads one range whole. Where a body was cut, what is lacking is asked for again.
async fn read_range(
    store: &dyn Store,
    (file, wanted): (usize, &Wanted),
    range: Range<u64>,
    keep: &dyn Keep,
) -> Result<Vec<Bytes>> {
    let mut came = Came::default();
    for chunk in keep.left(file, range.clone()) {
        came.push(chunk);
    }
    if came.len >= range.end - range.start {
        return Ok(came.finish());
    }
    let hear = |at, chunk: &Bytes| keep.came(file, at, chunk);
    let mut tries = 1;
    loop {
        let before = came.len;
        let left = range.start + came.len..range.end;
        let error = match take(store, wanted, left, &mut came, &hear).await {
            Ok(()) => return Ok(came.finish()),
            Err(Stop::For(error)) => return Err(told(error, wanted)),
            Err(Stop::Cut(error)) => error,
        };
        // A line that brings something each time is slow, not broken.
        if came.len - before >= ENOUGH {
            tries = 1;
        } else if tries >= MAX_TRIES {
            return Err(told(error, wanted));
        } else {
            tokio::time::sleep(Duration::from_millis(50 << tries)).await;
            tries += 1;
        }
    }
}

fn told(error: Error, wanted: &Wanted) -> Error {
    error.context(format_args!("cannot download {}", wanted.key))
}

/// Why a range did not come, or not to its end.
enum Stop {
    /// Asking again is no use; where it is, the store has done so.
    For(Error),
    /// The answer began and broke off.
    Cut(Error),
}

/// What has come of a range. The chunks are passed on as they came: joining them would copy
/// every byte once more.
#[derive(Default)]
struct Came {
    whole: Vec<Bytes>,
    small: BytesMut,
    len: u64,
}

impl Came {
    fn push(&mut self, chunk: Bytes) {
        self.len += chunk.len() as u64;
        if self.small.is_empty() && chunk.len() >= MIN_PIECE {
            self.whole.push(chunk);
            return;
        }
        self.small.extend_from_slice(&chunk);
        if self.small.len() >= MIN_PIECE {
            self.whole.push(self.small.split().freeze());
        }
    }

    fn finish(mut self) -> Vec<Bytes> {
        if !self.small.is_empty() {
            self.whole.push(self.small.freeze());
        }
        self.whole
    }
}

/// Asks once for what is lacking, and takes what comes of it.
async fn take(
    store: &dyn Store,
    wanted: &Wanted,
    range: Range<u64>,
    came: &mut Came,
    hear: &(dyn Fn(u64, &Bytes) + Sync),
) -> Result<(), Stop> {
    let end = range.end;
    let mut left = end - range.start;
    let want = if left == wanted.size {
        Want::all()
    } else {
        Want::range(range)
    };
    let body = match store.get(&wanted.key, want).await.map_err(Stop::For)? {
        Got::Found(body) => body,
        Got::Missing | Got::NotModified => {
            let error = Error::new(ErrorKind::Missing, "it is not in the bucket");
            return Err(Stop::For(error));
        }
    };
    if body.info.size != wanted.size {
        let message = format!(
            "it has {} bytes, and {} were expected",
            body.info.size, wanted.size
        );
        return Err(Stop::For(Error::new(ErrorKind::Corrupt, message)));
    }
    let mut bytes = body.bytes;
    while let Some(chunk) = bytes.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == ErrorKind::Unavailable => return Err(Stop::Cut(error)),
            Err(error) => return Err(Stop::For(error)),
        };
        let Some(less) = left.checked_sub(chunk.len() as u64) else {
            let message = "more bytes came than were asked for";
            return Err(Stop::For(Error::new(ErrorKind::Corrupt, message)));
        };
        hear(end - left, &chunk);
        left = less;
        came.push(chunk);
    }
    if left > 0 {
        let message = format!("the answer was cut: {left} bytes are lacking");
        return Err(Stop::Cut(Error::new(ErrorKind::Unavailable, message)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_into_the_memory_together_is_asked_for_at_once() {
        const MIB: u64 = 1 << 20;
        let files = |sizes: &[u64]| -> Vec<Wanted> {
            let key = Key::new("f").unwrap();
            let file = |size: &u64| Wanted {
                key: key.clone(),
                size: *size,
            };
            sizes.iter().map(file).collect()
        };
        let ranges = |sizes: &[u64]| at_once(&files(sizes), 8 * MIB, 4);
        assert_eq!(ranges(&[]), 4);
        assert_eq!(ranges(&[100 * MIB]), 4, "ranges of 8 MiB");
        assert_eq!(ranges(&[1000; 20]), 20);
        assert_eq!(ranges(&[1000; 90]), 32, "eight times four");
        let mut one_large = vec![1000; 24];
        one_large.push(4 * MIB);
        assert_eq!(ranges(&one_large), 25);
        assert_eq!(ranges(&[4 * MIB; 25]), 8, "more would not fit");
    }
}
