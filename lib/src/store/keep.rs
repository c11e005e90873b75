//! What has come of a download, kept for the next run.

use bytes::Bytes;
use std::ops::Range;

/// Where what comes is kept until all of it has come, so that a later run asks for the rest
/// only. Files are named by their place in the list.
pub trait Keep: Send + Sync {
    /// The bytes that are here already from the start of this range on, and no further than
    /// its end.
    fn left(&self, file: usize, range: Range<u64>) -> Vec<Bytes>;

    /// Takes bytes that came, and the place at which they stand. What cannot be kept is let
    /// go: the download does not fail for it.
    fn came(&self, file: usize, at: u64, bytes: &Bytes);
}

/// Nothing is kept.
#[derive(Debug, Clone, Copy)]
pub struct KeepNothing;

impl Keep for KeepNothing {
    fn left(&self, _: usize, _: Range<u64>) -> Vec<Bytes> {
        Vec::new()
    }

    fn came(&self, _: usize, _: u64, _: &Bytes) {}
}
