//! The surroundings as a value passed in.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

/// Where settings and secrets of the surroundings are looked up.
///
/// A plain map serves in tests.
pub trait Env: Debug + Send + Sync {
    /// The value of a variable; `None` if it is not set, is empty, or is not text.
    fn var(&self, name: &str) -> Option<String>;

    /// The user's home folder.
    fn home(&self) -> Option<PathBuf> {
        let home = self.var("HOME").or_else(|| self.var("USERPROFILE"));
        home.map(PathBuf::from)
    }
}

/// The environment of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEnv;

impl Env for SystemEnv {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the library reads the environment"
    )]
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }
}

impl Env for BTreeMap<String, String> {
    fn var(&self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.is_empty()).cloned()
    }
}
