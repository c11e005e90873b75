//! The links by which git finds us: what they point at, and whose they are.

use pail::error::IoContext;
use pail::{Error, ErrorKind, Result};
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Stands in every build of this program, so that a copy of it can be told from another
/// tool's program of the same name.
const MARK: &[u8] = b"\0git-pail: every build holds these words\0";

/// This program, as the links name it.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// Where it is called from: what package managers keep the same over upgrades.
    path: PathBuf,
    /// The file itself.
    real: PathBuf,
}

/// What lies under the name of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Absent,
    /// A link to this program, or the file itself under another name.
    Ours,
    /// A link to another git-pail, one to a git-pail that is gone, or a copy.
    Stale,
    /// Somebody else's.
    Foreign,
}

impl Program {
    /// Finds this program: the first of `folders` whose `git-pail` is it, else its file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the system does not say.
    pub(super) fn find(folders: &[PathBuf]) -> Result<Self> {
        let exe = std::env::current_exe().during(|| "find this program".to_owned())?;
        let real = fs::canonicalize(&exe).during(|| format!("find {}", exe.display()))?;
        let name = format!("git-pail{EXE_SUFFIX}");
        let path = folders
            .iter()
            .map(|folder| folder.join(&name))
            .find(|path| fs::canonicalize(path).is_ok_and(|found| found == real));
        Ok(Self {
            path: path.unwrap_or_else(|| real.clone()),
            real,
        })
    }

    /// The folder that it is called from.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// What a link in this folder shall say: no more than the name in its own folder, so
    /// that both can be moved together.
    fn target(&self, folder: &Path) -> PathBuf {
        let same = |here: &Path| fs::canonicalize(here).ok();
        match self.path.file_name() {
            Some(name) if same(folder).is_some() && same(folder) == same(self.folder()) => {
                name.into()
            }
            _ => self.path.clone(),
        }
    }

    /// Looks at what lies under a name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if it cannot be looked at.
    pub(super) fn look(&self, link: &Path) -> Result<Found> {
        let act = || format!("look at {}", link.display());
        let info = match fs::symlink_metadata(link) {
            Ok(info) => info,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
            Err(error) => return Err(error).during(act),
        };
        if info.is_symlink() {
            let target = fs::read_link(link).during(act)?;
            if fs::canonicalize(link).is_ok_and(|real| real == self.real) {
                let folder = link.parent().unwrap_or(Path::new("."));
                let exact = target == self.target(folder);
                return Ok(if exact { Found::Ours } else { Found::Stale });
            }
            let named = target.file_stem().is_some_and(|stem| stem == "git-pail");
            return Ok(if named { Found::Stale } else { Found::Foreign });
        }
        if !info.is_file() {
            return Ok(Found::Foreign);
        }
        if same_file(link, &self.real) {
            return Ok(Found::Ours);
        }
        let copy = is_build_of_ours(link).during(act)?;
        Ok(if copy { Found::Stale } else { Found::Foreign })
    }

    /// Whether a link that [`Program::look`] called stale is this program's all the same:
    /// spelled otherwise, dangling, or a copy.
    pub(super) fn may_remove(&self, link: &Path) -> bool {
        match fs::canonicalize(link) {
            // A dangling link: the git-pail that it named is gone.
            Err(_) => true,
            Ok(real) => real == self.real || !link.is_symlink(),
        }
    }

    /// Makes a link, in the place of whatever file lies there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the folder cannot be written.
    pub(super) fn make(&self, link: &Path) -> Result<()> {
        let folder = link.parent().unwrap_or(Path::new("."));
        if fs::symlink_metadata(link).is_ok_and(|info| info.is_dir()) {
            let message = format!("cannot make {}: a folder lies there", link.display());
            return Err(Error::new(ErrorKind::Local, message));
        }
        // Beside its place, and then renamed: a push that runs meanwhile finds a helper.
        let name = link.file_name().unwrap_or_default().to_string_lossy();
        let beside = folder.join(format!(".{name}.{}", std::process::id()));
        let made = place(&self.target(folder), &self.real, &beside)
            .and_then(|()| fs::rename(&beside, link));
        if made.is_err() {
            let _ = fs::remove_file(&beside);
        }
        made.during(|| format!("make {}", link.display()))
            .map_err(|error| {
                error.with_hint("choose a folder that you may write: `git pail install --dir <folder>`, on PATH")
            })
    }
}

/// A symbolic link where there are such, else a hard link, else a copy.
fn place(target: &Path, real: &Path, link: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::symlink(target, link).is_ok() {
        return Ok(());
    }
    #[cfg(not(unix))]
    let _ = target;
    fs::hard_link(real, link).or_else(|_| fs::copy(real, link).map(|_| ()))
}

#[cfg(unix)]
fn same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn same_file(one: &Path, other: &Path) -> bool {
    let same_size = match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => one.len() == other.len(),
        _ => false,
    };
    same_size && fs::read(one).ok() == fs::read(other).ok()
}

/// Whether a file holds our mark. Scripts are never read whole.
fn is_build_of_ours(file: &Path) -> io::Result<bool> {
    let bytes = fs::read(file)?;
    if bytes.starts_with(b"#!") {
        return Ok(false);
    }
    // Hidden from the optimiser, which else may keep the words in pieces. They stand
    // between zero bytes, where the search stops.
    let words = std::hint::black_box(MARK);
    let words = words.strip_prefix(b"\0").unwrap_or(words);
    let words = words.strip_suffix(b"\0").unwrap_or(words);
    Ok(bytes.split(|byte| *byte == 0).any(|part| part == words))
}
