//! Large files, in parts.
//!
//! Azure knows no uploads, only blocks that lie beside a blob until a list joins them. An
//! upload is what its blocks are named by: a token of chance and time in front of the number
//! of each. Its first block stands for the upload itself, so that one without parts is known,
//! too, and one that has no right to write learns it at once.

use super::Azure;
use super::unfinished::{self, Block};
use super::wire::Call;
use crate::clock::{Clock, SystemClock};
use crate::error::{ErrorKind, Result};
use crate::ids::{Ids, SystemIds};
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::{Resumed, Upload};
use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::Method;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An upload and the parts that have arrived.
struct Parts {
    store: Azure,
    key: Key,
    name: String,
    token: String,
    parts: Mutex<BTreeSet<u32>>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

pub(super) async fn begin(store: &Azure, key: &Key) -> Result<Box<dyn Upload>> {
    let name = store.name(key)?;
    let mut chance = [0; 8];
    SystemIds.fill(&mut chance)?;
    let seconds = SystemClock.now();
    let token = format!("{seconds:010x}{}", crate::oid::hex(&chance));
    let block = Block::Open.id(&token);
    let begun = put_block(store, &name, &block, Block::OPEN).await;
    begun.map_err(|trouble| store.asked(Act::Write, key.as_str()).explain(trouble))?;
    Ok(Box::new(Parts {
        store: store.clone(),
        key: key.clone(),
        name,
        token,
        parts: Mutex::default(),
    }))
}

pub(super) async fn resume(store: &Azure, key: &Key, token: &str) -> Result<Option<Resumed>> {
    let name = store.name(key)?;
    let found = unfinished::uploads(store, key.as_str(), &name).await?;
    let Some(upload) = found.into_iter().find(|upload| upload.token == token) else {
        return Ok(None);
    };
    Ok(Some(Resumed {
        upload: Box::new(Parts {
            store: store.clone(),
            key: key.clone(),
            name,
            token: upload.token,
            parts: Mutex::new(upload.parts.keys().copied().collect()),
        }),
        parts: upload.parts,
    }))
}

/// Sends one block, which replaces one of the same name.
pub(super) async fn put_block(
    store: &Azure,
    name: &str,
    id: &str,
    body: Bytes,
) -> Result<(), super::wire::Trouble> {
    let call = Call::new(Method::PUT, name)
        .query("comp", "block")
        .query("blockid", BASE64_STANDARD.encode(id))
        .checked_body(body);
    store.send_whole(call).await.map(drop)
}

impl Parts {
    fn parts(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Upload for Parts {
    fn token(&self) -> Option<&str> {
        Some(&self.token)
    }

    async fn part(&self, number: u32, body: Bytes) -> Result<()> {
        let asked = self.store.asked(Act::Write, self.key.as_str());
        let id = Block::Part(number).id(&self.token);
        let sent = put_block(&self.store, &self.name, &id, body).await;
        sent.map_err(|trouble| asked.explain(trouble))?;
        self.parts().insert(number);
        Ok(())
    }

    /// May be called again, after an error and after a success that was not heard of: the
    /// blocks that were joined can be joined once more.
    async fn complete(&self) -> Result<()> {
        let asked = self.store.asked(Act::Write, self.key.as_str());
        let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        {
            let parts = self.parts();
            if parts
                .iter()
                .zip(0..)
                .any(|(number, place)| *number != place)
            {
                return Err(asked.error(ErrorKind::Invalid, "a part is missing"));
            }
            for number in parts.iter() {
                let id = BASE64_STANDARD.encode(Block::Part(*number).id(&self.token));
                list.push_str("<Latest>");
                list.push_str(&id);
                list.push_str("</Latest>");
            }
        }
        list.push_str("</BlockList>");
        let call = Call::new(Method::PUT, &self.name)
            .query("comp", "blocklist")
            .describe(true)
            .checked_body(list.into());
        match self.store.send_whole(call).await {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.is_without_blocks() => {
                Err(asked.error(ErrorKind::Missing, "the upload has ended"))
            }
            Err(trouble) => Err(asked.explain(trouble)),
        }
    }

    /// Two or three requests.
    async fn abort(&self) -> Result<()> {
        unfinished::abandon(&self.store, self.key.as_str(), &self.token).await
    }
}
