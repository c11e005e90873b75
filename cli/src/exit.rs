//! Exit codes, in one table.

/// Everything went well.
pub const OK: u8 = 0;
/// The command failed; the reason is on standard error.
pub const FAILED: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// A remote helper failed, as git's own do.
pub const HELPER: u8 = 128;
/// Stopped by SIGINT or its kin.
pub const INTERRUPTED: u8 = 130;
