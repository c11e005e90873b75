//! Every key of the native layout, in both directions. Keys are spelled here only.

use crate::error::Result;
use crate::key::Key;

/// The one file that ever changes: the root of the repository.
pub const MANIFEST: &str = "pail/manifest.json";

/// Who works on which file. It changes, too; no ref and no object hangs on it.
pub const LOCKS: &str = "pail/locks.json";

/// Which repositories keep LFS objects here. It changes, too.
pub const SHARERS: &str = "pail/lfs-sharers.json";

/// Which LFS objects `git pail lfs gc` will delete. It changes, too.
pub const CONDEMNED: &str = "pail/lfs-condemned.json";

/// Where packs and their indexes lie.
pub const PACKS: &str = "objects/pack/";

/// Where base ref tables lie.
pub const TABLES: &str = "pail/refs/";

/// Where older parts of the push log lie.
pub const SEGMENTS: &str = "pail/log/";

/// Where lists of older alternatives to packs lie.
pub const ASIDES: &str = "pail/aside/";

/// Where a bucket is tried before the first write.
pub const PROBES: &str = "pail/probe/";

/// Where writers claim the lease, in a bucket that cannot compare and swap.
pub const LEASES: &str = "pail/lease/";

/// Everything of the native layout that is neither pack nor LFS object.
pub const ROOT: &str = "pail/";

fn checked(path: String) -> Result<Key> {
    Key::new(path)
}

/// `pail/manifest.json`
///
/// # Errors
///
/// None in practice: the key is constant.
pub fn manifest() -> Result<Key> {
    checked(MANIFEST.to_owned())
}

/// [`LOCKS`].
///
/// # Errors
///
/// Never: its name is good.
pub fn locks() -> Result<Key> {
    checked(LOCKS.to_owned())
}

/// [`SHARERS`].
///
/// # Errors
///
/// As [`locks`].
pub fn sharers() -> Result<Key> {
    checked(SHARERS.to_owned())
}

/// [`CONDEMNED`].
///
/// # Errors
///
/// As [`locks`].
pub fn condemned() -> Result<Key> {
    checked(CONDEMNED.to_owned())
}

/// `objects/pack/pack-<name>.pack`
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] if the name is not one for a key.
pub fn pack(name: &str) -> Result<Key> {
    checked(format!("{PACKS}pack-{name}.pack"))
}

/// `objects/pack/pack-<name>.idx`
///
/// # Errors
///
/// As [`pack`].
pub fn index(name: &str) -> Result<Key> {
    checked(format!("{PACKS}pack-{name}.idx"))
}

/// `pail/refs/<id>`
///
/// # Errors
///
/// As [`pack`].
pub fn table(id: &str) -> Result<Key> {
    checked(format!("{TABLES}{id}"))
}

/// `pail/log/<first>-<last>-<id>`
///
/// # Errors
///
/// As [`pack`].
pub fn segment(first: u64, last: u64, id: &str) -> Result<Key> {
    checked(format!("{SEGMENTS}{first}-{last}-{id}"))
}

/// `pail/log/moves-<id>`
///
/// # Errors
///
/// As [`pack`].
pub fn moves(id: &str) -> Result<Key> {
    checked(format!("{SEGMENTS}moves-{id}"))
}

/// `pail/aside/<id>`
///
/// # Errors
///
/// As [`pack`].
pub fn aside(id: &str) -> Result<Key> {
    checked(format!("{ASIDES}{id}"))
}

/// `pail/probe/<id>`
///
/// # Errors
///
/// As [`pack`].
pub fn probe(id: &str) -> Result<Key> {
    checked(format!("{PROBES}{id}"))
}

/// `pail/lease/<id>`
///
/// # Errors
///
/// As [`pack`].
pub fn lease(id: &str) -> Result<Key> {
    checked(format!("{LEASES}{id}"))
}

/// The name of a pack, told from the key of its `.pack` or `.idx`.
pub fn pack_name(key: &str) -> Option<&str> {
    let file = key.strip_prefix(PACKS)?.strip_prefix("pack-")?;
    let name = file
        .strip_suffix(".pack")
        .or_else(|| file.strip_suffix(".idx"))?;
    is_hex(name, &[40, 64]).then_some(name)
}

/// The key of a file that is written once and may one day be deleted: a pack, an index, a
/// base table, a part of the log, a list of packs, a scratch file. `None` for everything else, the manifest
/// above all.
pub fn perishable(key: &str) -> Option<Key> {
    let id = |text: &str| is_hex(text, &[32]);
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let log = |file: &str| match file.split('-').collect::<Vec<_>>()[..] {
        ["moves", one] => id(one),
        [first, last, one] => number(first) && number(last) && id(one),
        _ => false,
    };
    let ours = pack_name(key).is_some()
        || key.strip_prefix(TABLES).is_some_and(id)
        || key.strip_prefix(SEGMENTS).is_some_and(log)
        || key.strip_prefix(ASIDES).is_some_and(id)
        || key.strip_prefix(PROBES).is_some_and(id);
    ours.then(|| Key::new(key).ok()).flatten()
}

/// Whether a key is that of an older part of the push log, which a push alone never writes
/// first.
pub(crate) fn is_segment(key: &str) -> bool {
    is_log(key) && perishable(key).is_some() && !key[SEGMENTS.len()..].starts_with("moves-")
}

/// Whether a key is that of a part of the push log.
pub(crate) fn is_log(key: &str) -> bool {
    key.starts_with(SEGMENTS)
}

/// Whether a key is that of a list of older alternatives to packs.
pub(crate) fn is_aside(key: &str) -> bool {
    key.starts_with(ASIDES)
}

/// Whether a text is lower-case hex of one of these lengths.
pub(crate) fn is_hex(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_pack_goes_into_its_keys_and_comes_out() {
        let name = "0123456789abcdef0123456789abcdef01234567";
        for key in [pack(name).unwrap(), index(name).unwrap()] {
            assert_eq!(pack_name(key.as_str()), Some(name));
        }
        assert_eq!(pack_name("objects/pack/pack-0123.pack"), None);
        assert_eq!(pack_name("objects/pack/multi-pack-index"), None);
    }

    #[test]
    fn what_may_be_deleted_is_told_from_what_may_not() {
        let (name, id) = ("0".repeat(40), "1".repeat(32));
        for key in [
            pack(&name),
            index(&name),
            table(&id),
            segment(1, 40, &id),
            moves(&id),
            aside(&id),
            probe(&id),
        ] {
            let key = key.unwrap();
            assert_eq!(perishable(key.as_str()), Some(key));
        }
        for other in [
            MANIFEST,
            LOCKS,
            SHARERS,
            CONDEMNED,
            "HEAD",
            "lfs/0000",
            "objects/pack/multi-pack-index",
            "pail/log/1-2-3-4",
            "pail/log/../manifest.json",
        ] {
            assert_eq!(perishable(other), None, "{other}");
        }
    }
}
