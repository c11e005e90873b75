//! `git pail demo`: two people and a folder that serves as a bucket.

mod stage;

use super::stop::{Stop, invalid, say};
use pail::error::IoContext;
use pail::ids::{Ids, SystemIds};
use stage::Stage;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Show a push, a clone and a fetch through a temporary folder
///
/// Ada pushes to a bucket, Ben clones it and pushes, Ada fetches: real git, this very
/// program as its helper, and a local folder as the bucket. Nothing of yours is read or
/// changed: it all happens in a temporary folder with a home and a configuration of its
/// own, which is removed at the end.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Use this folder, which must be empty or not there yet, and keep it
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

/// How often removing the folder is tried, and how long it waits in between.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// A folder that goes when it is dropped, on a signal too.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a signal a helper that git had started may write for a moment longer.
        for _ in 0..ATTEMPTS {
            match fs::remove_dir_all(&self.0) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    std::thread::sleep(PAUSE);
                }
                _ => return,
            }
        }
    }
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let Some(folder) = args.keep else {
        let name = format!("git-pail-demo-{}", &SystemIds.hex()?[..12]);
        let folder = std::env::temp_dir().join(name);
        private_folder(&folder).during(|| format!("make {}", folder.display()))?;
        let temporary = Temporary(folder);
        play(&temporary.0).await?;
        let line = format!(
            "\nAll of it was in {}, which is removed now.",
            temporary.0.display()
        );
        drop(temporary);
        return say(&line);
    };
    fs::create_dir_all(&folder).during(|| format!("make {}", folder.display()))?;
    let mut entries = fs::read_dir(&folder).during(|| format!("read {}", folder.display()))?;
    if entries.next().is_some() {
        let message = format!("{} is not empty", folder.display());
        return Err(invalid(message, "name a folder that is empty or not there yet").into());
    }
    let folder = fs::canonicalize(&folder).during(|| format!("find {}", folder.display()))?;
    play(&folder).await?;
    say(&format!("\nAll of it was kept in {}.", folder.display()))
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

async fn play(folder: &Path) -> Result<(), Stop> {
    let stage = Stage::set(folder)?;
    let url = stage.url();
    let (ada, ben) = (stage.person("Ada"), stage.person("Ben"));

    say("# Ada makes a repository and pushes it to a bucket that is empty so far.")?;
    ada.git(&["init", "-q", "-b", "main", "ada"]).await?;
    ada.write("ada/hello.txt", "Hello from Ada\n")?;
    ada.git(&["-C", "ada", "add", "hello.txt"]).await?;
    ada.git(&["-C", "ada", "commit", "-q", "-m", "Say hello"])
        .await?;
    ada.git(&["-C", "ada", "remote", "add", "origin", &url])
        .await?;
    ada.git(&["-C", "ada", "push", "-u", "origin", "main"])
        .await?;

    say("\n# Ben clones it, adds a line, and pushes.")?;
    ben.git(&["clone", &url, "ben"]).await?;
    ben.write("ben/hello.txt", "Hello from Ada\nHello from Ben\n")?;
    ben.git(&["-C", "ben", "commit", "-q", "-a", "-m", "Say hello too"])
        .await?;
    ben.git(&["-C", "ben", "push"]).await?;

    say("\n# Ada fetches what Ben did.")?;
    ada.git(&["-C", "ada", "fetch"]).await?;
    ada.git(&["-C", "ada", "log", "--oneline", "origin/main"])
        .await?;

    say("\n# What lies in the bucket:")?;
    stage.list_bucket()?;

    say("\n# Who pushed what, and when:")?;
    ada.git(&["-C", "ada", "pail", "log"]).await
}
