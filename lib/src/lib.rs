//! An object store as a full Git remote, with no server in between.
//!
//! A *repository* lies under a prefix of a *bucket*: ordinary git packs, written once, and
//! one small *manifest* that names them and holds the refs. A push uploads a pack and then
//! swaps the manifest for one that names it, if nobody else has swapped it meanwhile; that
//! swap is the commit. A fetch reads the manifest and takes the packs that it lacks.

pub mod clock;
pub mod error;
pub mod foreign;
pub mod format;
pub mod ids;
pub mod key;
pub mod local;
pub mod oid;
pub mod progress;
pub mod refs;
pub mod remote;
pub mod secret;
pub mod store;
pub mod transaction;
pub mod transfer;

pub use error::{Error, ErrorKind, Result};
pub use key::Key;
pub use oid::{ObjectFormat, ObjectId};
pub use remote::Remote;
