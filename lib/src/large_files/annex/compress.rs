//! Compressed content in and out of the bucket.

use super::content::Content;
use super::packed::{HEADER, Packer, Unpacker, is_packed};
use super::retrieve::Sink;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::Key;
use crate::progress::{Phase, Progress};
use crate::store::{Got, Precondition, Put, Upload, Want, Wanted, download_from};
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// Smaller files are not worth it.
const LEAST: u64 = 256;

/// Bytes that are read at a time.
const READ: usize = 128 << 10;

/// How a file lies in the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is, with so many bytes.
    Plain(u64),
    /// Compressed, to so many bytes.
    Packed(u64),
}

/// Reads and packs a file. `Err` of it ends the pieces; they are the parts of an upload.
type Pieces = mpsc::Receiver<io::Result<(Bytes, u64)>>;

impl Content {
    /// How a file lies there whose content has this size. One request; where nothing is
    /// compressed by this remote but the file is smaller than it should be, two.
    pub(super) async fn form(&self, key: &Key, size: u64) -> Result<Option<Form>> {
        if !self.compress || size == 0 {
            let Some(info) = self.store.head(key).await? else {
                return Ok(None);
            };
            if info.size >= size || info.size <= HEADER as u64 {
                return Ok(Some(Form::Plain(info.size)));
            }
        }
        let Got::Found(mut body) = self.store.get(key, Want::range(0..HEADER as u64)).await? else {
            return Ok(None);
        };
        let mut start = Vec::new();
        while let Some(chunk) = body.bytes.next().await {
            start.extend_from_slice(&chunk?);
        }
        let there = body.info.size;
        let packed = there < size && is_packed(&start, size);
        Ok(Some(match packed {
            true => Form::Packed(there),
            false => Form::Plain(there),
        }))
    }

    /// Stores a file in compressed form. `false` if it does not get smaller: then nothing was
    /// stored.
    pub(super) async fn send_packed(
        &self,
        key: &Key,
        file: &Path,
        size: u64,
        progress: &dyn Progress,
    ) -> Result<bool> {
        if size < LEAST {
            return Ok(false);
        }
        let caps = self.store.capabilities();
        let fewest = size.div_ceil(u64::from(caps.max_parts.max(1)));
        let part = self.limits.part.max(caps.min_part).max(fewest);
        let mut pieces = pack(file.to_owned(), size, part);
        let act = || format!("compress {}", file.display());
        let Some(first) = pieces.recv().await.transpose().during(act)? else {
            return Ok(false);
        };
        let Some(second) = pieces.recv().await.transpose().during(act)? else {
            let (body, _) = first;
            let stored = body.len() as u64;
            if stored >= size {
                return Ok(false);
            }
            let put = self.store.put(key, body, Precondition::Always).await?;
            progress.advance(Phase::Upload, size);
            let Put::Written(version) = put else {
                let what = format!("cannot store {key}: the store refused an unconditional write");
                return Err(Error::new(ErrorKind::Unavailable, what));
            };
            self.verify(key, stored, Some(&version)).await?;
            return Ok(true);
        };
        let upload = self.store.begin(key).await?;
        let moved = self.parts(&*upload, (first, second), &mut pieces, progress);
        let stored = match moved.await {
            Ok(stored) if stored < size => stored,
            // The first failure is the one to tell; what remains is found by `git pail doctor`.
            Ok(_) => return upload.abort().await.map(|()| false),
            Err(error) => {
                let _ = upload.abort().await;
                return Err(error);
            }
        };
        upload.complete().await?;
        self.verify(key, stored, None).await?;
        Ok(true)
    }

    /// Sends parts as they come, several at a time; gives how many bytes they had.
    async fn parts(
        &self,
        upload: &dyn Upload,
        first: ((Bytes, u64), (Bytes, u64)),
        pieces: &mut Pieces,
        progress: &dyn Progress,
    ) -> Result<u64> {
        let send = |number: u32, (body, read): (Bytes, u64)| async move {
            upload.part(number, body).await?;
            progress.advance(Phase::Upload, read);
            Ok::<_, Error>(())
        };
        let mut stored = (first.0.0.len() + first.1.0.len()) as u64;
        let mut going = FuturesUnordered::new();
        going.push(send(0, first.0));
        going.push(send(1, first.1));
        let mut number = 2;
        while let Some(piece) = pieces.recv().await {
            let piece = piece.during(|| "compress".to_owned())?;
            stored += piece.0.len() as u64;
            while going.len() >= self.limits.parallel.max(1) {
                going.next().await.transpose()?;
            }
            going.push(send(number, piece));
            number += 1;
        }
        while going.next().await.transpose()?.is_some() {}
        Ok(stored)
    }

    /// Reads compressed content into a file, from its start.
    pub(super) async fn fetch_packed(
        &self,
        key: &Key,
        packed: u64,
        size: u64,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let damaged = |why: &str| {
            let what = format!("cannot download {key}: the compressed content {why}");
            Error::new(ErrorKind::Corrupt, what)
        };
        sink.empty().await?;
        let wanted = Wanted {
            key: key.clone(),
            size: packed,
        };
        let mut unpacker = Unpacker::new().during(|| "start zstd".to_owned())?;
        let pieces = download_from(&*self.store, &wanted, 0, self.limits);
        let mut pieces = std::pin::pin!(pieces);
        while let Some(piece) = pieces.next().await {
            let mut piece = piece?;
            loop {
                let (bytes, took) = unpacker.step(&piece)?;
                if bytes.is_empty() && took == 0 {
                    break;
                }
                let _ = piece.split_to(took);
                sink.write(&bytes.into()).await?;
                if sink.len > size {
                    return Err(damaged("is longer than its key says"));
                }
            }
        }
        match sink.len == size {
            true => Ok(()),
            false => Err(damaged("is shorter than its key says")),
        }
    }
}

/// Packs a file on a thread of its own, into parts of this size but the last; each with the
/// bytes of the file that went into it.
fn pack(file: PathBuf, size: u64, part: u64) -> Pieces {
    let (send, pieces) = mpsc::channel(1);
    let work = move || {
        let give = |piece| send.blocking_send(piece).is_ok();
        if let Err(error) = pack_to(&file, size, part, &|piece| give(Ok(piece))) {
            give(Err(error));
        }
    };
    // It ends when nobody takes the pieces any more.
    drop(tokio::task::spawn_blocking(work));
    pieces
}

fn pack_to(
    file: &Path,
    size: u64,
    part: u64,
    give: &dyn Fn((Bytes, u64)) -> bool,
) -> io::Result<()> {
    let part = usize::try_from(part).unwrap_or(usize::MAX);
    let mut packer = Packer::new(size)?;
    let mut file = File::open(file)?;
    let mut buffer = vec![0; READ];
    let (mut total, mut read) = (0, 0);
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        packer.push(buffer.get(..count).unwrap_or_default())?;
        total += count as u64;
        read += count as u64;
        while packer.out.len() > part {
            let rest = packer.out.split_off(part);
            let piece = std::mem::replace(&mut packer.out, rest);
            if !give((piece.into(), std::mem::take(&mut read))) {
                return Ok(());
            }
        }
    }
    if total != size {
        return Err(io::Error::other("its size changed meanwhile"));
    }
    packer.finish()?;
    while packer.out.len() > part {
        let rest = packer.out.split_off(part);
        let piece = std::mem::replace(&mut packer.out, rest);
        if !give((piece.into(), std::mem::take(&mut read))) {
            return Ok(());
        }
    }
    give((std::mem::take(&mut packer.out).into(), read));
    Ok(())
}
