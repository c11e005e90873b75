//! What a bucket can promise.

/// How a bucket settles two writers of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionalPut {
    /// It writes only if the file is absent or has the version that was named, atomically.
    Version,
    /// It cannot, or nobody knows whether it can.
    None,
}

/// What a bucket can promise, as declared by its adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// How it settles two writers of one file.
    pub conditional_put: ConditionalPut,
    /// Whether the promise must be tried before a repository's first write: real
    /// services answer 200 and ignore the condition.
    pub probe: bool,
    /// Smallest part of a large file but the last, in bytes.
    pub min_part: u64,
    /// Largest part of a large file, in bytes.
    pub max_part: u64,
    /// Most parts of one file.
    pub max_parts: u32,
    /// Whether listings come in the order of the keys' bytes. Not every service that
    /// speaks S3 keeps to that.
    pub ordered: bool,
    /// Whether two uploads of one file stand apart, so that the one that ends later stands.
    /// Elsewhere the first that is completed ends the other.
    pub uploads_apart: bool,
    /// Most files that one request deletes; 1 where each needs its own.
    pub deletes: usize,
    /// Whether the service copies files by itself.
    pub copies: bool,
    /// Whether the bytes cross a network, so that parallel ranges and larger parts pay.
    pub remote: bool,
}
