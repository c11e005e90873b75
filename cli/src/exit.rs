//! Exit codes, in one table.

/// Everything went well.
pub const OK: u8 = 0;
/// The command failed; the reason is on standard error.
pub const FAILED: u8 = 1;
/// The command line, the URL or the configuration is wrong.
pub const USAGE: u8 = 2;
/// A check went through, and found something broken.
pub const FOUND: u8 = 3;
/// A remote helper failed, as git's own do.
pub const HELPER: u8 = 128;
/// Stopped by SIGINT or its kin.
pub const INTERRUPTED: u8 = 130;

/// Every code with what it means.
pub const ALL: &[(u8, &str)] = &[
    (
        OK,
        "everything went well; also when the reader of standard output went away early",
    ),
    (
        FAILED,
        "the command failed, wholly or in part; the reason is on standard error",
    ),
    (
        USAGE,
        "the command line, the URL or the configuration is wrong; nothing was done",
    ),
    (
        FOUND,
        "`git pail fsck` or `git pail doctor` went through, and found something broken",
    ),
    (HELPER, "a remote helper failed, as git's own do"),
    (INTERRUPTED, "stopped by SIGINT, SIGTERM or SIGHUP"),
];
