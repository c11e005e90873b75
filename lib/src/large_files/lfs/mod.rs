//! Git LFS objects: `lfs/<oid>` under the repository's prefix, where other tools have them too.
//!
//! An object is named by the SHA-256 of its bytes, so nothing about it ever changes: who finds
//! it there need not send it, and whoever sends it twice does no harm. Nothing is listed, and
//! nothing goes by unhashed: [`put`] sends only what has the name that it goes by, [`get`]
//! hands out only that.
//!
//! ```
//! use pail::large_files::lfs::{self, Folder, Object, Sent};
//! use pail::{clock::SystemClock, ids::SystemIds, progress::Quiet};
//! use pail::store::{Limits, adapter::memory::Memory};
//! use std::sync::Arc;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! # let dir = tempfile::tempdir()?;
//! let (store, limits) = (Memory::new(), Limits::default());
//! let folder = Folder::new(dir.path(), Arc::new(SystemIds), Arc::new(SystemClock));
//! let hello = Object {
//!     oid: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824".parse()?,
//!     size: 5,
//! };
//! let file = dir.path().join("hello");
//! std::fs::write(&file, "hello")?;
//! let sent = lfs::put(&store, &hello, &file, limits, &Quiet, &folder).await?;
//! assert_eq!(sent, Sent::Uploaded);
//! let sent = lfs::put(&store, &hello, &file, limits, &Quiet, &folder).await?;
//! assert_eq!(sent, Sent::Present);
//! let came = lfs::get(&store, &hello, limits, &Quiet, &folder).await?;
//! assert_eq!(std::fs::read(came)?, b"hello");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod folder;
mod get;
mod object;
mod pointer;
mod put;
mod sum;

pub use folder::Folder;
pub use get::get;
pub use object::{Object, Oid, PREFIX};
pub use pointer::{MAX_POINTER, pointer};
pub use put::{Sent, put};
