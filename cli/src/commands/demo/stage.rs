//! Where the demonstration plays: a folder, a sealed environment, two people.

use super::super::git::Surroundings;
use super::super::links::Program;
use super::super::stop::{Stop, say, show};
use crate::ui::bytes::human;
use crate::ui::table::{Side, columns};
use crate::{env, multicall};
use pail::error::IoContext;
use pail::{Error, ErrorKind, Result};
use std::env::consts::EXE_SUFFIX;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder, with links to this program in it.
pub(super) struct Stage {
    folder: PathBuf,
    env: Vec<(OsString, OsString)>,
}

/// Somebody who runs git on a stage.
pub(super) struct Person<'a> {
    stage: &'a Stage,
    surroundings: Surroundings,
}

impl Stage {
    /// Makes `bin` with the links, an empty `home`, and nothing else.
    pub(super) fn set(folder: &Path) -> Result<Self> {
        let (bin, home) = (folder.join("bin"), folder.join("home"));
        for made in [&bin, &home] {
            fs::create_dir(made).during(|| format!("make {}", made.display()))?;
        }
        let program = Program::find(&[])?;
        for name in multicall::names().chain(["git-pail".to_owned()]) {
            program.make(&bin.join(format!("{name}{EXE_SUFFIX}")))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            env: environment(&bin, &home)?,
        })
    }

    fn bucket(&self) -> PathBuf {
        self.folder.join("bucket")
    }

    /// The bucket, as git names it.
    pub(super) fn url(&self) -> String {
        format!("pail::{}", self.bucket().display())
    }

    /// Somebody with this name.
    pub(super) fn person(&self, name: &str) -> Person<'_> {
        let mut env = self.env.clone();
        let mail = format!("{}@example.org", name.to_lowercase());
        for (key, value) in [
            ("GIT_AUTHOR_NAME", name),
            ("GIT_AUTHOR_EMAIL", &mail),
            ("GIT_COMMITTER_NAME", name),
            ("GIT_COMMITTER_EMAIL", &mail),
        ] {
            env.push((key.into(), value.into()));
        }
        Person {
            stage: self,
            surroundings: Surroundings::sealed(&self.folder, env),
        }
    }

    /// Lists the files of the bucket.
    pub(super) fn list_bucket(&self) -> Result<(), Stop> {
        let root = self.bucket();
        let mut files = Vec::new();
        collect(&root, &mut files)?;
        let mut rows: Vec<_> = files
            .iter()
            .map(|(path, size)| {
                let key = path.strip_prefix(&root).unwrap_or(path);
                vec![key.display().to_string(), human(*size)]
            })
            .collect();
        rows.sort();
        show(columns(&[Side::Left, Side::Right], &rows).as_bytes())
    }
}

/// The files under a folder. The lock of a folder that serves as a bucket is no file of it.
fn collect(folder: &Path, out: &mut Vec<(PathBuf, u64)>) -> Result<()> {
    let act = || format!("read {}", folder.display());
    for entry in fs::read_dir(folder).during(act)? {
        let entry = entry.during(act)?;
        let info = entry.metadata().during(act)?;
        if entry.file_name().to_string_lossy().starts_with(".pail-") {
            continue;
        }
        if info.is_dir() {
            collect(&entry.path(), out)?;
        } else {
            out.push((entry.path(), info.len()));
        }
    }
    Ok(())
}

/// Programs, a home of its own, the user's language, and nothing else.
fn environment(bin: &Path, home: &Path) -> Result<Vec<(OsString, OsString)>> {
    let folders = [bin.to_owned()].into_iter().chain(env::program_folders());
    let path = std::env::join_paths(folders).map_err(|error| {
        let message = format!("cannot put {} on PATH: {error}", bin.display());
        Error::new(ErrorKind::Local, message).with_source(error)
    })?;
    let mut all: Vec<(OsString, OsString)> = env::PASSED_ON
        .iter()
        .filter_map(|name| Some((OsString::from(name), env::read(name)?)))
        .collect();
    all.extend([
        (env::PATH.name.into(), path),
        (env::HOME.name.into(), home.into()),
        ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
        ("GIT_CONFIG_GLOBAL".into(), home.join(".gitconfig").into()),
        ("GIT_TERMINAL_PROMPT".into(), "0".into()),
        ("GIT_PAGER".into(), "cat".into()),
    ]);
    Ok(all)
}

impl Person<'_> {
    /// Writes a file, and says so.
    pub(super) fn write(&self, file: &str, text: &str) -> Result<(), Stop> {
        let path = self.stage.folder.join(file);
        fs::write(&path, text).during(|| format!("write {}", path.display()))?;
        say(&format!("# … writes {file}"))
    }

    /// Shows a git command, runs it, and shows what git says.
    pub(super) async fn git(&self, args: &[&str]) -> Result<(), Stop> {
        let words: Vec<String> = args.iter().map(|word| quoted(word)).collect();
        let line = format!("git {}", words.join(" "));
        say(&format!("$ {line}"))?;
        let output = self.surroundings.run(args).await?;
        // Both in one stream, so that they stand under their command in a pipe too.
        show(&output.stderr)?;
        show(&output.stdout)?;
        if output.status.success() {
            return Ok(());
        }
        let message = format!("`{line}` ended with {}", output.status);
        Err(Error::new(ErrorKind::Local, message).into())
    }
}

/// A word as a person would type it in a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@+~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
