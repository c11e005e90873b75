//! The user's repository, through git's own plumbing. Real git, in tests too.

mod annex;
mod bare;
mod cat_file;
mod changed_paths;
mod command;
mod config;
mod index_pack;
mod lfs;
mod migrate;
mod pack_objects;
mod pipe;
mod repack;
mod repository;
mod rev_list;
mod scratch;
mod small_blobs;
mod spool;

pub use annex::annex_knows;
pub use cat_file::Found;
pub use command::Git;
pub use config::Config;
pub(crate) use index_pack::KEEP_MARK;
pub use index_pack::{Check, Install, Installed, Sink};
pub use lfs::LfsRepository;
pub use pack_objects::{PackRequest, SpooledPack};
pub use repack::Kinds;
pub use repository::Repository;
pub use scratch::{PackFault, Scratch};
pub(crate) use spool::PREFIX as SPOOL_PREFIX;
pub use spool::Spool;
