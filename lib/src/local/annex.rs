//! What git-annex keeps in the user's repository.

use super::command::Git;
use crate::error::Result;
use std::path::Path;

/// Where git-annex writes down the special remotes, one a line, each with its uuid first.
const REMOTES: &str = "remote.log";

/// Places for what is not committed yet.
const JOURNALS: [&str; 2] = ["annex/journal", "annex/journal-private"];

/// Whether git-annex knows a special remote with this uuid already. One spawn.
///
/// # Errors
///
/// [`ErrorKind::Local`](crate::ErrorKind::Local) if git cannot be run.
pub async fn annex_knows(git: &Git, git_dir: &Path, uuid: &str) -> Result<bool> {
    let journals = JOURNALS.map(|folder| std::fs::read(git_dir.join(folder).join(REMOTES)));
    let name = format!("refs/heads/git-annex:{REMOTES}");
    // Where there is no such branch, nothing is known.
    let said = git.run(["cat-file", "blob", &name], Vec::new()).await?;
    let logs = journals.into_iter().flatten().chain([said.stdout]);
    Ok(logs.into_iter().any(|log| names(&log, uuid)))
}

fn names(log: &[u8], uuid: &str) -> bool {
    let mut lines = log.split(|byte| *byte == b'\n');
    lines.any(|line| {
        let rest = line.strip_prefix(uuid.as_bytes());
        rest.is_some_and(|rest| rest.first() == Some(&b' '))
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_line_begins_with_the_uuid_of_its_remote() {
        // In the form of git-annex's page "internals", remote.log.
        let log = b"26339d22-446b-11e0-9101-002170d25c55 foo=bar type=S3 timestamp=1s\n";
        assert!(names(log, "26339d22-446b-11e0-9101-002170d25c55"));
        assert!(!names(log, "26339d22-446b-11e0-9101"));
        assert!(!names(log, "type=S3"));
        assert!(!names(b"", "26339d22-446b-11e0-9101-002170d25c55"));
    }
}
