//! `git pail uninstall`: what `install` made, taken away.

use super::links::{Found, Program};
use super::stop::{Stop, say};
use super::{lfs_settings, maintenance, man_pages, submodules};
use crate::{env, multicall, ui};
use pail::error::IoContext;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::PathBuf;

/// Take away what `git pail install` made
///
/// Removes the links that point at this program, the man pages that were written with
/// them, and from the global git configuration what tells Git LFS of it and
/// protocol.<scheme>.allow=always. Anything else stays, git-pail itself too; where a schedule
/// still starts it (`git pail maintenance start`), that is told.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Folder of the links; default: where git-pail is
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Folder of the man pages; default: ../share/man/man1 of a bin
    #[arg(long, value_name = "FOLDER")]
    man_dir: Option<PathBuf>,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let program = Program::find(&env::program_folders())?;
    let folder = args.dir.unwrap_or(program.folder().to_owned());
    let mut removed = 0;
    for name in multicall::names() {
        let link = folder.join(format!("{name}{EXE_SUFFIX}"));
        let ours = match program.look(&link)? {
            Found::Ours => true,
            Found::Stale => program.may_remove(&link),
            Found::Absent | Found::Foreign => false,
        };
        if ours {
            fs::remove_file(&link).during(|| format!("remove {}", link.display()))?;
            say(&format!("removed {}", link.display()))?;
            removed += 1;
        }
    }
    let pages = args.man_dir.or_else(|| {
        let folder = fs::canonicalize(&folder).ok()?;
        man_pages::folder_for(&folder)
    });
    if let Some(pages) = pages {
        let count = man_pages::remove(&pages)?;
        if count > 0 {
            say(&format!(
                "removed {count} man pages from {}",
                pages.display()
            ))?;
            removed += count;
        }
    }
    let unset = lfs_settings::unset(&multicall::SCHEMES).await?;
    if unset > 0 {
        say(&format!(
            "unset {unset} keys for Git LFS (lfs.*) in the global git configuration"
        ))?;
        removed += unset;
    }
    for key in submodules::disallow(&multicall::SCHEMES).await? {
        say(&format!("unset {key} in the global git configuration"))?;
        removed += 1;
    }
    let scheduled = maintenance::scheduled().await? as u64;
    if scheduled > 0 {
        let places = match scheduled {
            1 => "1 repository is".to_owned(),
            many => format!("{many} repositories are"),
        };
        ui::warn(&format!(
            "{places} still maintained by a schedule that starts git-pail; `git pail maintenance stop --all` ends it"
        ));
    }
    if removed == 0 {
        say(&format!("there is nothing of ours in {}", folder.display()))?;
    }
    Ok(())
}
