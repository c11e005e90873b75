//! Looking after the LFS objects of a bucket: what is there, what is broken, what nobody needs.
//!
//! Objects lie under `lfs/`, each by itself, and no manifest names them: the pointer files of
//! the history do. So what is needed is told by the history, which is gathered into a
//! temporary repository. Nothing here is needed for pushing or fetching.

mod copy;
mod fsck;
mod gc;
mod names;
mod stored;
mod sweep;

pub use copy::{CopyPlan, CopySum, copy, plan_copy};
pub use fsck::{Checked, fsck};
pub use gc::{GcPlan, GcRequest, plan_gc};
pub use names::Names;
pub use stored::{Stored, StoredObject, stored};
pub use sweep::{Swept, look_at_condemned, sweep};
