//! Ids from a seed.

use crate::seed::Chance;
use pail::Result;
use pail::ids::Ids;
use std::sync::{Mutex, PoisonError};

/// Chance that is the same in every run.
///
/// Two clients of one world need different seeds, or they make the same "fresh" names.
#[derive(Debug)]
pub struct SeededIds(Mutex<Chance>);

impl SeededIds {
    /// The ids of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(Chance::new(seed)))
    }
}

impl Ids for SeededIds {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        let mut chance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.copy_from_slice(&chance.bytes(out.len()));
        Ok(())
    }
}
