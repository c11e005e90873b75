//! The small blobs of a history: `git rev-list`, then `git cat-file --batch`.

use super::command::failed;
use super::repository::Repository;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::oid::ObjectId;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// How many blobs are read at once.
const AT_ONCE: usize = 10_000;

impl Repository {
    /// Hands over every blob of at most `max` bytes that is reachable from `tips` and not from
    /// `seen`, once each. Holds the names of ten thousand of them and their bytes at a time.
    /// One spawn, and one more for each ten thousand.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if history is broken.
    pub async fn small_blobs(
        &self,
        (tips, seen): (&[ObjectId], &[ObjectId]),
        max: u64,
        mut hear: impl FnMut(&[u8]),
    ) -> Result<()> {
        if tips.is_empty() {
            return Ok(());
        }
        let filter = format!(
            "--filter=combine:object:type=blob+blob:limit={}",
            max.saturating_add(1)
        );
        let args = [
            "rev-list",
            "--objects",
            "--no-object-names",
            "--filter-provided-objects",
            &filter,
            "--stdin",
        ];
        let mut input: Vec<u8> = tips
            .iter()
            .flat_map(|tip| format!("{tip}\n").into_bytes())
            .collect();
        input.extend(seen.iter().flat_map(|oid| format!("^{oid}\n").into_bytes()));
        // There may be millions: their names go through a file.
        let list = self.common_dir().join("pail-small-blobs");
        let act = || format!("write {}", list.display());
        let file = File::create(&list).during(act)?;
        let output = self.git.run_into(args, input, file).await?;
        if !output.status.success() {
            return Err(failed(
                "list the small files of the history",
                output.status,
                &output.stderr,
            ));
        }
        let mut names = BufReader::new(File::open(&list).during(act)?).lines();
        loop {
            let batch: Vec<String> = names
                .by_ref()
                .take(AT_ONCE)
                .collect::<std::io::Result<_>>()
                .during(act)?;
            if batch.is_empty() {
                break;
            }
            self.read_blobs(&batch, &mut hear).await?;
        }
        std::fs::remove_file(&list).during(act)
    }

    async fn read_blobs(&self, names: &[String], hear: &mut impl FnMut(&[u8])) -> Result<()> {
        let input = format!("{}\n", names.join("\n")).into_bytes();
        let args = ["cat-file", "--batch", "--buffer"];
        let out = self.git.ok("read small files", args, input).await?;
        let odd = || {
            Error::new(
                ErrorKind::Local,
                "cannot read small files: git's answer is odd",
            )
        };
        let mut rest = &out[..];
        for _ in names {
            // `<id> blob <size>`, a line feed, the bytes, a line feed.
            let end = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .ok_or_else(odd)?;
            let (head, body) = rest.split_at(end);
            let head = std::str::from_utf8(head).map_err(|_| odd())?;
            let size = head.rsplit(' ').next().and_then(|size| size.parse().ok());
            let size: usize = size.ok_or_else(odd)?;
            let body = body.get(1..).ok_or_else(odd)?;
            hear(body.get(..size).ok_or_else(odd)?);
            rest = body.get(size + 1..).ok_or_else(odd)?;
        }
        Ok(())
    }
}
