//! Large files that git does not hold itself: each lies in the bucket as one file of its own;
//! and who works on which file.

pub mod annex;
pub mod condemned;
mod journal;
pub mod leftovers;
pub mod lfs;
pub mod locks;
pub mod sharers;
mod swapped;

pub use swapped::Swapper;
