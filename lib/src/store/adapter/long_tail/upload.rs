//! Large files: one writer that takes its parts in order; those that come early wait.

use super::LongTail;
use super::failure::Act;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::Upload;
use async_trait::async_trait;
use bytes::Bytes;
use opendal::{Buffer, Writer};
use std::collections::BTreeMap;
use std::fmt;
use tokio::sync::Mutex;

/// Most bytes that are held in memory: of a file at a service that takes it in one piece
/// only, and of parts that came before their turn.
const MAX_HELD: u64 = 512 << 20;

/// An upload whose parts go out in order.
struct InOrder {
    store: LongTail,
    key: Key,
    state: Mutex<State>,
}

struct State {
    /// The number of the part that goes next.
    next: u32,
    /// Parts that came early.
    early: BTreeMap<u32, Bytes>,
    to: To,
}

enum To {
    /// A service that takes pieces.
    Writer(Box<Writer>),
    /// A service that takes a file whole.
    Memory(Vec<Bytes>, u64),
    /// A part failed, or all is done.
    Ended,
}

impl fmt::Debug for InOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InOrder")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

pub(super) async fn begin(store: &LongTail, key: &Key) -> Result<Box<dyn Upload>> {
    let to = if store.may().write_can_multi {
        let writer = store.operator.writer(key.as_str()).await;
        To::Writer(Box::new(
            writer.map_err(|error| store.act("write", key.as_str()).failed(error))?,
        ))
    } else {
        To::Memory(Vec::new(), 0)
    };
    Ok(Box::new(InOrder {
        store: store.clone(),
        key: key.clone(),
        state: Mutex::new(State {
            next: 0,
            early: BTreeMap::new(),
            to,
        }),
    }))
}

impl InOrder {
    fn act(&self) -> Act<'_> {
        self.store.act("write", self.key.as_str())
    }

    fn ended(&self) -> Error {
        self.act().error(ErrorKind::Invalid, "the upload has ended")
    }

    fn too_large(&self) -> Error {
        let why = format!(
            "the service takes a file in one piece only, and one of more than {} MiB does not fit",
            MAX_HELD >> 20
        );
        self.act()
            .error(ErrorKind::Unsupported, &why)
            .with_hint("push in smaller steps, or use a service that takes parts")
    }

    /// Adds a part; what fails leaves the upload ended, since nobody knows how far it came.
    async fn add(&self, to: &mut To, body: Bytes) -> Result<()> {
        match std::mem::replace(to, To::Ended) {
            To::Writer(mut writer) => {
                let written = writer.write(body).await;
                // Not to be tried again by itself: the service may have taken half of it.
                written.map_err(|error| self.once(error))?;
                *to = To::Writer(writer);
            }
            To::Memory(mut pieces, size) => {
                let size = size + body.len() as u64;
                if size > MAX_HELD {
                    return Err(self.too_large());
                }
                pieces.push(body);
                *to = To::Memory(pieces, size);
            }
            To::Ended => return Err(self.ended()),
        }
        Ok(())
    }

    fn once(&self, error: opendal::Error) -> Error {
        let error = self.act().failed(error);
        match error.kind() {
            ErrorKind::Unavailable => self
                .act()
                .error(ErrorKind::Local, &format!("the upload broke off: {error}"))
                .with_hint("push again"),
            _ => error,
        }
    }
}

#[async_trait]
impl Upload for InOrder {
    fn token(&self) -> Option<&str> {
        None
    }

    async fn part(&self, number: u32, body: Bytes) -> Result<()> {
        let mut state = self.state.lock().await;
        if matches!(state.to, To::Ended) || number < state.next {
            return Err(self.ended());
        }
        state.early.insert(number, body);
        let held: u64 = state.early.values().map(|part| part.len() as u64).sum();
        if held > MAX_HELD {
            state.to = To::Ended;
            return Err(self.too_large());
        }
        loop {
            let next = state.next;
            let Some(body) = state.early.remove(&next) else {
                return Ok(());
            };
            self.add(&mut state.to, body).await?;
            state.next += 1;
        }
    }

    async fn complete(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        if !state.early.is_empty() {
            return Err(self.act().error(ErrorKind::Invalid, "a part is missing"));
        }
        let (operator, name) = (&self.store.operator, self.key.as_str());
        let written = match std::mem::replace(&mut state.to, To::Ended) {
            To::Writer(mut writer) => writer.close().await,
            To::Memory(pieces, _) => operator.write(name, Buffer::from(pieces)).await,
            To::Ended => return Err(self.ended()),
        };
        written.map_err(|error| self.once(error))?;
        Ok(())
    }

    async fn abort(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        if let To::Writer(mut writer) = std::mem::replace(&mut state.to, To::Ended) {
            // Not every service can throw parts away; what stays is not seen.
            let _ = writer.abort().await;
        }
        Ok(())
    }
}
