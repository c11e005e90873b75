//! Which objects do packs hold? Told from their indexes, in constant memory.

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::format::pack::IndexShape;
use crate::oid::ObjectFormat;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// The ids that an index lists, in their order, each once.
struct Ids {
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
}

/// Whether two packs hold the same objects, however often each. Reads their indexes once, in
/// constant memory.
///
/// # Errors
///
/// [`ErrorKind::Local`] if one cannot be read.
pub(super) fn same_objects(one: &Path, other: &Path, format: ObjectFormat) -> Result<bool> {
    let (mut one_ids, mut other_ids) = (Ids::open(one, format)?, Ids::open(other, format)?);
    loop {
        let left = one_ids
            .next()
            .during(|| format!("read {}", one.display()))?;
        let right = other_ids
            .next()
            .during(|| format!("read {}", other.display()))?;
        match (left, right) {
            (None, None) => return Ok(true),
            (left, right) if left == right => {}
            _ => return Ok(false),
        }
    }
}

/// How many objects a pack holds, each counted once.
pub(super) fn count(index: &Path, format: ObjectFormat) -> Result<u64> {
    let mut ids = Ids::open(index, format)?;
    let mut count = 0;
    while ids
        .next()
        .during(|| format!("read {}", index.display()))?
        .is_some()
    {
        count += 1;
    }
    Ok(count)
}

/// Whether each object of one pack is in one of the others.
pub(super) fn within(one: &Path, others: &[PathBuf], format: ObjectFormat) -> Result<bool> {
    let act = || format!("read {}", one.display());
    let mut heads = Vec::new();
    for other in others {
        let mut ids = Ids::open(other, format)?;
        let first = ids.next().during(act)?.map(<[u8]>::to_vec);
        heads.push((ids, first));
    }
    let mut wanted = Ids::open(one, format)?;
    while let Some(id) = wanted.next().during(act)?.map(<[u8]>::to_vec) {
        let mut found = false;
        for (ids, head) in &mut heads {
            while head.as_ref().is_some_and(|head| *head < id) {
                *head = ids.next().during(act)?.map(<[u8]>::to_vec);
            }
            found |= head.as_ref() == Some(&id);
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
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
            let found = same_objects(&one, &other, ObjectFormat::Sha1).unwrap();
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
        assert_eq!(count(&others[0], ObjectFormat::Sha1).unwrap(), 3);
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
