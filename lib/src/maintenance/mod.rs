//! Work on a repository that nobody asked git for.

mod finding;
pub mod fsck;

pub use finding::{Finding, Severity};
