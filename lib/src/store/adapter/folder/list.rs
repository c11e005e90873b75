//! Listing: one folder at a time, in the order that the keys of a bucket have.

use super::failure::{failed, is_absence};
use super::path::{RESERVED, Root};
use super::{blocking, version};
use crate::error::Result;
use crate::store::Listed;
use futures_util::stream::{self, BoxStream, StreamExt};
use std::io;
use std::vec::IntoIter;

/// What a folder holds.
enum Entry {
    File(Listed),
    /// The start of all keys in it, with its slash.
    Folder(String),
}

impl Entry {
    /// What orders it among its neighbours: `a-b` stands before the folder `a`, because
    /// every key in there begins with `a/`.
    fn key(&self) -> &str {
        match self {
            Self::File(file) => &file.key,
            Self::Folder(start) => start,
        }
    }
}

/// Which keys are wanted.
#[derive(Clone)]
struct Wanted {
    prefix: String,
    after: Option<String>,
}

impl Wanted {
    fn file(&self, key: &str) -> bool {
        key.starts_with(&self.prefix) && self.after.as_deref().is_none_or(|after| key > after)
    }

    /// Whether a wanted key can begin with `start`.
    fn folder(&self, start: &str) -> bool {
        (start.starts_with(&self.prefix) || self.prefix.starts_with(start))
            && self
                .after
                .as_deref()
                .is_none_or(|after| start > after || after.starts_with(start))
    }
}

/// The wanted files below the root; none if the root is not there.
pub(super) fn list<'a>(
    root: &Root,
    prefix: &str,
    after: Option<&str>,
) -> BoxStream<'a, Result<Listed>> {
    let root = root.clone();
    let wanted = Wanted {
        prefix: prefix.to_owned(),
        after: after.map(str::to_owned),
    };
    // One list of entries for each open folder, outermost first.
    let open: Vec<IntoIter<Entry>> = vec![vec![Entry::Folder(String::new())].into_iter()];
    stream::try_unfold(
        (root, wanted, open),
        |(root, wanted, mut open)| async move {
            while let Some(folder) = open.last_mut() {
                match folder.next() {
                    None => {
                        open.pop();
                    }
                    Some(Entry::File(file)) => return Ok(Some((file, (root, wanted, open)))),
                    Some(Entry::Folder(start)) => {
                        let (root, wanted) = (root.clone(), wanted.clone());
                        let inside = blocking(move || read(&root, &start, &wanted)).await?;
                        open.push(inside.into_iter());
                    }
                }
            }
            Ok(None)
        },
    )
    .boxed()
}

fn read(root: &Root, start: &str, wanted: &Wanted) -> Result<Vec<Entry>> {
    match entries(root, start, wanted) {
        Ok(entries) => Ok(entries),
        // Deleted since its name was read, or the root of a bucket that nobody wrote yet.
        Err(error) if is_absence(&error) => Ok(Vec::new()),
        Err(error) => Err(failed(
            format_args!("list {}", root.join(start).display()),
            error,
        )),
    }
}

fn entries(root: &Root, start: &str, wanted: &Wanted) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in root.join(start).read_dir()? {
        let entry = entry?;
        // A name that is no text can be nobody's key.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with(RESERVED) {
            continue;
        }
        let key = format!("{start}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let start = key + "/";
            if wanted.folder(&start) {
                found.push(Entry::Folder(start));
            }
        } else if kind.is_file() && wanted.file(&key) {
            match entry.metadata() {
                Ok(metadata) => found.push(Entry::File(Listed {
                    key,
                    size: metadata.len(),
                    modified: i64::try_from(version::modified(&metadata).as_secs())
                        .unwrap_or(i64::MAX),
                    state: Some(version::of(&metadata, None).as_str().to_owned()),
                })),
                Err(error) if is_absence(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
    found.sort_unstable_by(|a, b| a.key().cmp(b.key()));
    Ok(found)
}
