//! What commits change: `git diff-tree`.

use super::repository::Repository;
use crate::error::Result;
use crate::oid::ObjectId;
use std::collections::BTreeSet;

impl Repository {
    /// The paths that these commits make, change or delete, as git has them; of a merge those
    /// that differ from all its parents. Reads trees and no blobs. One spawn.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if a tree is missing.
    pub async fn changed_paths(&self, commits: &[ObjectId]) -> Result<BTreeSet<Vec<u8>>> {
        if commits.is_empty() {
            return Ok(BTreeSet::new());
        }
        let args = [
            "diff-tree",
            "--stdin",
            "-r",
            "-c",
            "--root",
            "--no-renames",
            "--no-commit-id",
            "--name-only",
            "-z",
        ];
        let input = commits
            .iter()
            .flat_map(|commit| format!("{commit}\n").into_bytes())
            .collect();
        let out = self.git.ok("list what was changed", args, input).await?;
        let paths = out.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(<[u8]>::to_vec).collect())
    }
}
