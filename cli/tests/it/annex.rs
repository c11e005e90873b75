//! git-annex with our special remote: the real git-annex, on every store.
//!
//! What git-annex users may rely on is what its own remotes do. So the tests of [`content`],
//! [`export`] and [`import`] run with those, too, as `cargo xtask test --annex` has it: a test
//! that fails there expects too much.

mod archive;
mod behind;
mod chores;
mod content;
mod encryption;
mod export;
mod import;
mod interop;
mod making;
mod messages;
mod narrow;
mod requests;
mod site;
mod testremote;
mod together;
mod transfers;
