//! The content of a file, checked on its way in.

use super::asked::{Asked, Owned, Place};
use crate::error::{Error, ErrorKind, Result};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

/// A checksum that grows with what is read.
pub(super) trait Checksum: Send {
    fn add(&mut self, bytes: &[u8]);

    /// Whether what was read has the checksum that it should have.
    fn is_right(&self) -> bool;
}

/// What is on its way.
struct Coming<P, E> {
    bytes: BoxStream<'static, Result<Bytes, E>>,
    left: u64,
    sum: Option<Box<dyn Checksum>>,
    asked: Owned<P>,
    explain: fn(&Asked<'_, P>, E) -> Error,
}

/// Bytes of which there must be `expected`, with this checksum if it is known, until an
/// error; `explain` says what broke them off.
pub(super) fn checked<P: Place + Send + 'static, E: 'static>(
    bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    expected: u64,
    sum: Option<Box<dyn Checksum>>,
    asked: Owned<P>,
    explain: fn(&Asked<'_, P>, E) -> Error,
) -> BoxStream<'static, Result<Bytes>> {
    let coming = Coming {
        bytes: bytes.boxed(),
        left: expected,
        sum,
        asked,
        explain,
    };
    let bytes = stream::try_unfold(coming, |mut coming| async move {
        let next = coming.next().await?;
        Ok(next.map(|bytes| (bytes, coming)))
    });
    bytes.boxed()
}

impl<P: Place, E> Coming<P, E> {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(bytes) = self.bytes.next().await {
            let bytes = bytes.map_err(|error| (self.explain)(&self.asked.asked(), error))?;
            let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
                return Err(self.asked.asked().nonsense("it is too long"));
            };
            self.left = left;
            if let Some(sum) = &mut self.sum {
                sum.add(&bytes);
            }
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        let weak = |why: &str| self.asked.asked().error(ErrorKind::Unavailable, why);
        if self.left > 0 {
            return Err(weak(&format!("the answer ends {} bytes early", self.left)));
        }
        if self.sum.as_ref().is_some_and(|sum| !sum.is_right()) {
            return Err(weak(
                "the bytes changed on their way: their checksum is wrong",
            ));
        }
        Ok(None)
    }
}
