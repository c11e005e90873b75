//! Large files that git does not hold itself: each lies in the bucket as one file of its own.

pub mod annex;
pub mod lfs;
