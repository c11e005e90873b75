//! The services, one file each.

pub mod folder;
pub(in crate::store) mod http;
pub mod memory;
pub mod s3;
pub(in crate::store) mod signing;
