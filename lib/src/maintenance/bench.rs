//! Where maintenance works that must look into packs: git, and a folder with room for them.

use crate::error::{Error, IoContext, Result};
use crate::key::Key;
use crate::local::{Git, Repository, Scratch};
use crate::oid::ObjectFormat;
use crate::progress::Phase;
use crate::store::{Wanted, download};
use crate::transfer::Context;
use futures_util::{StreamExt, pin_mut};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A git, and the folder in which its temporary repositories are made.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The git.
    pub git: Git,
    /// The folder.
    pub folder: PathBuf,
    /// From where objects are taken that need not be downloaded, where that is sound.
    pub lender: Option<Repository>,
}

impl Bench {
    /// Makes an empty temporary repository. Two spawns.
    pub(super) async fn open(&self, context: &Context, format: ObjectFormat) -> Result<Scratch> {
        Scratch::new(&self.git, &self.folder, format, &*context.ids).await
    }
}

/// Brings a file; nothing is left of one that cannot be brought whole.
pub(super) async fn bring(context: &Context, key: &str, size: u64, to: &Path) -> Result<()> {
    let done = write(context, key, size, to).await;
    if done.is_err() {
        // The folder goes with its handle in any case.
        let _ = std::fs::remove_file(to);
    }
    done
}

async fn write(context: &Context, key: &str, size: u64, to: &Path) -> Result<()> {
    let key = Key::new(key)?;
    let wanted = [Wanted { key, size }];
    let act = || format!("write {}", to.display());
    let mut file = File::create(to).during(act)?;
    let pieces = download(&*context.store, &wanted, context.limits);
    pin_mut!(pieces);
    while let Some(piece) = pieces.next().await {
        let bytes = piece?.bytes;
        file.write_all(&bytes).during(act)?;
        context
            .progress
            .advance(Phase::Download, bytes.len() as u64);
    }
    Ok::<_, Error>(())
}
