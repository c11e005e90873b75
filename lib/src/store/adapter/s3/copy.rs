//! Copies that the service makes by itself.

use super::answer::Asked;
use super::raw::{Call, escaped};
use super::upload::{self, Parts};
use super::{Open, S3, refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::read;
use crate::store::{Copied, Store, Upload, Whereabouts};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use http::Method;
use serde::Deserialize;
use std::ops::Range;

/// Most bytes of one request. Amazon copies ten times as much at once, but then says nothing
/// for longer than a connection is trusted.
const PIECE: u64 = 512 << 20;

/// Pieces under way at the same time.
const PARALLEL: usize = 4;

/// CopyObjectResult, and CopyPartResult.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(rename = "ETag")]
    etag: String,
}

pub(super) async fn whereabouts(store: &S3, key: &Key) -> Result<Option<Whereabouts>> {
    let open = store.opened().await?;
    let bucket = store.shared.location.bucket();
    let service = open.wire.service(bucket);
    let path = store.path(key)?;
    Ok(service.map(|service| Whereabouts {
        service,
        bucket: bucket.to_owned(),
        name: path.to_string(),
    }))
}

/// Copies, and looks what came of it.
pub(super) async fn copy(store: &S3, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
    let open = store.opened().await?;
    let ours = open.wire.service(store.shared.location.bucket());
    if ours.as_ref() != Some(&from.service) {
        return Ok(Copied::NotHere);
    }
    let source = format!("{}/{}", from.bucket, escaped(&from.name));
    let piece = store.shared.options.part_size.unwrap_or(PIECE);
    let done = if size <= piece {
        whole(store, open, &source, key).await
    } else {
        in_parts(store, open, &source, Pieces::new(size, piece, store), key).await
    };
    match done {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
        // Whatever the service has against it: reading and writing says better what it is.
        Err(_) => return Ok(Copied::NotHere),
    }
    let found = store.head(key).await?;
    Ok(match found {
        Some(info) if info.size == size => Copied::Done,
        _ => Copied::NotHere,
    })
}

/// The whole file by one request. What the options say of new files is added on its way; of
/// what the other file has nothing is taken over.
async fn whole(store: &S3, open: &Open, source: &str, key: &Key) -> Result<()> {
    let asked = store.asked(Act::Write, key.as_str());
    let path = store.path(key)?;
    let call = Call::new(Method::PUT, path.as_ref(), "")
        .header("x-amz-copy-source", source)
        .header("x-amz-metadata-directive", "REPLACE")
        .header("x-amz-tagging-directive", "REPLACE");
    answer(call, open, &asked).await.map(|_| ())
}

/// Where a file is cut.
#[derive(Debug, Clone, Copy)]
struct Pieces {
    size: u64,
    piece: u64,
}

impl Pieces {
    fn new(size: u64, piece: u64, store: &S3) -> Self {
        let least = size.div_ceil(store.capabilities().max_parts.into());
        Self {
            size,
            piece: piece.max(least),
        }
    }

    fn all(self) -> impl Iterator<Item = (u32, Range<u64>)> {
        let starts = (0..self.size).step_by(usize::try_from(self.piece).unwrap_or(usize::MAX));
        let ranges = starts.map(move |start| start..self.size.min(start + self.piece));
        (0..).zip(ranges)
    }
}

async fn in_parts(store: &S3, open: &Open, source: &str, pieces: Pieces, key: &Key) -> Result<()> {
    let upload = upload::start(store, key).await?;
    let copied = stream::iter(pieces.all())
        .map(async |(number, range)| part(open, source, &upload, number, range).await)
        .buffer_unordered(PARALLEL)
        .try_collect::<Vec<()>>()
        .await;
    let done = match copied {
        Ok(_) => upload.complete().await,
        Err(error) => Err(error),
    };
    if done.is_err() {
        // What remains of it is unseen, and found by `git pail doctor`.
        let _ = upload.abort().await;
    }
    done
}

async fn part(
    open: &Open,
    source: &str,
    upload: &Parts,
    number: u32,
    range: Range<u64>,
) -> Result<()> {
    let asked = upload.asked();
    let query = upload.query(number);
    let call = Call::new(Method::PUT, upload.path(), &query)
        .header("x-amz-copy-source", source)
        .header(
            "x-amz-copy-source-range",
            format!("bytes={}-{}", range.start, range.end - 1),
        );
    let etag = answer(call, open, &asked).await?;
    upload.note(number, etag);
    Ok(())
}

/// The ETag of what was copied.
async fn answer(call: Call<'_>, open: &Open, asked: &Asked<'_>) -> Result<String> {
    let explain = |refused| -> Error { refusal::explain(asked, &refused) };
    let body = call.send_whole(open, asked).await?.map_err(explain)?;
    Ok(read::<Answer>(&body, asked)?.etag)
}
