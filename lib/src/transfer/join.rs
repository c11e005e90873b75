//! Several packs in, one pack stream out.
//!
//! The entries of complete packs, put behind one header with the summed count and one new
//! checksum, are a valid pack: offset deltas are relative (gitformat-pack(5)).

use crate::error::Result;
use crate::format::corrupt;
use crate::format::manifest::PackEntry;
use crate::format::pack;
use crate::oid::{ObjectFormat, ObjectId};
use bytes::Bytes;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The checksum that ends a pack, as it is computed.
#[derive(Debug, Clone)]
pub(super) enum Checksum {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    pub(super) fn new(format: ObjectFormat) -> Self {
        match format {
            ObjectFormat::Sha1 => Self::Sha1(Sha1::new()),
            ObjectFormat::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(sha) => sha.update(bytes),
            Self::Sha256(sha) => sha.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(sha) => sha.finalize().to_vec(),
            Self::Sha256(sha) => sha.finalize().to_vec(),
        }
    }
}

/// Joins packs whose bytes come in order, piece by piece.
///
/// A single pack passes as it is: whoever reads it checks its checksum. Of several, each
/// one's checksum is checked here. In both cases it must be the one that names the pack.
#[derive(Debug)]
pub(crate) struct Join {
    format: ObjectFormat,
    single: bool,
    out: Checksum,
    one: Checksum,
    at: u64,
    tail: Vec<u8>,
}

impl Join {
    pub(crate) fn new(packs: &[&PackEntry], format: ObjectFormat) -> Self {
        let (out, one) = (Checksum::new(format), Checksum::new(format));
        Self {
            format,
            single: packs.len() == 1,
            out,
            one,
            at: 0,
            tail: Vec::new(),
        }
    }

    /// What goes out before the first piece.
    pub(crate) fn open(&mut self, packs: &[&PackEntry]) -> Result<Bytes> {
        if self.single {
            return Ok(Bytes::new());
        }
        let objects: u64 = packs.iter().map(|pack| pack.objects).sum();
        let objects = u32::try_from(objects)
            .map_err(|_| corrupt("the packs", "they hold more objects than one pack can"))?;
        let header = pack::header(objects);
        self.out.update(&header);
        Ok(Bytes::copy_from_slice(&header))
    }

    /// Takes the next piece of a pack, and gives what goes out of it. A piece holds at
    /// least the pack's header, or its header came before.
    pub(crate) fn piece(&mut self, entry: &PackEntry, bytes: Bytes) -> Result<Bytes> {
        let trailer = self.format.raw_len() as u64;
        let what = || format!("pack {}", entry.name);
        if entry.size < pack::min_len(self.format) {
            return Err(corrupt(&what(), "it is too short to be a pack"));
        }
        let first = self.at == 0;
        if first && pack::parse_header(&bytes).map(u64::from) != Some(entry.objects) {
            return Err(corrupt(
                &what(),
                "it does not start as a pack of as many objects as the manifest says",
            ));
        }
        // The checksum may be cut by the border between two pieces.
        let (start, end) = (self.at, self.at + bytes.len() as u64);
        let body_end = entry.size - trailer;
        let split = usize::try_from(body_end.saturating_sub(start))
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        self.tail.extend_from_slice(&bytes[split..]);
        let skip = if first {
            pack::HEADER_LEN.min(split)
        } else {
            0
        };
        let body = bytes.slice(skip..split);
        if !self.single {
            self.one.update(&bytes[..split]);
            self.out.update(&body);
        }
        self.at = end;
        if end == entry.size {
            self.end(entry)?;
        }
        Ok(if self.single { bytes } else { body })
    }

    /// The end of one pack.
    fn end(&mut self, entry: &PackEntry) -> Result<()> {
        let one = std::mem::replace(&mut self.one, Checksum::new(self.format));
        let tail = std::mem::take(&mut self.tail);
        self.at = 0;
        let named = ObjectId::from_bytes(&tail).is_some_and(|sum| sum.to_string() == entry.name);
        if !named || (!self.single && one.finish() != tail) {
            return Err(corrupt(
                &format!("pack {}", entry.name),
                "its bytes do not have the checksum that names it",
            ));
        }
        Ok(())
    }

    /// What goes out after the last piece.
    pub(crate) fn close(self) -> Bytes {
        if self.single {
            Bytes::new()
        } else {
            self.out.finish().into()
        }
    }
}
