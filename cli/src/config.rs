//! The git config keys that we read, in one table.

/// One key of git's configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name, as git's documentation spells such names.
    pub name: &'static str,
    /// What it can be.
    pub kind: &'static str,
    /// What it is if it is not set.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

impl Key {
    /// Its name as git lists it, of one without a middle part.
    #[must_use]
    pub fn listed(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

/// How what is fetched is verified.
pub const VERIFY: Key = Key {
    name: "pail.verify",
    kind: "`objects` or `checksum`",
    default: "`objects`",
    help: "How a fetched pack is verified: the id of every object, or only the checksum of the pack, which is faster and trusts the bucket",
};

/// Whether downloads that are cut off are kept.
pub const KEEP_DOWNLOADS: Key = Key {
    name: "pail.keepDownloads",
    kind: "boolean",
    default: "`true`",
    help: "Whether what has come of a large pack is kept in the cache folder (see `PAIL_CACHE`) until the pack is installed, so that a fetch or clone that was cut off goes on where it was",
};

/// Below how many objects a fetch unpacks.
pub const FETCH_UNPACK_LIMIT: Key = Key {
    name: "fetch.unpackLimit",
    kind: "number",
    default: "`transfer.unpackLimit`",
    help: "A fetch of fewer objects unpacks them into loose ones; one of more keeps the pack",
};

/// The same for fetch and push.
pub const TRANSFER_UNPACK_LIMIT: Key = Key {
    name: "transfer.unpackLimit",
    kind: "number",
    default: "100",
    help: "Stands in for `fetch.unpackLimit`",
};

/// Whether fetched objects are checked as `git fsck` does.
pub const FETCH_FSCK: Key = Key {
    name: "fetch.fsckObjects",
    kind: "boolean",
    default: "`transfer.fsckObjects`",
    help: "Whether fetched objects are checked as `git fsck` checks them, before they become visible",
};

/// The same for fetch and push.
pub const TRANSFER_FSCK: Key = Key {
    name: "transfer.fsckObjects",
    kind: "boolean",
    default: "`false`",
    help: "Stands in for `fetch.fsckObjects`",
};

/// What each finding of such a check comes to.
pub const FSCK_SEVERITY: Key = Key {
    name: "fetch.fsck.<msg-id>",
    kind: "`error`, `warn` or `ignore`",
    default: "git's own",
    help: "What a finding of that check comes to",
};

/// Which objects such a check passes over.
pub const FSCK_SKIP_LIST: Key = Key {
    name: "fetch.fsck.skipList",
    kind: "path",
    default: "none",
    help: "A file of object ids that the check passes over",
};

/// Whether git made a partial clone here.
pub const PARTIAL_CLONE: Key = Key {
    name: "extensions.partialClone",
    kind: "name of a remote",
    default: "none",
    help: "Set by git in a partial clone: objects that are missing are no fault then",
};

/// Whether a remote promises what is missing.
pub const PROMISOR: Key = Key {
    name: "remote.<name>.promisor",
    kind: "boolean",
    default: "`false`",
    help: "As `extensions.partialClone`",
};

/// The proxy of git's own HTTP.
pub const PROXY: Key = Key {
    name: "http.proxy",
    kind: "URL, or empty for none",
    default: "the environment's",
    help: "Stands in for the option `proxy`; `remote.<name>.proxy` comes before it. The forms with a URL in the middle are not read",
};

/// The authorities of git's own HTTP.
pub const AUTHORITIES: Key = Key {
    name: "http.sslCAInfo",
    kind: "path",
    default: "the environment's",
    help: "Stands in for the option `ca-file`",
};

/// Whether a push leaves maintenance behind.
pub const AUTO_MAINTENANCE: Key = Key {
    name: "pail.autoMaintenance",
    kind: "boolean",
    default: "`true`",
    help: "Whether a push that leaves packs to be merged starts `git pail maintenance run --auto`, which goes on by itself after git has ended",
};

/// Whether maintenance takes objects from the repository that it is started in.
pub const LOCAL_OBJECTS: Key = Key {
    name: "pail.localObjects",
    kind: "boolean",
    default: "`true`",
    help: "Whether `git pail maintenance` and `git pail lfs gc` take objects from the repository that they are started in, rather than to download them",
};

/// Every key that is read.
pub const ALL: &[Key] = &[
    VERIFY,
    AUTO_MAINTENANCE,
    LOCAL_OBJECTS,
    KEEP_DOWNLOADS,
    FETCH_UNPACK_LIMIT,
    TRANSFER_UNPACK_LIMIT,
    FETCH_FSCK,
    TRANSFER_FSCK,
    FSCK_SEVERITY,
    FSCK_SKIP_LIST,
    PARTIAL_CLONE,
    PROMISOR,
    PROXY,
    AUTHORITIES,
];

/// The key that decides whether git lets a submodule use a scheme. `git pail install
/// --allow-submodules` sets it; nothing reads it but git.
#[must_use]
pub fn protocol_allow(scheme: &str) -> String {
    format!("protocol.{scheme}.allow")
}

/// Whether a name below `pail.` is that of a setting, rather than of an option of stores.
#[must_use]
pub fn is_setting(name: &str) -> bool {
    let known = |key: &Key| {
        let own = key.name.strip_prefix("pail.");
        own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    // What lies deeper has a name of its own in the middle.
    name.contains('.') || ALL.iter().any(known)
}
