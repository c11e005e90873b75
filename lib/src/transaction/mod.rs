//! Changing the manifest so that nobody's change is lost.
//!
//! Comes in: a manifest, and what shall change. Goes out: the manifest that the bucket now
//! has, and what became of each edit. This is step 1 and step 5 of a push.

mod commit;
mod files;
pub mod lease;
mod older_log;
mod probe;
mod rebase;
mod rework;
mod snapshot;
mod uploads;

pub use commit::{Committed, Committer, Verdict};
pub use files::{Cache, read_aside, read_log, read_moves};
pub use older_log::{OlderLog, with_log};
pub use probe::{Broken, Effort, Promise, Writes, examine, probe};
pub use rebase::{Applied, Basis, Change, HeadChange, NewPack, Overflow, apply, overflow};
pub(crate) use rework::stands_in;
pub use rework::{AsideRework, LogRework, Rework};
pub use snapshot::Snapshot;
