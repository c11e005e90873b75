//! `git pail install`: the links by which git and git-lfs find us, and what git-lfs is told.

use super::links::{Found, Program};
use super::stop::{Stop, say};
use super::{lfs_settings, man_pages, submodules};
use crate::{env, multicall, ui};
use pail::error::IoContext;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};

/// Make the links by which git and Git LFS find this program
///
/// Git calls git-remote-s3 for a URL such as s3://bucket/prefix, and git-annex calls
/// git-annex-remote-pail for a special remote of the type pail. This command makes links
/// of these names to git-pail, beside it or in a folder of your choice, and writes man
/// pages to ../share/man/man1 when that folder is a bin. It can be run again at any time;
/// what is right already stays. A file that is not ours is not overwritten: another tool
/// may be called git-remote-s3 too.
///
/// Git needs no configuration for that. Git LFS does: the command sets lfs.<form>.* in the
/// global git configuration, for URLs that lie in a bucket and no others, so that every
/// clone has its LFS objects without a step of its own. --no-lfs leaves that out.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Folder for the links, on PATH; default: where git-pail is
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Only the links for these schemes, and none for git-annex; may be repeated
    #[arg(long, value_name = "SCHEME", value_delimiter = ',', value_parser = multicall::SCHEMES)]
    only: Vec<String>,
    /// Put links in the place of files that are not ours, too
    #[arg(long)]
    force: bool,
    /// Let submodules use these schemes: sets protocol.<scheme>.allow=always in the global
    /// git configuration
    #[arg(long)]
    allow_submodules: bool,
    /// Neither link git-lfs-pail nor tell Git LFS of it
    #[arg(long)]
    no_lfs: bool,
    /// Folder for the man pages, such as ~/.local/share/man/man1
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_man")]
    man_dir: Option<PathBuf>,
    /// Write no man pages
    #[arg(long)]
    no_man: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let folders = env::program_folders();
    let program = Program::find(&folders)?;
    let folder = args.dir.clone().unwrap_or(program.folder().to_owned());
    fs::create_dir_all(&folder).during(|| format!("make {}", folder.display()))?;
    let schemes = match args.only.is_empty() {
        true => multicall::SCHEMES.map(str::to_owned).to_vec(),
        false => args.only.clone(),
    };

    let mut names: Vec<_> = schemes.iter().map(|it| multicall::helper(it)).collect();
    names.extend((!args.no_lfs).then(|| multicall::LFS_AGENT.to_owned()));
    let annex = args
        .only
        .is_empty()
        .then(|| multicall::ANNEX_AGENT.to_owned());
    names.extend(annex);
    let mut refused = Vec::new();
    for name in names {
        let name = format!("{name}{EXE_SUFFIX}");
        let link = folder.join(&name);
        let found = program.look(&link)?;
        match found {
            Found::Ours => {
                say(&format!("{} is there already", link.display()))?;
                continue;
            }
            Found::Foreign if !args.force => {
                refused.push(link);
                continue;
            }
            Found::Absent | Found::Stale | Found::Foreign => program.make(&link)?,
        }
        let verb = match found {
            Found::Absent => "made",
            _ => "replaced",
        };
        say(&format!("{verb} {}", link.display()))?;
        warn_if_hidden(&program, &name, &folder, &folders);
    }
    if !args.no_man {
        write_man_pages(&args, &folder)?;
    }
    if !args.no_lfs {
        let set = lfs_settings::set(&schemes).await?;
        if set > 0 {
            say(&format!(
                "set {set} keys for Git LFS (lfs.*) in the global git configuration"
            ))?;
        }
    }
    if args.allow_submodules {
        for key in submodules::allow(&schemes).await? {
            say(&format!("set {key}=always in the global git configuration"))?;
        }
    } else if !submodules::allowed(&schemes).await? {
        say("note: git refuses submodules that lie in a bucket; --allow-submodules allows them")?;
    }
    warn_if_not_on_path(&folder, &folders);
    tell_refused(&refused)
}

fn write_man_pages(args: &Args, folder: &Path) -> Result<(), Stop> {
    let place = args.man_dir.clone().or_else(|| {
        let folder = fs::canonicalize(folder).ok()?;
        man_pages::folder_for(&folder)
    });
    let Some(place) = place else { return Ok(()) };
    match man_pages::write(&place) {
        Ok(0) => Ok(()),
        Ok(count) => say(&format!("wrote {count} man pages to {}", place.display())),
        // What was asked for by name must succeed; the rest is a courtesy.
        Err(error) if args.man_dir.is_some() => Err(error.into()),
        Err(error) => {
            ui::warn(&format!("no man pages: {error}"));
            Ok(())
        }
    }
}

/// Another program of the same name may come first.
fn warn_if_hidden(program: &Program, name: &str, folder: &Path, folders: &[PathBuf]) {
    let first = folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| path.exists());
    if let Some(first) = first
        && program
            .look(&first)
            .is_ok_and(|found| found == Found::Foreign)
    {
        ui::warn(&format!(
            "git finds {} before the one in {}",
            first.display(),
            folder.display()
        ));
    }
}

fn warn_if_not_on_path(folder: &Path, folders: &[PathBuf]) {
    let real = fs::canonicalize(folder).ok();
    let same = |one: &PathBuf| fs::canonicalize(one).ok() == real;
    if real.is_none() || !folders.iter().any(same) {
        ui::warn(&format!(
            "{} is not on PATH, so git will not find the links; add it there",
            folder.display()
        ));
    }
}

fn tell_refused(refused: &[PathBuf]) -> Result<(), Stop> {
    for link in refused {
        let name = link.file_stem().unwrap_or_default().to_string_lossy();
        let replace = "replace it with `git pail install --force`";
        let hint = match name.strip_prefix("git-remote-") {
            Some(scheme) => format!(
                "write pail::{scheme}://… in URLs, which needs git-remote-pail only, or {replace}"
            ),
            None => replace.to_owned(),
        };
        let what = format!("{} is not ours and was left as it is", link.display());
        ui::error(&what, Some(&hint));
    }
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Stop::Told)
    }
}
