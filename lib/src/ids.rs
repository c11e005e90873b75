//! Chance as a value passed in.

use crate::error::{Error, ErrorKind, Result};
use std::fmt::Debug;

/// A source of fresh random bytes.
pub trait Ids: Debug + Send + Sync {
    /// Fills `out` with chance.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the system has none to give.
    fn fill(&self, out: &mut [u8]) -> Result<()>;

    /// 32 hex digits, never seen before and never again.
    ///
    /// # Errors
    ///
    /// As [`Ids::fill`].
    fn hex(&self) -> Result<String> {
        let mut bytes = [0; 16];
        self.fill(&mut bytes)?;
        Ok(crate::oid::hex(&bytes))
    }

    /// A number below `bound`; 0 if `bound` is 0. Good enough for jitter.
    ///
    /// # Errors
    ///
    /// As [`Ids::fill`].
    fn below(&self, bound: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes).checked_rem(bound).unwrap_or(0))
    }
}

/// The operating system's source of chance.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the system is asked for chance"
    )]
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        getrandom::fill(out).map_err(|error| {
            Error::new(
                ErrorKind::Local,
                format!("cannot get random bytes: {error}"),
            )
        })
    }
}
