//! Files out: many at once, in parallel ranges, delivered in order.

use super::{Got, Limits, Store, Want};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use std::ops::Range;
use std::time::Duration;

/// How often a range whose body was cut is asked for again.
const MAX_TRIES: u32 = 6;

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
    let part = limits.part.max(1);
    let jobs = files.iter().enumerate().flat_map(move |(file, wanted)| {
        (0..wanted.size.div_ceil(part))
            .map(move |n| (file, n * part..wanted.size.min((n + 1) * part)))
    });
    // Small files do not fill the memory that large ones may take: more of them at once.
    let largest = files
        .iter()
        .map(|wanted| wanted.size.min(part))
        .max()
        .unwrap_or(part)
        .max(1);
    let room = usize::try_from(part * limits.parallel as u64 / largest).unwrap_or(1);
    let parallel = room.clamp(limits.parallel.max(1), limits.parallel.max(1) * 4);
    stream::iter(jobs)
        .map(move |(file, range)| async move {
            let bytes = read_range(store, &files[file], range).await?;
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

/// Reads one range whole, again and again where its body was cut.
async fn read_range(store: &dyn Store, wanted: &Wanted, range: Range<u64>) -> Result<Vec<Bytes>> {
    let mut tries = 1;
    loop {
        match try_range(store, wanted, range.clone()).await {
            Err(error) if error.kind() == ErrorKind::Unavailable && tries < MAX_TRIES => {
                tokio::time::sleep(Duration::from_millis(50 << tries)).await;
                tries += 1;
            }
            Err(error) => return Err(error.context(format_args!("cannot download {}", wanted.key))),
            done => return done,
        }
    }
}

async fn try_range(store: &dyn Store, wanted: &Wanted, range: Range<u64>) -> Result<Vec<Bytes>> {
    let len = range.end - range.start;
    let want = if len == wanted.size {
        Want::all()
    } else {
        Want::range(range)
    };
    let body = match store.get(&wanted.key, want).await? {
        Got::Found(body) => body,
        Got::Missing | Got::NotModified => {
            return Err(Error::new(ErrorKind::Missing, "it is not in the bucket"));
        }
    };
    if body.info.size != wanted.size {
        let message = format!(
            "it has {} bytes, the manifest says {}",
            body.info.size, wanted.size
        );
        return Err(Error::new(ErrorKind::Corrupt, message));
    }
    // The chunks are passed on as they came: joining them would copy every byte once more.
    let mut out: Vec<Bytes> = Vec::new();
    let mut small = BytesMut::new();
    let mut came = 0;
    let mut bytes = body.bytes;
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk?;
        came += chunk.len() as u64;
        if came > len {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "more bytes came than were asked for",
            ));
        }
        if small.is_empty() && chunk.len() >= MIN_PIECE {
            out.push(chunk);
            continue;
        }
        small.extend_from_slice(&chunk);
        if small.len() >= MIN_PIECE {
            out.push(small.split().freeze());
        }
    }
    if came < len {
        return Err(Error::new(
            ErrorKind::Unavailable,
            format!("the answer was cut: {came} of {len} bytes came"),
        ));
    }
    if !small.is_empty() {
        out.push(small.freeze());
    }
    Ok(out)
}
