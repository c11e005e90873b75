//! `cargo xtask demo`: builds the program and lets it show its main job.

use crate::process;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Builds `git-pail` and runs its own `demo` in a new folder, which is removed afterwards.
pub fn run() -> Result<(), String> {
    process::run(&mut process::cargo(&["build", "--package", "git-pail"]))?;
    let program = process::target()?
        .join("debug")
        .join(format!("git-pail{}", env::consts::EXE_SUFFIX));
    let folder = Folder::new()?;
    process::run(
        Command::new(program)
            .arg("demo")
            .current_dir(&folder.0)
            .env("TMPDIR", &folder.0),
    )
}

/// A new, empty folder outside the project, so that git finds no repository above it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let path = env::temp_dir().join(format!("git-pail-demo-{}", std::process::id()));
        fs::create_dir(&path)
            .map_err(|error| format!("cannot create {}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("warning: cannot remove {}: {error}", self.0.display());
        }
    }
}
