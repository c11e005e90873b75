//! Is everything here that a commit needs? `git rev-list`.

use super::command::failed;
use super::repository::Repository;
use crate::error::{Error, ErrorKind, Result};
use crate::oid::ObjectId;

impl Repository {
    /// Whether everything reachable from these is here, as git itself checks after a fetch.
    /// In a partial clone, what a promisor may still bring counts as here. One spawn; its
    /// cost grows with what the refs do not reach yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if git cannot be run.
    pub async fn connected(&self, tips: &[ObjectId], partial: bool) -> Result<bool> {
        let mut args = vec!["rev-list", "--objects", "--stdin"];
        args.extend(partial.then_some("--exclude-promisor-objects"));
        args.extend(["--not", "--all", "--quiet", "--alternate-refs"]);
        let input = tips
            .iter()
            .flat_map(|tip| format!("{tip}\n").into_bytes())
            .collect();
        Ok(self.git.run(args, input).await?.status.success())
    }

    /// The commits that `wants` reach and `haves` do not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if history is broken.
    pub async fn new_commits(
        &self,
        wants: &[ObjectId],
        haves: &[ObjectId],
    ) -> Result<Vec<ObjectId>> {
        let mut input: Vec<u8> = wants
            .iter()
            .flat_map(|oid| format!("{oid}\n").into_bytes())
            .collect();
        input.extend(
            haves
                .iter()
                .flat_map(|oid| format!("^{oid}\n").into_bytes()),
        );
        let output = self.git.run(["rev-list", "--stdin"], input).await?;
        if !output.status.success() {
            return Err(failed(
                "list the commits to push",
                output.status,
                &output.stderr,
            ));
        }
        Ok(output
            .stdout
            .split(|byte| *byte == b'\n')
            .filter_map(ObjectId::from_hex)
            .collect())
    }

    /// Whether `new` continues `old`, as far as both are here. One spawn.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if git cannot be run.
    pub async fn is_ancestor(&self, old: ObjectId, new: ObjectId) -> Result<bool> {
        let (old, new) = (old.to_string(), new.to_string());
        let args = ["merge-base", "--is-ancestor", &old, &new];
        Ok(self.git.run(args, Vec::new()).await?.status.success())
    }

    /// The parents that a commit object itself names, whatever the shallow file says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if it is no commit that is here.
    pub async fn true_parents(&self, commit: ObjectId) -> Result<Vec<ObjectId>> {
        let name = commit.to_string();
        let raw = self
            .git
            .ok("read a commit", ["cat-file", "commit", &name], Vec::new())
            .await?;
        let header = raw
            .split(|byte| *byte == b'\n')
            .take_while(|line| !line.is_empty());
        let parents = header.filter_map(|line| line.strip_prefix(b"parent "));
        let bad = || {
            Error::new(
                ErrorKind::Local,
                format!("cannot read commit {commit}: a parent line is broken"),
            )
        };
        parents
            .map(|hex| ObjectId::from_hex(hex).ok_or_else(bad))
            .collect()
    }
}
