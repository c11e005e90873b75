//! The services, one file each.

pub mod azure;
mod document;
pub mod folder;
pub mod google;
pub(in crate::store) mod http;
pub mod memory;
pub mod s3;
pub(in crate::store) mod signing;
