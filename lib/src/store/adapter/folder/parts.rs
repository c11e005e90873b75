//! Large files, written in parts into one temporary file, each part at its own place.

use super::lock::sweep;
use super::path::Root;
use super::write::{Staged, When};
use super::{blocking, version};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{Put, Upload};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file that is being written in parts.
#[derive(Debug)]
pub(super) struct Parts {
    root: Root,
    key: Key,
    path: PathBuf,
    state: Mutex<Option<State>>,
}

#[derive(Debug)]
struct State {
    staged: Staged,
    /// Bytes of every part that came, by number.
    sizes: BTreeMap<u32, u64>,
    /// Bytes of every part but the last, once two parts are known.
    size: Option<u64>,
    /// The first part that came, unless it is number 0: it may be the last and shorter
    /// than the others, so its place is not known before a second one comes.
    held: Option<(u32, Bytes)>,
}

impl State {
    /// Takes a part and says which can be written now, and where.
    fn take(&mut self, number: u32, body: Bytes) -> Vec<(u64, Bytes)> {
        self.sizes.insert(number, body.len() as u64);
        let known = self.size.is_some() || number == 0;
        if !known && self.held.as_ref().is_none_or(|(held, _)| *held == number) {
            self.held = Some((number, body));
            return Vec::new();
        }
        // Of two parts one at least is not the last.
        let size = *self.size.get_or_insert_with(|| match &self.held {
            Some((_, held)) if number != 0 => held.len().max(body.len()) as u64,
            _ => body.len() as u64,
        });
        self.held
            .take()
            .into_iter()
            .chain([(number, body)])
            .map(|(number, body)| (u64::from(number) * size, body))
            .collect()
    }

    /// Bytes of the whole file, if no part is missing and all have their right size.
    fn total(&self) -> Option<u64> {
        let (&last, &end) = self.sizes.last_key_value()?;
        let size = self.size.filter(|_| self.held.is_none())?;
        let whole = self.sizes.len() as u64 == u64::from(last) + 1
            && self.sizes.range(..last).all(|(_, &part)| part == size)
            && end <= size;
        whole.then(|| u64::from(last) * size + end)
    }
}

impl Parts {
    pub(super) fn begin(root: &Root, key: Key) -> Result<Self> {
        let staged = Staged::create(root, &key)?;
        if let Some(folder) = staged.path.parent() {
            sweep(folder);
        }
        Ok(Self {
            root: root.clone(),
            key,
            path: staged.path.clone(),
            state: Mutex::new(Some(State {
                staged,
                sizes: BTreeMap::new(),
                size: None,
                held: None,
            })),
        })
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn invalid(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::Invalid,
            format!(
                "cannot write {} in {}: {why}",
                self.key,
                self.root.display()
            ),
        )
    }
}

#[async_trait]
impl Upload for Parts {
    fn token(&self) -> Option<&str> {
        None
    }

    async fn part(&self, number: u32, body: Bytes) -> Result<()> {
        let ready = match self.state().as_mut() {
            Some(state) => state.take(number, body),
            None => return Err(self.invalid("the upload has ended")),
        };
        let path = self.path.clone();
        let written = blocking(move || Ok(write_at(&path, &ready))).await?;
        written.map_err(|error| {
            super::failure::failed(
                format_args!("write {} in {}", self.key, self.root.display()),
                error,
            )
        })
    }

    async fn complete(&self) -> Result<()> {
        let state = self.state().take();
        let state = state.ok_or_else(|| self.invalid("the upload has ended"))?;
        let total = state
            .total()
            .ok_or_else(|| self.invalid("a part is missing or has a wrong size"))?;
        let root = self.root.clone();
        let done = blocking(move || {
            let staged = state.staged;
            let cut = staged.file.set_len(total);
            cut.map_err(|error| staged.failed(error))?;
            let content = if total <= version::SMALL {
                std::fs::read(&staged.path).ok()
            } else {
                None
            };
            staged.publish(&root, content.as_deref(), &When::Always)
        });
        match done.await? {
            Put::Written(_) | Put::Lost => Ok(()),
        }
    }

    async fn abort(&self) -> Result<()> {
        let state = self.state().take();
        blocking(move || {
            drop(state);
            Ok(())
        })
        .await
    }
}

/// Writes each piece at its place. Each call has its own handle, and so its own position.
fn write_at(path: &PathBuf, pieces: &[(u64, Bytes)]) -> io::Result<()> {
    if pieces.is_empty() {
        return Ok(());
    }
    let mut file = File::options().write(true).open(path)?;
    for (at, body) in pieces {
        file.seek(SeekFrom::Start(*at))?;
        file.write_all(body)?;
    }
    Ok(())
}
