//! One name for another.

use super::content::Content;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::progress::Quiet;
use crate::store::{Copied, Got, Source, Store, Want, upload};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use std::ops::Range;

/// A file of a store, to be written under another name.
#[derive(Debug)]
struct Stored<'a> {
    store: &'a dyn Store,
    key: &'a Key,
    size: u64,
}

#[async_trait]
impl Source for Stored<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let wanted = range.end.saturating_sub(range.start);
        let want = match wanted == self.size {
            true => Want::all(),
            false => Want::range(range),
        };
        let Got::Found(mut body) = self.store.get(self.key, want).await? else {
            return Err(missing(self.key));
        };
        let mut out = BytesMut::new();
        while let Some(chunk) = body.bytes.try_next().await? {
            out.extend_from_slice(&chunk);
        }
        if out.len() as u64 != wanted {
            let what = format!("{} changed while it was read", self.key);
            return Err(Error::new(ErrorKind::Unavailable, what));
        }
        Ok(out.freeze())
    }
}

impl Content {
    /// Gives content another name, in the place of what has it.
    ///
    /// The store copies it by itself where it can, in four requests. Elsewhere the bytes come
    /// and go once more: two requests for each part, and four.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Missing`] if nothing has the first name; those of the store. The first
    /// name is taken away last.
    pub async fn rename(&self, from: &[u8], to: &[u8]) -> Result<()> {
        let (from, to) = (self.key(from)?, self.key(to)?);
        if from == to {
            return Ok(());
        }
        let found = self.store.head(&from).await?;
        let size = found.ok_or_else(|| missing(&from))?.size;
        if let Some(place) = self.store.whereabouts(&from).await?
            && self.store.copy(&place, size, &to).await? == Copied::Done
        {
            return self.store.delete(&from).await;
        }
        let source = Stored {
            store: &*self.store,
            key: &from,
            size,
        };
        upload(&*self.store, &to, &source, self.limits, &Quiet).await?;
        self.verify(&to, size, None).await?;
        self.store.delete(&from).await
    }
}

fn missing(key: &Key) -> Error {
    let what = format!("cannot rename {key}: it is not in the bucket");
    Error::new(ErrorKind::Missing, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::adapter::memory::Memory;
    use crate::store::layer::{Count, Verb};
    use crate::store::{Limits, Precondition};
    use std::sync::Arc;

    #[tokio::test]
    async fn what_the_store_copies_does_not_come_here() {
        let store = Count::new(Memory::new());
        let counts = store.counts();
        let content = Content::new(Arc::new(store.clone()), "p/".to_owned(), Limits::default());
        let body = Bytes::from_static(b"content");
        let from = content.key(b"old name").expect("a key");
        let put = store.put(&from, body.clone(), Precondition::Always).await;
        let _ = put.expect("written");
        counts.reset();
        content.rename(b"old name", b"new").await.expect("renamed");
        assert_eq!((counts.sent(), counts.received()), (0, 0));
        let asked = [Verb::Head, Verb::Copy, Verb::Delete].map(|verb| counts.of(verb));
        assert_eq!((asked, counts.total()), ([1, 1, 1], 3));
        let to = content.key(b"new").expect("a key");
        let info = store.head(&to).await.expect("an answer").expect("a file");
        assert_eq!(info.size, body.len() as u64);
        assert_eq!(store.head(&from).await.expect("an answer"), None);
    }
}
