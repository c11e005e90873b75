//! The programs of others that the tests run, beside git: installed before a run, and found
//! by the tests through variables, as the services are.
//!
//! One that cannot be installed fails the run: tests that were left out would look like tests
//! that passed.

mod annex;
mod lfs;

use crate::process;
use std::path::{Path, PathBuf};

/// Which of them a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// What every run needs.
    Usual,
    /// The older versions, too, that people still have.
    Old,
}

/// A program with the variable by which the tests find it.
struct Program {
    variable: &'static str,
    need: Need,
    /// Installs it below the target folder, if it is not there; the folder for `PATH`.
    install: fn(&Path) -> Result<PathBuf, String>,
    /// The same folder, if it is there wholly.
    installed: fn(&Path) -> Option<PathBuf>,
}

const PROGRAMS: &[Program] = &[
    Program {
        variable: "PAIL_TEST_ANNEX",
        need: Need::Usual,
        install: annex::newest,
        installed: annex::installed_newest,
    },
    Program {
        variable: "PAIL_TEST_ANNEX_OLD",
        need: Need::Old,
        install: annex::debian,
        installed: annex::installed_debian,
    },
    Program {
        variable: "PAIL_TEST_LFS",
        need: Need::Usual,
        install: lfs::newest,
        installed: lfs::installed_newest,
    },
    Program {
        variable: "PAIL_TEST_LFS_DEBIAN",
        need: Need::Usual,
        install: lfs::debian,
        installed: lfs::installed_debian,
    },
];

/// Installs what is missing.
pub fn install(need: Need) -> Result<(), String> {
    let target = process::target()?;
    annex::companions()?;
    for program in PROGRAMS {
        if need == Need::Old || program.need == Need::Usual {
            (program.install)(&target)?;
        }
    }
    Ok(())
}

/// The variables by which the tests find those that are installed.
pub fn settings() -> Result<Vec<(&'static str, String)>, String> {
    let target = process::target()?;
    let found = PROGRAMS.iter().filter_map(|program| {
        let folder = (program.installed)(&target)?;
        Some((program.variable, folder.display().to_string()))
    });
    Ok(found.collect())
}
