//! Work on a repository that nobody asked git for: is it right, could its packs be fewer and
//! better, what does nobody need any more?
//!
//! What changes something starts from a manifest and makes a plan that can be shown; carried
//! out, it is one commit through the same loop as a push. Every step may be killed at any
//! moment; what that leaves is a file that no manifest names. See
//! `docs/design/0008-maintenance.md`.

mod aside;
mod bench;
pub mod doctor;
mod finding;
mod forget_log;
pub mod fsck;
mod gather;
mod gc;
mod join_log;
mod leftovers;
mod lender;
pub mod levels;
pub mod lfs;
mod merge;
mod place;
pub mod restore;
mod retained;
mod run;
mod same_objects;
pub mod stats;
pub mod sweep;
mod workshop;

pub use bench::Bench;
pub use finding::{Finding, Severity};
pub use forget_log::{forget_log, forgotten};
pub use gc::{Collected, When, gc};
pub use join_log::{join_log, segments_to_join};
pub use merge::{Merged, merge};
pub use run::{Plan, Report, is_due, plan, run};
pub use workshop::{WORKSHOPS, Workshop};
