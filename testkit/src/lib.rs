//! Doubles, worlds and nets for the tests of git-pail; never published.
//!
//! Everything that has chance in it takes a seed, and says it when a test fails:
//! `PAIL_SEED=<n>` repeats that run.

pub mod clock;
pub mod conformance;
pub mod crash;
pub mod credentials_fake;
pub mod fault;
pub mod forward_proxy;
pub mod git;
pub mod google;
pub mod history;
pub mod ids;
pub mod interleave;
pub mod programs;
pub mod repo;
pub mod scrub;
pub mod seed;
pub mod services;
pub mod tap;
pub mod twist;
pub mod wire_proxy;
