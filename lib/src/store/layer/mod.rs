//! Stores around a store: each adds one habit and keeps every promise of [`Store`].
//!
//! [`Store`]: crate::store::Store

mod count;
mod gate;
mod retry;

pub use count::{Count, Counts, Verb};
pub use retry::Retry;
