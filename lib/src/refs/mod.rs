//! Refs: their names, what they point at, and what became of moving them.

mod edit;
mod name;
mod outcome;
pub mod pattern;

pub use edit::{Expected, RefEdit, RefValue};
pub use name::RefName;
pub use outcome::{Outcome, Refusal};
