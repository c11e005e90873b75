//! Which objects are here, and of what type: `git cat-file --batch-check`.

use super::command::{failed, finish};
use super::repository::Repository;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::oid::ObjectId;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The types of objects.
const KINDS: [&str; 4] = ["commit", "tree", "blob", "tag"];

/// An object of the local repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub oid: ObjectId,
    /// Its type: `commit`, `tree`, `blob` or `tag`.
    pub kind: &'static str,
    /// Its size in bytes.
    pub size: u64,
}

impl Repository {
    /// Looks objects up by any name that git understands; `None` for one that is not here.
    /// One spawn for all, none for none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if git fails.
    pub async fn look_up(&self, names: &[Vec<u8>]) -> Result<Vec<Option<Found>>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut input = Vec::new();
        for name in names {
            if name.contains(&b'\n') {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "cannot look up an object whose name holds a line feed",
                ));
            }
            input.extend_from_slice(name);
            input.push(b'\n');
        }
        // A partial clone must not fetch what it is only asked about.
        let args = [
            "cat-file",
            "--batch-check=%(objectname) %(objecttype) %(objectsize)",
            "--buffer",
        ];
        let git = self.git.clone().with_env("GIT_NO_LAZY_FETCH", "1");
        let out = git.ok("look up objects", args, input).await?;
        let found: Vec<_> = out
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(parse)
            .collect();
        if found.len() != names.len() {
            let message = format!(
                "cannot look up objects: {} names, {} answers",
                names.len(),
                found.len()
            );
            return Err(Error::new(ErrorKind::Local, message));
        }
        Ok(found)
    }

    /// Whether all objects are here whose ids a file lists, a line each. One spawn.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if git fails, or the answer cannot be written beside the list.
    pub async fn has_all(&self, ids: &Path) -> Result<bool> {
        let answers = ids.with_extension("found");
        let act = || format!("write {}", answers.display());
        let args = ["cat-file", "--batch-check=%(objecttype)", "--buffer"];
        let git = self.git.clone().with_env("GIT_NO_LAZY_FETCH", "1");
        let mut command = git.command(args);
        command.stdin(File::open(ids).during(|| format!("read {}", ids.display()))?);
        command.stdout(File::create(&answers).during(act)?);
        let output = finish(command, Vec::new()).await?;
        if !output.status.success() {
            return Err(failed("look up objects", output.status, &output.stderr));
        }
        // What is not here is answered with its name.
        let mut answers = BufReader::new(File::open(&answers).during(act)?).lines();
        answers.try_fold(true, |all, line| {
            Ok(all && KINDS.contains(&line.during(act)?.as_str()))
        })
    }

    /// Which of these objects are here.
    ///
    /// # Errors
    ///
    /// As [`Repository::look_up`].
    pub async fn present(&self, oids: BTreeSet<ObjectId>) -> Result<BTreeSet<ObjectId>> {
        let names: Vec<_> = oids
            .iter()
            .map(|oid| oid.to_string().into_bytes())
            .collect();
        let found = self.look_up(&names).await?;
        let asked = oids.into_iter().zip(found);
        Ok(asked
            .filter_map(|(oid, found)| found.map(|_| oid))
            .collect())
    }
}

/// `<id> <type> <size>`; everything else says that it is missing or ambiguous.
fn parse(line: &[u8]) -> Option<Found> {
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split(' ');
    let oid = ObjectId::from_hex(words.next()?.as_bytes())?;
    let word = words.next()?;
    let kind = KINDS.into_iter().find(|kind| *kind == word)?;
    let size = words.next()?.parse().ok()?;
    words.next().is_none().then_some(Found { oid, kind, size })
}
