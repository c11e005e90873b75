//! Man pages: how they are made, and where `git pail install` puts them.
//!
//! `git pail --help` shows `man git-pail`, and `git help pail-ls` shows `man git-pail-ls`.

use super::{annex_page, examples, tree};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use pail::Result;
use pail::error::IoContext;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The first line of each page that `install` writes: `uninstall` takes no others away.
const MARK: &str = ".\\\" Written by git pail install.\n";

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    /// The name of its file: `git-pail-ls.1`.
    pub(super) file: String,
    /// What is in it, as roff.
    pub(super) text: String,
}

/// Makes the page of every command that is not hidden; that of git-pail comes first, that of
/// the special remote last.
///
/// # Errors
///
/// None that happens: the pages are written into memory.
pub(super) fn all() -> io::Result<Vec<Page>> {
    let mut root = tree();
    root.build();
    let mut pages = vec![page(&root, examples::TOP)?];
    for command in root.get_subcommands().filter(|one| !one.is_hide_set()) {
        let examples = examples::of(command.get_name());
        pages.push(page(command, examples)?);
        for inner in command
            .get_subcommands()
            .filter(|one| one.get_name() != "help")
        {
            pages.push(page(inner, examples)?);
        }
    }
    pages.push(Page {
        file: annex_page::FILE.to_owned(),
        text: annex_page::text(),
    });
    Ok(pages)
}

fn page(command: &clap::Command, list: &[examples::Example]) -> io::Result<Page> {
    let man = Man::new(command.clone().after_help(""))
        .source(concat!("git-pail ", env!("CARGO_PKG_VERSION")))
        .manual("git-pail");
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut out)?;
    }
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for (line, what) in list {
        roff.control("TP", []);
        roff.text([bold(*line)]);
        roff.text([roman(*what)]);
    }
    roff.to_writer(&mut out)?;
    let name = command.get_display_name().unwrap_or(command.get_name());
    Ok(Page {
        file: format!("{name}.1"),
        text: String::from_utf8_lossy(&out).into_owned(),
    })
}

/// Where pages belong that go with programs in this folder: beside a `bin`, where `man`
/// looks for them by itself.
pub(super) fn folder_for(programs: &Path) -> Option<PathBuf> {
    let prefix = programs.parent()?;
    (programs.file_name()? == "bin").then(|| prefix.join("share/man/man1"))
}

/// Writes every page; one that is somebody else's stays. Gives how many were written.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if the folder cannot be written.
pub(super) fn write(folder: &Path) -> Result<usize> {
    fs::create_dir_all(folder).during(|| format!("make {}", folder.display()))?;
    let mut count = 0;
    for page in all().during(|| "make the man pages".to_owned())? {
        let path = folder.join(&page.file);
        if path.exists() && !is_ours(&path) {
            continue;
        }
        let text = format!("{MARK}{}", page.text);
        fs::write(&path, text).during(|| format!("write {}", path.display()))?;
        count += 1;
    }
    Ok(count)
}

/// Removes what [`write`] wrote, and folders that are empty then. Gives how many pages.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if the folder cannot be written.
pub(super) fn remove(folder: &Path) -> Result<usize> {
    let Ok(files) = fs::read_dir(folder) else {
        return Ok(0);
    };
    let mut count = 0;
    // By name, not by list: an older version may have had other commands.
    for file in files.filter_map(io::Result::ok) {
        let name = file.file_name();
        let name = name.to_string_lossy();
        let path = file.path();
        let named = name.starts_with("git-pail") || name == annex_page::FILE;
        if named && name.ends_with(".1") && is_ours(&path) {
            fs::remove_file(&path).during(|| format!("remove {}", path.display()))?;
            count += 1;
        }
    }
    if count > 0 {
        // `man1`, `man` and `share`, as long as they are empty.
        for empty in folder.ancestors().take(3) {
            if fs::remove_dir(empty).is_err() {
                break;
            }
        }
    }
    Ok(count)
}

fn is_ours(page: &Path) -> bool {
    fs::read(page).is_ok_and(|text| text.starts_with(MARK.as_bytes()))
}
