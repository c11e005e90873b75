//! Files out: many at once, in parallel ranges, delivered in order.

use super::{Got, Limits, Store, Want};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt};
use std::ops::Range;
use std::time::Duration;

/// How often a range whose body was cut is asked for again.
const MAX_TRIES: u32 = 6;

/// A file to read, with the size that it is known to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its key.
    pub key: Key,
    /// Its bytes.
    pub size: u64,
}

/// A piece of one of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which file, by its place in the list.
    pub file: usize,
    /// Where in the file it starts.
    pub start: u64,
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
            let start = range.start;
            Ok(Piece {
                file,
                start,
                bytes: read_range(store, &files[file], range).await?,
            })
        })
        .buffered(parallel)
}

/// Reads one range whole, again and again where its body was cut.
async fn read_range(store: &dyn Store, wanted: &Wanted, range: Range<u64>) -> Result<Bytes> {
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

async fn try_range(store: &dyn Store, wanted: &Wanted, range: Range<u64>) -> Result<Bytes> {
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
    let mut out = BytesMut::new();
    let mut bytes = body.bytes;
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk?;
        if out.is_empty() && chunk.len() as u64 == len {
            return Ok(chunk);
        }
        out.reserve(if out.is_empty() {
            usize::try_from(len).unwrap_or(0)
        } else {
            0
        });
        out.extend_from_slice(&chunk);
        if out.len() as u64 > len {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "more bytes came than were asked for",
            ));
        }
    }
    if (out.len() as u64) < len {
        return Err(Error::new(
            ErrorKind::Unavailable,
            format!("the answer was cut: {} of {len} bytes came", out.len()),
        ));
    }
    Ok(out.freeze())
}
