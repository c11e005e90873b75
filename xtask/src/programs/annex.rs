//! git-annex: the newest, from PyPI, and that of Debian 12, unpacked without root.

use crate::process;
use crate::tools::{self, Wheel};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The newest release.
const NEWEST: Wheel = Wheel {
    name: "git-annex",
    version: "10.20261026",
    program: "git_annex/git-annex",
};

/// The version of Debian 12.
const DEBIAN: &str = "10.20230126";

/// Its package, and the libraries that it loads which not every Debian has.
const PACKAGES: &[&str] = &[
    "git-annex",
    "libffi8",
    "libgmp10",
    "libmagic-mgc",
    "libmagic1",
    "libsqlite3-0",
    "libyaml-0-2",
];

/// The names under which it is started: which one decides what it does.
const NAMES: [&str; 3] = ["git-annex", "git-annex-shell", "git-remote-annex"];

/// Installs the newest; the folder for `PATH`.
pub fn newest(target: &Path) -> Result<PathBuf, String> {
    let program = tools::wheel(target, &NEWEST)?;
    let folder = newest_folder(target);
    if installed_newest(target).is_none() {
        // The wheel brings the list of file types that its library wants.
        let magic = program.with_file_name("magic.mgc");
        wrap(&folder, &program, "MAGIC", &magic)?;
    }
    Ok(folder)
}

/// The same folder, if it is there.
pub fn installed_newest(target: &Path) -> Option<PathBuf> {
    Some(newest_folder(target)).filter(|folder| folder.join("complete").exists())
}

fn newest_folder(target: &Path) -> PathBuf {
    let name = format!("git-annex-{}-path", NEWEST.version);
    target.join("tools").join(name)
}

/// Installs that of Debian 12; the folder for `PATH`.
pub fn debian(target: &Path) -> Result<PathBuf, String> {
    let folder = debian_folder(target);
    let _lock = tools::lock(&target.join("tools").join("lock"))?;
    if installed_debian(target).is_some() {
        return Ok(folder);
    }
    let unpacked = folder.with_extension("unpacked");
    eprintln!("installing git-annex {DEBIAN} of Debian 12");
    tools::debian_packages(PACKAGES, &unpacked).map_err(|error| {
        format!(
            "cannot install git-annex of Debian 12: {error}\n\
             hint: a run with --annex needs Debian 12"
        )
    })?;
    let program = unpacked.join("usr/bin/git-annex");
    let said = process::output(
        Command::new(&program)
            .args(["version", "--raw"])
            .env("LD_LIBRARY_PATH", libraries(&unpacked)?),
    )?;
    if !said.starts_with(DEBIAN) {
        return Err(format!(
            "cannot use git-annex {said} in the place of {DEBIAN}\n\
             hint: a run with --annex needs Debian 12"
        ));
    }
    wrap(&folder, &program, "LD_LIBRARY_PATH", &libraries(&unpacked)?)?;
    Ok(folder)
}

/// The same folder, if it is there.
pub fn installed_debian(target: &Path) -> Option<PathBuf> {
    Some(debian_folder(target)).filter(|folder| folder.join("complete").exists())
}

fn debian_folder(target: &Path) -> PathBuf {
    target.join("tools").join("git-annex-debian")
}

/// Where the unpacked libraries lie: below a folder with the name of the architecture.
fn libraries(unpacked: &Path) -> Result<PathBuf, String> {
    let root = unpacked.join("usr/lib");
    let folders = fs::read_dir(&root).into_iter().flatten().flatten();
    let mut folders = folders.map(|entry| entry.path());
    folders
        .find(|folder| folder.join("libmagic.so.1").exists())
        .ok_or_else(|| format!("cannot find libmagic.so.1 below {}", root.display()))
}

/// Makes a folder for `PATH` whose programs start `program` with one variable set.
fn wrap(folder: &Path, program: &Path, variable: &str, value: &Path) -> Result<(), String> {
    let at = |error: std::io::Error| format!("cannot set up {}: {error}", folder.display());
    tools::remove(folder)?;
    let links = folder.join("links");
    fs::create_dir_all(&links).map_err(at)?;
    for name in NAMES {
        let link = links.join(name);
        let script = format!(
            "#!/bin/sh\n{variable}='{}' exec '{}' \"$@\"\n",
            value.display(),
            link.display()
        );
        let path = folder.join(name);
        fs::write(&path, script).map_err(at)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt, symlink};
            fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).map_err(at)?;
            symlink(program, link).map_err(at)?;
        }
    }
    #[cfg(not(unix))]
    let _ = program;
    fs::write(folder.join("complete"), "").map_err(at)
}

/// Sees to it that GnuPG is there, which git-annex encrypts with.
pub fn companions() -> Result<(), String> {
    let there = || process::output(Command::new("gpg").arg("--version"));
    let Err(reason) = there() else { return Ok(()) };
    eprintln!("{reason}\ninstalling GnuPG");
    tools::apt_install(&["gnupg"])?;
    there().map(drop)
}
