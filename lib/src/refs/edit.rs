//! What a push asks of one ref.

use super::RefName;
use crate::oid::ObjectId;

/// What a ref points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RefValue {
    /// The object that the ref names.
    pub oid: ObjectId,
    /// Where that object is an annotated tag: the object at the end of the chain of tags.
    pub peeled: Option<ObjectId>,
}

impl RefValue {
    /// A value that is not an annotated tag.
    pub fn plain(oid: ObjectId) -> Self {
        Self { oid, peeled: None }
    }
}

/// The old value that an edit expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there.
    Any,
    /// The ref must not exist.
    Absent,
    /// The ref must name exactly this object.
    Exactly(ObjectId),
}

impl Expected {
    /// Whether the ref as it is now fits.
    pub fn fits(self, now: Option<ObjectId>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => now.is_none(),
            Self::Exactly(oid) => now == Some(oid),
        }
    }
}

/// One move of one ref: a new value, or none to delete it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefEdit {
    /// The ref.
    pub name: RefName,
    /// What it shall point at; `None` deletes it.
    pub new: Option<RefValue>,
    /// The old value without which the edit is refused.
    pub expected: Expected,
    /// Whether the user asked for exactly this old value (`--force-with-lease`), which
    /// decides the words of the refusal.
    pub leased: bool,
    /// Whether the new value is known to continue the one that is expected: a protected ref
    /// takes nothing else.
    pub continues: bool,
}
