//! An object store as a full Git remote, with no server in between.
//!
//! A *repository* lies under a prefix of a *bucket*: ordinary git packs, written once, and
//! one small *manifest* that names them and holds the refs. A push uploads a pack and then
//! swaps the manifest for one that names it, if nobody else has swapped it meanwhile; that
//! swap is the commit. A fetch reads the manifest and takes the packs that it lacks.
//!
//! [`Remote`] is the front door; `docs/architecture.md` has the way of a push and of a fetch
//! through the modules below it.
//!
//! ```
//! use pail::store::{Limits, adapter::memory::Memory};
//! use pail::transaction::Cache;
//! use pail::transfer::Context;
//! use pail::{ObjectFormat, Remote, clock::SystemClock, ids::SystemIds, progress::Quiet};
//! use std::sync::Arc;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! let remote = Remote::new(Context {
//!     store: Arc::new(Memory::new()),
//!     cache: Cache::default(),
//!     ids: Arc::new(SystemIds),
//!     clock: Arc::new(SystemClock),
//!     limits: Limits::default(),
//!     lease: false,
//!     progress: Arc::new(Quiet),
//! });
//! let who = "Ada <ada@example.org>".to_owned();
//! assert!(remote.init(ObjectFormat::Sha1, None, who).await?);
//! let now = remote.existing().await?;
//! assert_eq!((now.manifest.generation, now.refs.count()), (1, 0));
//! # Ok::<_, pail::Error>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

pub mod clock;
pub mod error;
pub mod foreign;
pub mod format;
pub mod ids;
pub mod key;
pub mod large_files;
pub mod local;
pub mod maintenance;
mod near;
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
