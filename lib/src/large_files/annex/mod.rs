//! Content of git-annex in a bucket.
//!
//! Comes in: git-annex's keys, the names of exported files, and paths of local files. Goes
//! out: the same bytes under the same names as git-annex's own S3 remote gives them, so that
//! a bucket can be used by both.

mod archived;
mod compress;
mod content;
mod guard;
mod key;
mod name;
mod packed;
mod parameters;
mod removal;
mod rename;
mod retrieve;
mod send;
mod tree;

pub use content::{Content, Presence};
pub use guard::{Claimed, MARKER, claim};
pub use key::AnnexKey;
pub use name::{from_key, to_key};
pub use parameters::{ALL as PARAMETERS, Parameter, Parameters, Place, USUAL_PREFIX};
pub use tree::TreeFile;
