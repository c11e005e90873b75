//! What the nets over interleavings have in common.

use crate::it::ledger::Ledger;
use std::collections::BTreeMap;
use testkit::interleave::Explored;

/// Says how far a search came.
pub(crate) fn ran(what: &str, explored: Explored) {
    let how = if explored.exhaustive {
        "exhaustive"
    } else {
        "drawn"
    };
    eprintln!(
        "schedules: {} ({how}, up to {} steps): {what}",
        explored.runs, explored.steps
    );
    assert!(explored.runs > 1);
}

/// The refs of a bucket as text; none of one without a repository.
pub(crate) fn refs(ledger: Option<&Ledger>) -> BTreeMap<String, String> {
    let refs = ledger.map(Ledger::refs).unwrap_or_default();
    refs.iter()
        .map(|(name, oid)| (name.to_string(), oid.to_string()))
        .collect()
}
