//! The services, one file each.

pub mod folder;
pub mod memory;
