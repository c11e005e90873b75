//! The refs of a repository: a base table and the updates since.

use super::corrupt;
use crate::error::Result;
use crate::oid::{ObjectFormat, ObjectId};
use crate::refs::{RefName, RefValue};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Largest base table that is accepted, unpacked, in bytes: some four million refs.
const MAX_TABLE: usize = 512 << 20;

const HEADER: &[u8] = b"# pack-refs with: peeled fully-peeled sorted \n";

/// A base ref table: git's own `packed-refs` form, sorted and fully peeled.
///
/// The text is kept as it came and searched in place, so that a million refs cost their
/// own bytes and no more.
#[derive(Debug, Clone, Default)]
pub struct BaseTable {
    text: Bytes,
    count: u64,
}

impl BaseTable {
    /// Unpacks and checks a table.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Corrupt`] if it is not zstd, not sorted, or holds a line that
    /// git would not read.
    pub fn decode(packed: &[u8], format: ObjectFormat) -> Result<Self> {
        let bad = |why: String| corrupt("base ref table", why);
        let size = zstd::zstd_safe::get_frame_content_size(packed)
            .ok()
            .flatten();
        let size = size
            .and_then(|size| usize::try_from(size).ok())
            .filter(|size| *size <= MAX_TABLE);
        let size =
            size.ok_or_else(|| bad("its size is not stated, or beyond every bound".to_owned()))?;
        let text = zstd::bulk::decompress(packed, size).map_err(|error| bad(error.to_string()))?;
        let mut table = Self {
            text: text.into(),
            count: 0,
        };
        let mut last: &[u8] = b"";
        let mut count = 0;
        let mut at = table.start();
        while at < table.text.len() {
            let (name, value, next) = table
                .entry(at)
                .ok_or_else(|| bad(format!("the line at byte {at} is not one of packed-refs")))?;
            RefName::check(name)?;
            let wrong = |oid: ObjectId| oid.format() != format || oid.is_null();
            if wrong(value.oid) || value.peeled.is_some_and(wrong) || name <= last {
                return Err(bad(format!(
                    "the line at byte {at} is out of order, or of another object format"
                )));
            }
            last = name;
            at = next;
            count += 1;
        }
        table.count = count;
        Ok(table)
    }

    /// Writes and packs a table. The refs come in the order of their names.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Corrupt`] if packing fails.
    pub fn encode(refs: impl Iterator<Item = (RefName, RefValue)>) -> Result<(Self, Vec<u8>)> {
        let mut text = HEADER.to_vec();
        let mut count = 0;
        for (name, value) in refs {
            text.extend_from_slice(value.oid.to_string().as_bytes());
            text.push(b' ');
            text.extend_from_slice(name.as_bytes());
            text.push(b'\n');
            if let Some(peeled) = value.peeled {
                text.extend_from_slice(format!("^{peeled}\n").as_bytes());
            }
            count += 1;
        }
        let packed =
            zstd::bulk::compress(&text, 3).map_err(|error| corrupt("base ref table", error))?;
        Ok((
            Self {
                text: text.into(),
                count,
            },
            packed,
        ))
    }

    /// How many refs it holds.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Looks one ref up, by halving.
    pub fn get(&self, name: &[u8]) -> Option<RefValue> {
        let at = self.lower_bound(name);
        let (found, value, _) = self.entry(at)?;
        (found == name).then_some(value)
    }

    /// The refs from this name on, in order.
    pub fn iter_from(&self, name: &[u8]) -> impl Iterator<Item = (&[u8], RefValue)> {
        let mut at = self.lower_bound(name);
        std::iter::from_fn(move || {
            let (name, value, next) = self.entry(at)?;
            at = next;
            Some((name, value))
        })
    }

    fn start(&self) -> usize {
        if self.text.starts_with(b"#") {
            self.text
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(self.text.len(), |end| end + 1)
        } else {
            0
        }
    }

    /// Where the first ref at or after `name` stands.
    fn lower_bound(&self, name: &[u8]) -> usize {
        let (mut low, mut high) = (self.start(), self.text.len());
        while low < high {
            let mid = self.entry_start(low, low + (high - low) / 2);
            match self.entry(mid) {
                Some((found, _, next)) if found < name => low = next,
                Some(_) => high = mid,
                None => return high,
            }
        }
        low
    }

    /// The start of the entry that holds byte `at`; never before `low`, an entry's start.
    fn entry_start(&self, low: usize, at: usize) -> usize {
        let line = |end: usize| {
            self.text[low..end]
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(low, |nl| low + nl + 1)
        };
        let start = line(at);
        if self.text.get(start) == Some(&b'^') && start > low {
            line(start - 1)
        } else {
            start
        }
    }

    /// The entry at this position: its name, its value, and where the next one starts.
    fn entry(&self, at: usize) -> Option<(&[u8], RefValue, usize)> {
        let line_at = |from: usize| {
            let rest = self.text.get(from..)?;
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            Some((&rest[..end], from + end + 1))
        };
        let (line, mut next) = line_at(at)?;
        let space = line.iter().position(|byte| *byte == b' ')?;
        let oid = ObjectId::from_hex(&line[..space])?;
        let mut peeled = None;
        if self.text.get(next) == Some(&b'^') {
            let (tail, after) = line_at(next)?;
            peeled = Some(ObjectId::from_hex(&tail[1..])?);
            next = after;
        }
        Some((&line[space + 1..], RefValue { oid, peeled }, next))
    }
}

/// The updates since the base table: a new value, or `None` where a ref was deleted.
pub type Updates = BTreeMap<RefName, Option<RefValue>>;

/// All refs: the base with the updates laid over it.
#[derive(Debug, Clone, Default)]
pub struct RefTable {
    /// The base table; empty where there is none.
    pub base: BaseTable,
    /// What changed since.
    pub updates: Updates,
}

impl RefTable {
    /// The value of a ref.
    pub fn get(&self, name: &RefName) -> Option<RefValue> {
        match self.updates.get(name) {
            Some(update) => *update,
            None => self.base.get(name.as_bytes()),
        }
    }

    /// All refs in the order of their names' bytes.
    pub fn iter(&self) -> impl Iterator<Item = (RefName, RefValue)> {
        self.iter_from(b"")
    }

    /// The refs from this name on, in order.
    pub fn iter_from<'a>(
        &'a self,
        start: &'a [u8],
    ) -> impl Iterator<Item = (RefName, RefValue)> + 'a {
        let mut base = self.base.iter_from(start).peekable();
        let from = (Bound::Included(start), Bound::Unbounded);
        let mut updates = self.updates.range::<[u8], _>(from).peekable();
        std::iter::from_fn(move || {
            loop {
                let take_base = match (base.peek(), updates.peek()) {
                    (None, None) => return None,
                    (Some(_), None) => true,
                    (None, Some(_)) => false,
                    (Some((old, _)), Some((new, _))) => *old < new.as_bytes(),
                };
                if take_base {
                    let (name, value) = base.next()?;
                    return Some((RefName::trusted(name), value));
                }
                let (name, value) = updates.next()?;
                // An update hides the base's entry of the same name.
                base.next_if(|(old, _)| *old == name.as_bytes());
                if let Some(value) = value {
                    return Some((name.clone(), *value));
                }
            }
        })
    }

    /// An existing ref that cannot stand beside `name`: one of its folders, or one in it.
    pub fn conflict(&self, name: &RefName) -> Option<RefName> {
        let above = name
            .parents()
            .filter_map(|parent| RefName::new(parent).ok())
            .find(|parent| self.get(parent).is_some());
        above.or_else(|| {
            let mut folder = name.as_bytes().to_vec();
            folder.push(b'/');
            let below = self.iter_from(&folder).next().map(|(below, _)| below);
            below.filter(|below| below.as_bytes().starts_with(&folder))
        })
    }

    /// How many refs there are; walks the updates only.
    pub fn count(&self) -> u64 {
        let mut count = self.base.count();
        for (name, value) in &self.updates {
            match (self.base.get(name.as_bytes()).is_some(), value.is_some()) {
                (true, false) => count -= 1,
                (false, true) => count += 1,
                _ => {}
            }
        }
        count
    }

    /// The updates that turn `base` into these refs.
    pub fn updates_over(&self, base: &BaseTable) -> Updates {
        let mut updates = Updates::new();
        let mut old = base.iter_from(b"").peekable();
        for (name, value) in self.iter() {
            while let Some((gone, _)) = old.next_if(|(before, _)| *before < name.as_bytes()) {
                updates.insert(RefName::trusted(gone), None);
            }
            let same = old
                .next_if(|(before, _)| *before == name.as_bytes())
                .is_some_and(|(_, before)| before == value);
            if !same {
                updates.insert(name, Some(value));
            }
        }
        updates.extend(old.map(|(gone, _)| (RefName::trusted(gone), None)));
        updates
    }
}

#[cfg(test)]
mod tests;
