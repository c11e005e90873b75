//! `git pail man`: the man pages, for packages and for reading.

use super::stop::{Stop, invalid, say, show};
use super::{annex_page, man_pages};
use crate::multicall::ANNEX_AGENT;
use pail::error::IoContext;
use std::fs;
use std::path::PathBuf;

/// Print or write the man pages
///
/// Without --out, prints one page as roff: that of git-pail, of one command, or of
/// git-annex-remote-pail.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The command whose page to print
    #[arg(conflicts_with = "out")]
    command: Option<String>,
    /// Write every page into this folder, which is made if need be
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<(), Stop> {
    let pages = man_pages::all()?;
    let Some(folder) = &args.out else {
        let file = match args.command.as_deref() {
            None => "git-pail.1".to_owned(),
            Some(ANNEX_AGENT) => annex_page::FILE.to_owned(),
            Some(command) => format!("git-pail-{command}.1"),
        };
        let page = pages.iter().find(|page| page.file == file);
        let page = page.ok_or_else(|| {
            invalid(
                format!("there is no page {file}"),
                "`git pail --help` lists the commands",
            )
        })?;
        return show(page.text.as_bytes());
    };
    fs::create_dir_all(folder).during(|| format!("make {}", folder.display()))?;
    for page in &pages {
        let path = folder.join(&page.file);
        fs::write(&path, &page.text).during(|| format!("write {}", path.display()))?;
    }
    say(&format!(
        "wrote {} man pages to {}",
        pages.len(),
        folder.display()
    ))
}
