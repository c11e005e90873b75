//! The services, one file each.

mod address;
mod asked;
pub mod azure;
mod checked;
mod document;
pub mod folder;
pub mod google;
pub(in crate::store) mod http;
#[cfg(feature = "long-tail")]
pub mod long_tail;
pub mod memory;
mod name;
mod pages;
pub mod s3;
pub(in crate::store) mod signing;
mod xml;
