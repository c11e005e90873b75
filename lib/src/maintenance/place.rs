//! Pure: whose a key is.

use crate::format::keys;
use crate::large_files::lfs::Oid;

/// Whether an upload to this key is the business of the repository whose prefix it lies under.
/// Below that prefix there may be other repositories, and whatever else a bucket holds.
pub(super) fn is_uploaded_here(key: &str) -> bool {
    // In a folder, what dead writers left has names of its own, whosever they were.
    let is_temporary = || key.rsplit('/').any(|part| part.starts_with(".pail-"));
    keys::perishable(key).is_some() || Oid::from_key(key).is_some() || is_temporary()
}

/// The folders of this layout, but for those of packs and LFS objects.
const OWN: [&str; 5] = [
    keys::TABLES,
    keys::SEGMENTS,
    keys::ASIDES,
    keys::PROBES,
    keys::LEASES,
];

/// Whose a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Always there, or not this layout's business.
    Expected,
    /// Of a kind that this layout names.
    Own,
    /// Nobody's that is known.
    Other,
}

impl Place {
    pub(super) fn of(key: &str) -> Self {
        let published = ["HEAD", "config", "info/refs", "objects/info/packs"];
        let root = [keys::MANIFEST, keys::LOCKS, keys::SHARERS, keys::CONDEMNED].contains(&key);
        if root || key.starts_with("lfs/") || published.contains(&key) {
            Self::Expected
        } else if keys::pack_name(key).is_some() || OWN.iter().any(|folder| key.starts_with(folder))
        {
            Self::Own
        } else {
            Self::Other
        }
    }
}
