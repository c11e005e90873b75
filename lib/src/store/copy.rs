//! Copies that a service makes by itself.

/// Where a file lies, as a store of the same service can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// The service, and on Azure the account: only what has the same is copied.
    pub(in crate::store) service: String,
    /// The bucket, as the service calls it.
    pub(in crate::store) bucket: String,
    /// The name of the file in the whole bucket.
    pub(in crate::store) name: String,
}

/// What became of a copy.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// The file is in the bucket, whole.
    Done,
    /// The service does not do it: the other file is not of this service or account, may not
    /// be read with the credentials of this store, is too large, or whatever the reason. Who
    /// reads it there and writes it here gets on, or is told what is wrong.
    NotHere,
}
