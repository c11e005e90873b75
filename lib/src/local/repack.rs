//! Packs in, one pack of the same objects out: `git pack-objects --stdin-packs`.

use super::pack_objects::{SpooledPack, pack};
use super::repository::Repository;
use super::spool::Spool;
use crate::error::Result;

impl Repository {
    /// Packs exactly the objects of some packs of this repository, each once, with the deltas
    /// that they have and new ones between them. One spawn.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if a pack is not there or broken.
    pub async fn join_packs(&self, names: &[String], spool: &Spool) -> Result<Option<SpooledPack>> {
        let args = [
            "-c",
            "pack.packSizeLimit=0",
            "-c",
            "pack.writeReverseIndex=false",
            "pack-objects",
            "--stdin-packs",
            "--delta-base-offset",
            "--non-empty",
            "--quiet",
        ];
        let mut command = self.git.command(args);
        spool.shelter(&mut command);
        command.arg(spool.path().join("pack"));
        let list = names
            .iter()
            .flat_map(|name| format!("pack-{name}.pack\n").into_bytes());
        pack("merge packs", command, list.collect(), spool).await
    }
}
