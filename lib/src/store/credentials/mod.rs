//! Where the secrets of a service come from.
//!
//! Each cloud has a folder with its chain of sources. What they share is here: nothing is
//! asked before a request needs it, what was found is kept until shortly before it ends,
//! and with it, in words, where it came from.

pub(in crate::store) mod aws;
pub(in crate::store) mod azure;
pub(in crate::store) mod git;
pub(in crate::store) mod google;
mod kept;
pub(in crate::store) mod web;

pub(in crate::store) use kept::{Found, Kept};

/// The beginning of the id of a key, enough to tell it from others.
///
/// The id of an access key is no secret, but there is no need to show all of it.
pub(in crate::store) fn shortened(id: &str) -> String {
    let shown: String = id.chars().take(8).collect();
    if shown.len() < id.len() {
        format!("{shown}…")
    } else {
        shown
    }
}

/// What a service said, fit to be shown: one line of a bounded length.
pub(in crate::store) fn said(text: &str) -> String {
    const MOST: usize = 300;
    let clean = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean = clean.chars().filter(|c| !c.is_control());
    clean.take(MOST).collect()
}
