//! What happened, never how it looks.

use std::fmt::Debug;

/// The part of an operation that is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Files go to the bucket.
    Upload,
    /// Files come from the bucket.
    Download,
}

/// Hears how far an operation has come. Called often; must be cheap.
pub trait Progress: Debug + Send + Sync {
    /// A phase begins that will move `total` bytes.
    fn begin(&self, phase: Phase, total: u64);
    /// So many more bytes have moved.
    fn advance(&self, phase: Phase, bytes: u64);
    /// The phase is over.
    fn end(&self, phase: Phase);
    /// Something that the user should know and that is no error.
    fn warn(&self, message: &str);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: Phase, _: u64) {}
    fn advance(&self, _: Phase, _: u64) {}
    fn end(&self, _: Phase) {}
    fn warn(&self, _: &str) {}
}
