//! The services, one file each.

pub mod memory;
