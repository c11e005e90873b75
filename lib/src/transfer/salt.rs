//! Makes a pack one of a kind without changing an object, so that its name carries chance
//! and is still the checksum that ends it (Law 2, `docs/design/0001-pack-names.md`).

use super::join::Checksum;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::format::pack::{self, IndexShape, MAX_ENTRY_OPENING, SALT_BITS};
use crate::ids::Ids;
use crate::local::SpooledPack;
use crate::oid::{ObjectFormat, ObjectId, hex};
use crate::store::Source;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A pack file on disk, with a salt let into its last entry and a new checksum.
#[derive(Debug, Clone)]
pub(crate) struct SaltedPack {
    /// Its checksum, hex.
    pub(crate) name: String,
    /// How many objects it holds.
    pub(crate) objects: u64,
    path: PathBuf,
    /// Where the salt goes in.
    at: u64,
    salt: Bytes,
    /// Where the old checksum starts.
    end: u64,
    checksum: Bytes,
}

/// Salts a pack, and mends its index in place. Reads the pack once, which also proves that
/// the disk gave back what git wrote.
///
/// # Errors
///
/// [`ErrorKind::Local`] if the files cannot be read or written, or are not what git wrote.
pub(crate) async fn salt(
    spooled: SpooledPack,
    format: ObjectFormat,
    ids: Arc<dyn Ids>,
) -> Result<SaltedPack> {
    let mut chance = [0; SALT_BITS / 5];
    ids.fill(&mut chance)?;
    let work = move || blocking(&spooled, format, &chance);
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorKind::Local, format!("cannot salt the pack: {error}")))?
}

fn blocking(
    spooled: &SpooledPack,
    format: ObjectFormat,
    chance: &[u8; SALT_BITS / 5],
) -> Result<SaltedPack> {
    let act = || format!("read the pack {}", spooled.pack.display());
    let odd = |why: &str| Error::new(ErrorKind::Local, format!("cannot {}: {why}", act()));
    let mut index = File::options()
        .read(true)
        .open(&spooled.index)
        .during(act)?;
    let last = last_entry(&mut index, format)
        .during(act)?
        .ok_or_else(|| odd("its index is not version 2"))?;
    let mut pack = File::open(&spooled.pack).during(act)?;
    let end = spooled
        .size
        .checked_sub(format.raw_len() as u64)
        .ok_or_else(|| odd("it is too short"))?;

    let mut opening =
        vec![
            0;
            usize::try_from((end - last.offset.min(end)).min(MAX_ENTRY_OPENING as u64))
                .unwrap_or(0)
        ];
    pack.seek(SeekFrom::Start(last.offset))
        .and_then(|_| pack.read_exact(&mut opening))
        .during(act)?;
    // The two bytes of the zlib header stay in front of the salt.
    let at = pack::stream_start(&opening, format).map(|start| last.offset + start as u64 + 2);
    let at = at
        .filter(|at| *at < end)
        .ok_or_else(|| odd("its last entry is broken"))?;
    let salt: Bytes = pack::salt(chance).into();

    let sums = sums(&mut pack, format, last.offset, at, end, &salt).during(act)?;
    let mut trailer = vec![0; format.raw_len()];
    pack.read_exact(&mut trailer).during(act)?;
    if sums.old != trailer {
        return Err(odd(
            "its checksum is wrong: the disk or the memory of this machine is failing",
        ));
    }
    mend_index(&spooled.index, format, &last, sums.crc, &sums.new)
        .during(|| format!("write {}", spooled.index.display()))?;
    let name = ObjectId::from_bytes(&sums.new)
        .ok_or_else(|| odd("its checksum has an odd length"))?
        .to_string();
    let objects = u64::from(last.shape.objects);
    Ok(SaltedPack {
        name,
        objects,
        path: spooled.pack.clone(),
        at,
        salt,
        end,
        checksum: sums.new.into(),
    })
}

/// The entry that stands last in the pack: nothing after it has to move.
struct Last {
    shape: IndexShape,
    /// Its place in the index.
    position: u64,
    offset: u64,
}

fn last_entry(index: &mut File, format: ObjectFormat) -> std::io::Result<Option<Last>> {
    let mut header = vec![0; IndexShape::HEADER_LEN];
    index.read_exact(&mut header)?;
    let Some(shape) = IndexShape::parse(&header, format).filter(|shape| shape.objects > 0) else {
        return Ok(None);
    };
    // The highest bit of an offset says that the rest is a place in the table of large ones.
    const LARGE: u32 = 0x8000_0000;
    let objects = u64::from(shape.objects);
    let mut small = None;
    let mut large_count: u64 = 0;
    numbers::<4>(index, shape.offset_table(), objects, |position, raw| {
        let offset = u32::from_be_bytes(raw);
        if offset & LARGE == 0 {
            small = small.max(Some((u64::from(offset), position)));
        } else {
            large_count += 1;
        }
    })?;
    if large_count == 0 {
        return Ok(small.map(|(offset, position)| Last {
            shape,
            position,
            offset,
        }));
    }
    let mut large = (0, 0);
    numbers::<8>(
        index,
        shape.large_offset_table(),
        large_count,
        |place, raw| {
            large = large.max((u64::from_be_bytes(raw), place));
        },
    )?;
    let mut position = None;
    numbers::<4>(index, shape.offset_table(), objects, |at, raw| {
        let offset = u32::from_be_bytes(raw);
        if offset & LARGE != 0 && u64::from(offset & !LARGE) == large.1 {
            position = Some(at);
        }
    })?;
    Ok(position.map(|position| Last {
        shape,
        position,
        offset: large.0,
    }))
}

/// Reads a table of big-endian numbers, a few at a time.
fn numbers<const N: usize>(
    file: &mut File,
    from: u64,
    count: u64,
    mut hear: impl FnMut(u64, [u8; N]),
) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = std::io::BufReader::with_capacity(64 << 10, file);
    for position in 0..count {
        let mut raw = [0; N];
        reader.read_exact(&mut raw)?;
        hear(position, raw);
    }
    Ok(())
}

struct Sums {
    old: Vec<u8>,
    new: Vec<u8>,
    /// Of the salted last entry.
    crc: u32,
}

fn sums(
    pack: &mut File,
    format: ObjectFormat,
    last: u64,
    at: u64,
    end: u64,
    salt: &[u8],
) -> std::io::Result<Sums> {
    let (mut old, mut crc) = (Checksum::new(format), crc32fast::Hasher::new());
    pack.seek(SeekFrom::Start(0))?;
    let mut chunk = vec![0; 256 << 10];
    each(pack, 0, last, &mut chunk, |bytes| old.update(bytes))?;
    each(pack, last, at, &mut chunk, |bytes| {
        old.update(bytes);
        crc.update(bytes);
    })?;
    let mut new = old.clone();
    new.update(salt);
    crc.update(salt);
    each(pack, at, end, &mut chunk, |bytes| {
        old.update(bytes);
        new.update(bytes);
        crc.update(bytes);
    })?;
    Ok(Sums {
        old: old.finish(),
        new: new.finish(),
        crc: crc.finalize(),
    })
}

fn each(
    file: &mut File,
    from: u64,
    to: u64,
    chunk: &mut [u8],
    mut hear: impl FnMut(&[u8]),
) -> std::io::Result<()> {
    let mut left = to - from;
    while left > 0 {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        file.read_exact(&mut chunk[..take])?;
        hear(&chunk[..take]);
        left -= take as u64;
    }
    Ok(())
}

/// Writes the new sum of the last entry, the pack's new checksum and the index's own.
fn mend_index(
    path: &Path,
    format: ObjectFormat,
    last: &Last,
    crc: u32,
    pack: &[u8],
) -> std::io::Result<()> {
    // Git leaves the index read-only.
    let mut permissions = std::fs::metadata(path)?.permissions();
    #[expect(
        clippy::permissions_set_readonly_false,
        reason = "a file in our own spool, gone after the push"
    )]
    permissions.set_readonly(false);
    std::fs::set_permissions(path, permissions)?;
    let mut index = File::options().read(true).write(true).open(path)?;
    index.seek(SeekFrom::Start(last.shape.crc_table() + last.position * 4))?;
    index.write_all(&crc.to_be_bytes())?;
    let end = index.metadata()?.len() - last.shape.trailer_len();
    index.seek(SeekFrom::Start(end))?;
    index.write_all(pack)?;
    index.seek(SeekFrom::Start(0))?;
    let mut sum = Checksum::new(format);
    each(
        &mut index,
        0,
        end + pack.len() as u64,
        &mut vec![0; 256 << 10],
        |bytes| sum.update(bytes),
    )?;
    index.write_all(&sum.finish())
}

/// Bytes from hex.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match *pair {
            [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        })
        .collect()
}

#[async_trait]
impl Source for SaltedPack {
    fn size(&self) -> u64 {
        self.end + (self.salt.len() + self.checksum.len()) as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let (pack, path) = (self.clone(), self.path.clone());
        let read = move || pack.read_blocking(range);
        let out = tokio::task::spawn_blocking(read)
            .await
            .map_err(std::io::Error::other)
            .flatten();
        out.during(|| format!("read {}", path.display()))
    }
}

impl SaltedPack {
    /// Where the salt goes in, the salt in hex, and where the old checksum starts.
    pub(super) fn salting(&self) -> (u64, String, u64) {
        (self.at, hex(&self.salt), self.end)
    }

    /// The same pack, in another process.
    pub(super) fn again(
        path: PathBuf,
        name: String,
        objects: u64,
        (at, salt, end): (u64, &str, u64),
    ) -> Option<Self> {
        let checksum = ObjectId::from_hex(name.as_bytes())?
            .as_bytes()
            .to_vec()
            .into();
        let salt = unhex(salt).filter(|_| at < end)?.into();
        Some(Self {
            name,
            objects,
            path,
            at,
            salt,
            end,
            checksum,
        })
    }

    /// The same pack, moved.
    pub(super) fn at(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    /// Whether pack and index have the checksums that they must have. Reads both once.
    pub(super) fn is_sound(&self, index: &Path, format: ObjectFormat) -> std::io::Result<bool> {
        const CHUNK: u64 = 1 << 20;
        let body = self.end + self.salt.len() as u64;
        let mut sum = Checksum::new(format);
        let mut at = 0;
        while at < body {
            let end = body.min(at + CHUNK);
            sum.update(&self.read_blocking(at..end)?);
            at = end;
        }
        if self.checksum.len() != format.raw_len() || sum.finish() != self.checksum {
            return Ok(false);
        }
        let mut index = File::open(index)?;
        let len = index.metadata()?.len();
        let (Some(end), Some(named)) = (
            len.checked_sub(format.raw_len() as u64),
            len.checked_sub(2 * format.raw_len() as u64),
        ) else {
            return Ok(false);
        };
        let (mut sum, mut chunk) = (Checksum::new(format), vec![0; 256 << 10]);
        each(&mut index, 0, end, &mut chunk, |bytes| sum.update(bytes))?;
        let mut own = vec![0; format.raw_len()];
        index.read_exact(&mut own)?;
        let mut pack = vec![0; format.raw_len()];
        index.seek(SeekFrom::Start(named))?;
        index.read_exact(&mut pack)?;
        Ok(sum.finish() == own && pack == self.checksum)
    }

    fn read_blocking(&self, range: Range<u64>) -> std::io::Result<Bytes> {
        let salt_end = self.at + self.salt.len() as u64;
        let body_end = self.end + self.salt.len() as u64;
        let cut = |from: u64, to: u64| range.start.clamp(from, to)..range.end.clamp(from, to);
        let slice = |bytes: &Bytes, base: u64, part: Range<u64>| {
            let at = |byte: u64| usize::try_from(byte - base).unwrap_or(usize::MAX);
            bytes.slice(at(part.start)..at(part.end))
        };
        let mut out = BytesMut::with_capacity(
            usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0),
        );
        let mut file = File::open(&self.path)?;
        let mut copy = |part: Range<u64>, shift: u64, out: &mut BytesMut| {
            if !part.is_empty() {
                let old = out.len();
                out.resize(old + usize::try_from(part.end - part.start).unwrap_or(0), 0);
                file.seek(SeekFrom::Start(part.start - shift))?;
                file.read_exact(&mut out[old..])?;
            }
            Ok::<_, std::io::Error>(())
        };
        copy(cut(0, self.at), 0, &mut out)?;
        out.extend_from_slice(&slice(&self.salt, self.at, cut(self.at, salt_end)));
        copy(cut(salt_end, body_end), self.salt.len() as u64, &mut out)?;
        out.extend_from_slice(&slice(&self.checksum, body_end, cut(body_end, self.size())));
        Ok(out.freeze())
    }
}
