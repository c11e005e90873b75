//! Packs made of what is in a repository already: all objects of some packs, or all that some
//! tips reach.

use super::command::failed;
use super::pack_objects::{Input, SpooledPack, pack};
use super::repository::Repository;
use super::spool::Spool;
use crate::error::{IoContext, Result};
use crate::oid::ObjectId;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Which objects go into a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// All of them.
    All,
    /// Commits, trees and tags.
    CommitsAndTrees,
    /// Blobs.
    Blobs,
}

impl Kinds {
    fn filter(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::CommitsAndTrees => Some("--filter=blob:none"),
            Self::Blobs => Some("--filter=object:type=blob"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::CommitsAndTrees => "commits+trees",
            Self::Blobs => "blobs",
        }
    }
}

/// What every pack is made with.
const PACKING: [&str; 7] = [
    "-c",
    "pack.packSizeLimit=0",
    "-c",
    "pack.writeReverseIndex=false",
    "pack-objects",
    "--delta-base-offset",
    "--non-empty",
];

fn lines(tips: &BTreeSet<ObjectId>) -> Vec<u8> {
    tips.iter()
        .flat_map(|tip| format!("{tip}\n").into_bytes())
        .collect()
}

impl Repository {
    /// Whether everything that these reach is here; what refs name is not taken for whole.
    /// One spawn; reads every commit and tree.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if git cannot be run.
    pub async fn is_whole(&self, tips: &BTreeSet<ObjectId>) -> Result<bool> {
        let args = ["rev-list", "--objects", "--stdin", "--quiet"];
        Ok(self.git.run(args, lines(tips)).await?.status.success())
    }

    /// Packs what these reach, of some kinds, newest first; `None` if there is nothing. `anew`
    /// seeks all deltas anew rather than to keep those that there are. Two spawns.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if something that they reach is missing.
    pub async fn pack_reachable(
        &self,
        tips: &BTreeSet<ObjectId>,
        kinds: Kinds,
        anew: bool,
        spool: &Spool,
    ) -> Result<Option<SpooledPack>> {
        const ACT: &str = "pack what is needed";
        // The list may be long: it goes through a file.
        let path = spool.path().join(format!("{}.list", kinds.name()));
        let act = || format!("write {}", path.display());
        let mut args = vec!["rev-list", "--objects", "--stdin"];
        args.extend(kinds.filter());
        args.extend(kinds.filter().map(|_| "--filter-provided-objects"));
        let list = File::create(&path).during(act)?;
        let output = self.git.run_into(args, lines(tips), list).await?;
        if !output.status.success() {
            return Err(failed(ACT, output.status, &output.stderr));
        }
        let list = File::open(&path).during(act)?;
        let mut command = self.git.command(PACKING);
        command.arg("--quiet");
        if anew {
            command.arg("--no-reuse-delta");
        }
        spool.shelter(&mut command);
        command.arg(spool.path().join(kinds.name()));
        pack(ACT, command, Input::File(list), (spool, kinds.name())).await
    }

    /// Packs exactly the objects whose ids a file lists, a line each, with the deltas that they
    /// have; `None` if it lists none. One spawn.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if one is not here, or broken.
    pub async fn pack_listed(&self, ids: &Path, spool: &Spool) -> Result<Option<SpooledPack>> {
        let mut command = self.git.command(PACKING);
        command.arg("--quiet");
        spool.shelter(&mut command);
        command.arg(spool.path().join("listed"));
        let list = File::open(ids).during(|| format!("read {}", ids.display()))?;
        let input = Input::File(list);
        pack("copy a pack", command, input, (spool, "listed")).await
    }

    /// Packs exactly the objects of some packs of this repository, each once, with the deltas
    /// that they have and new ones between them. They are told by their indexes. One spawn.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if a pack is not there or broken.
    pub async fn join_packs(
        &self,
        indexes: &[PathBuf],
        spool: &Spool,
    ) -> Result<Option<SpooledPack>> {
        let mut command = self.git.command(PACKING);
        command.args(["--stdin-packs", "--quiet"]);
        spool.shelter(&mut command);
        command.arg(spool.path().join("pack"));
        let names = indexes.iter().filter_map(|index| index.file_stem());
        let list = names.flat_map(|name| format!("{}.pack\n", name.display()).into_bytes());
        pack(
            "merge packs",
            command,
            Input::Bytes(list.collect()),
            (spool, "pack"),
        )
        .await
    }
}
