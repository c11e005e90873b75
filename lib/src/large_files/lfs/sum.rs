//! Whether bytes are those of an object, told while they go by.

use super::object::Object;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::oid::hex;
use crate::store::Source;
use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are read at once where they are only hashed.
const CHUNK: usize = 1 << 20;

/// Up to so many bytes are read and hashed where the caller is: another thread costs more.
const HERE: u64 = 256 << 10;

/// The SHA-256 of what has gone by, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum {
    hash: Sha256,
    len: u64,
}

impl Sum {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
    }

    /// How many bytes have gone by.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Whether they are the object; else what is wrong.
    pub(super) fn judge(self, object: &Object) -> Result<(), String> {
        if self.len != object.size {
            return Err(format!(
                "it has {} bytes, and the pointer says {}",
                self.len, object.size
            ));
        }
        let found = hex(&self.hash.finalize());
        if found != object.oid.as_str() {
            return Err(format!("the SHA-256 of its bytes is {found}"));
        }
        Ok(())
    }
}

/// The local file of an object, hashed as it is read: its last byte is not handed out unless
/// all of them are the object's.
#[derive(Debug)]
pub(super) struct Checked {
    object: Object,
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// Of all bytes up to where it is.
    sum: Sum,
}

impl Checked {
    /// Opens the file of an object.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if it is not there, or has another size.
    pub(super) fn open(path: &Path, object: &Object) -> Result<Self> {
        let act = || format!("read {}", path.display());
        let file = File::open(path).during(act)?;
        let size = file.metadata().during(act)?.len();
        if size != object.size {
            let why = format!("it has {size} bytes, and the pointer says {}", object.size);
            return Err(broken(path, &why));
        }
        Ok(Self {
            object: object.clone(),
            path: path.to_owned(),
            state: Arc::new(Mutex::new(State {
                file,
                sum: Sum::default(),
            })),
        })
    }
}

/// What is sent must be what it is called; what to do about a file that is not is known to
/// git-lfs alone.
fn broken(path: &Path, why: &str) -> Error {
    let message = format!("{} is not the object: {why}", path.display());
    Error::new(ErrorKind::Local, message)
        .with_hint("the local copy is broken: `git lfs fsck` tells which are")
}

#[async_trait]
impl Source for Checked {
    fn size(&self) -> u64 {
        self.object.size
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let (state, object) = (Arc::clone(&self.state), self.object.clone());
        let here = range.end <= HERE;
        // Made here: what another thread makes stays with that thread's heap, and there are many.
        let length = range.end.saturating_sub(range.start);
        let out = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        let read = move || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.read(range, &object, out)
        };
        let out = if here {
            read()
        } else {
            let out = tokio::task::spawn_blocking(read).await;
            out.map_err(io::Error::other).flatten()
        };
        out.during(|| format!("read {}", self.path.display()))?
            .map_err(|why| broken(&self.path, &why))
    }
}

impl State {
    /// Reads a range, after whatever lies before it and was not hashed yet: the parts that an
    /// earlier run has sent. `out` is empty.
    fn read(
        &mut self,
        range: Range<u64>,
        object: &Object,
        mut out: Vec<u8>,
    ) -> io::Result<Result<Bytes, String>> {
        let mut skipped = Vec::new();
        while self.sum.len() < range.start {
            let left = usize::try_from(range.start - self.sum.len()).unwrap_or(CHUNK);
            skipped.resize(left.min(CHUNK), 0);
            self.file.seek(SeekFrom::Start(self.sum.len()))?;
            self.file.read_exact(&mut skipped)?;
            self.sum.add(&skipped);
        }
        drop(skipped);
        let len = usize::try_from(range.end.saturating_sub(range.start));
        out.resize(len.map_err(io::Error::other)?, 0);
        self.file.seek(SeekFrom::Start(range.start))?;
        self.file.read_exact(&mut out)?;
        // Nothing, where it is read once more.
        let known = usize::try_from(self.sum.len() - range.start).unwrap_or(usize::MAX);
        self.sum.add(out.get(known..).unwrap_or_default());
        if range.end < object.size {
            return Ok(Ok(out.into()));
        }
        Ok(self.sum.clone().judge(object).map(|()| out.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 of "abc", from FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn abc(text: &str) -> (tempfile::TempDir, Result<Checked>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, text).unwrap();
        let object = Object {
            oid: ABC.parse().unwrap(),
            size: 3,
        };
        let open = Checked::open(&path, &object);
        (dir, open)
    }

    #[tokio::test]
    async fn parts_may_be_left_out_and_read_again() {
        let (_dir, file) = abc("abc");
        let file = file.unwrap();
        assert_eq!(file.read(1..2).await.unwrap(), "b");
        assert_eq!(file.read(0..2).await.unwrap(), "ab");
        assert_eq!(file.read(2..3).await.unwrap(), "c");
        assert_eq!(file.read(0..3).await.unwrap(), "abc");
    }

    #[tokio::test]
    async fn the_last_byte_of_something_else_is_not_handed_out() {
        let (_dir, file) = abc("xbc");
        let file = file.unwrap();
        assert_eq!(file.read(0..2).await.unwrap(), "xb");
        let error = file.read(2..3).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Local);
        let (_dir, longer) = abc("abcd");
        assert_eq!(longer.unwrap_err().kind(), ErrorKind::Local);
    }
}
