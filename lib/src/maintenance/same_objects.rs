//! Which objects do packs hold? Told from their indexes, in constant memory.

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::format::pack::IndexShape;
use crate::oid::{ObjectFormat, ObjectId, hex};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The ids that an index lists, in their order, each once.
struct Ids {
    path: PathBuf,
    file: BufReader<File>,
    left: u32,
    id: Vec<u8>,
    last: Option<Vec<u8>>,
}

impl Ids {
    fn open(path: &Path, format: ObjectFormat) -> Result<Self> {
        let act = || format!("read {}", path.display());
        let mut file = BufReader::new(File::open(path).during(act)?);
        let mut header = vec![0; IndexShape::HEADER_LEN];
        file.read_exact(&mut header).during(act)?;
        let shape = IndexShape::parse(&header, format).ok_or_else(|| {
            let message = format!("cannot {}: it is no index of version 2", act());
            Error::new(ErrorKind::Local, message)
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            left: shape.objects,
            id: vec![0; format.raw_len()],
            last: None,
        })
    }

    fn next(&mut self) -> std::io::Result<Option<&[u8]>> {
        while self.left > 0 {
            self.left -= 1;
            self.file.read_exact(&mut self.id)?;
            if self.last.as_ref() != Some(&self.id) {
                self.last = Some(self.id.clone());
                return Ok(Some(&self.id));
            }
        }
        Ok(None)
    }

    /// The next one, to keep.
    fn following(&mut self) -> Result<Option<Vec<u8>>> {
        let id = self.next().map(|id| id.map(<[u8]>::to_vec));
        id.during(|| format!("read {}", self.path.display()))
    }
}

/// Whether a file is an index as far as it is read here.
pub(super) fn is_index(path: &Path, format: ObjectFormat) -> bool {
    Ids::open(path, format).is_ok()
}

/// Writes the ids of an index beside it, a line each, as git reads them; answers where.
///
/// # Errors
///
/// [`ErrorKind::Local`] if it cannot be read, or they cannot be written.
pub(super) fn spelled(index: &Path, format: ObjectFormat) -> Result<PathBuf> {
    let path = index.with_extension("ids");
    let act = || format!("write {}", path.display());
    let mut ids = Ids::open(index, format)?;
    let mut out = BufWriter::new(File::create(&path).during(act)?);
    while let Some(id) = ids.following()? {
        writeln!(out, "{}", hex(&id)).during(act)?;
    }
    out.flush().during(act)?;
    Ok(path)
}

/// Whether a pack holds the same objects as some others together, however often each. Reads
/// the indexes once, in constant memory.
///
/// # Errors
///
/// [`ErrorKind::Local`] if one cannot be read.
pub(super) fn same_objects(others: &[PathBuf], one: &Path, format: ObjectFormat) -> Result<bool> {
    let mut others = Heads::open(others, format)?;
    let mut one = Ids::open(one, format)?;
    loop {
        let id = one.following()?;
        if others.least() != id {
            return Ok(false);
        }
        match id {
            Some(id) => others.pass(&id)?,
            None => return Ok(true),
        }
    }
}

/// How many objects packs hold, each counted once also where several hold it.
pub(super) fn count(indexes: &[PathBuf], format: ObjectFormat) -> Result<u64> {
    let mut heads = Heads::open(indexes, format)?;
    let mut count = 0;
    while let Some(id) = heads.least() {
        heads.pass(&id)?;
        count += 1;
    }
    Ok(count)
}

/// Those of some ids that are in one of the packs.
pub(super) fn listed(
    ids: &BTreeSet<ObjectId>,
    indexes: &[PathBuf],
    format: ObjectFormat,
) -> Result<BTreeSet<ObjectId>> {
    let mut heads = Heads::open(indexes, format)?;
    let mut out = BTreeSet::new();
    for id in ids {
        if heads.find(id.as_bytes())? {
            out.insert(*id);
        }
    }
    Ok(out)
}

/// Whether each object of one pack is in one of the others.
pub(super) fn within(one: &Path, others: &[PathBuf], format: ObjectFormat) -> Result<bool> {
    let mut heads = Heads::open(others, format)?;
    let mut wanted = Ids::open(one, format)?;
    while let Some(id) = wanted.following()? {
        if !heads.find(&id)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Several indexes, read at the same time.
struct Heads(Vec<(Ids, Option<Vec<u8>>)>);

impl Heads {
    fn open(indexes: &[PathBuf], format: ObjectFormat) -> Result<Self> {
        let one = |index: &PathBuf| {
            let mut ids = Ids::open(index, format)?;
            let first = ids.following()?;
            Ok((ids, first))
        };
        Ok(Self(indexes.iter().map(one).collect::<Result<_>>()?))
    }

    /// The smallest id that was not passed.
    fn least(&self) -> Option<Vec<u8>> {
        let heads = self.0.iter().filter_map(|(_, head)| head.as_ref());
        heads.min().cloned()
    }

    /// Goes on beyond this id.
    fn pass(&mut self, id: &[u8]) -> Result<()> {
        for (ids, head) in &mut self.0 {
            while head.as_deref().is_some_and(|head| head <= id) {
                *head = ids.following()?;
            }
        }
        Ok(())
    }

    /// Whether one lists this id, which is larger than all that were asked for before, or the
    /// same.
    fn find(&mut self, id: &[u8]) -> Result<bool> {
        for (ids, head) in &mut self.0 {
            while head.as_deref().is_some_and(|head| head < id) {
                *head = ids.following()?;
            }
        }
        Ok(self.0.iter().any(|(_, head)| head.as_deref() == Some(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index of version 2 as far as it is read: header, fan-out, ids.
    fn index(dir: &Path, name: &str, ids: &[u8]) -> PathBuf {
        let mut bytes = b"\xfftOc\0\0\0\x02".to_vec();
        for first in 0..=255_u8 {
            let count = ids.iter().filter(|id| **id <= first).count();
            bytes.extend(u32::try_from(count).unwrap().to_be_bytes());
        }
        for id in ids {
            bytes.extend([*id; 20]);
        }
        let path = dir.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn an_object_that_stands_twice_counts_once_and_none_may_be_missing() {
        let dir = tempfile::tempdir().unwrap();
        let one = index(dir.path(), "one", &[1, 1, 2, 9]);
        for (ids, same) in [
            (&[1, 2, 9][..], true),
            (&[1, 2, 2, 9], true),
            (&[1, 2], false),
            (&[1, 2, 8], false),
            (&[1, 2, 9, 10], false),
            (&[], false),
        ] {
            let other = index(dir.path(), "other", ids);
            let one = std::slice::from_ref(&one);
            let found = same_objects(one, &other, ObjectFormat::Sha1).unwrap();
            assert_eq!(found, same, "{ids:?}");
        }
    }

    #[test]
    fn objects_of_one_pack_may_be_spread_over_others() {
        let dir = tempfile::tempdir().unwrap();
        let others = [
            index(dir.path(), "a", &[1, 4, 4, 9]),
            index(dir.path(), "b", &[2, 5]),
        ];
        let count = |indexes| count(indexes, ObjectFormat::Sha1).unwrap();
        assert_eq!((count(&others[..1]), count(&others)), (3, 5));
        let third = [others[0].clone(), index(dir.path(), "c", &[4, 5])];
        assert_eq!(count(&third), 4, "4 is in both");
        let ids = |all: &[u8]| -> BTreeSet<ObjectId> {
            let id = |one: &u8| ObjectId::from_bytes(&[*one; 20]).unwrap();
            all.iter().map(id).collect()
        };
        let asked = ids(&[1, 3, 5, 10]);
        let found = listed(&asked, &others, ObjectFormat::Sha1).unwrap();
        assert_eq!(found, ids(&[1, 5]));
        for (ids, inside) in [
            (&[1, 2, 4, 5, 9][..], true),
            (&[9], true),
            (&[], true),
            (&[3], false),
            (&[1, 2, 10], false),
        ] {
            let one = index(dir.path(), "one", ids);
            let found = within(&one, &others, ObjectFormat::Sha1).unwrap();
            assert_eq!(found, inside, "{ids:?}");
        }
    }
}
