//! Blocks that wait to be joined: which uploads they belong to, and how they are thrown away.

use super::Azure;
use super::answer::version;
use super::list::{self, What};
use super::upload::put_block;
use super::wire::Call;
use crate::error::Result;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document;
use crate::store::{Listed, Unfinished};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::Method;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::future::ready;

/// What names the blocks that somebody else left.
const FOREIGN: &str = "foreign";

/// The digits of a token: ten of the time at which it began, sixteen of chance.
const DIGITS: usize = 26;

/// What a block is in its upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// The upload itself.
    Open,
    Part(u32),
}

impl Block {
    /// The content of the block that stands for an upload. An ended one has a longer one.
    pub(super) const OPEN: Bytes = Bytes::from_static(b"+");
    const ENDED: Bytes = Bytes::from_static(b"ended");

    /// Its name among the blocks of a blob, which all have names of one length.
    pub(super) fn id(self, token: &str) -> String {
        match self {
            Self::Open => format!("{token}-upload"),
            Self::Part(number) => format!("{token}-{number:06}"),
        }
    }

    /// The token and the block, of a name that [`Block::id`] made.
    fn read(id: &str) -> Option<(&str, Self)> {
        let (token, rest) = id.split_at_checked(DIGITS)?;
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let block = match rest.strip_prefix('-')? {
            "upload" => Self::Open,
            number if number.len() == 6 => Self::Part(number.parse().ok()?),
            _ => return None,
        };
        token.chars().all(hex).then_some((token, block))
    }
}

/// An upload, by its blocks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) token: String,
    /// Bytes of each part.
    pub(super) parts: BTreeMap<u32, u64>,
}

impl Begun {
    /// Seconds since 1970, by the clock of whoever began it.
    fn started(&self) -> Option<i64> {
        i64::from_str_radix(self.token.get(..10)?, 16).ok()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BlockList {
    #[serde(default)]
    uncommitted_blocks: Blocks,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blocks {
    #[serde(default)]
    block: Vec<BlockEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BlockEntry {
    name: String,
    size: u64,
}

/// The uploads of a blob that were begun and not ended. One request.
pub(super) async fn uploads(store: &Azure, key: &str, name: &str) -> Result<Vec<Begun>> {
    Ok(read(blocks(store, key, name).await?))
}

async fn blocks(store: &Azure, key: &str, name: &str) -> Result<Vec<BlockEntry>> {
    let asked = store.asked(Act::ListParts, key);
    let call = Call::new(Method::GET, name)
        .query("comp", "blocklist")
        .query("blocklisttype", "uncommitted");
    let answer = match store.send_whole(call).await {
        Ok(answer) => answer,
        Err(trouble) if trouble.is_missing() => return Ok(Vec::new()),
        Err(trouble) => return Err(asked.explain(trouble)),
    };
    let list: BlockList = document::read(answer.body(), &asked)?;
    Ok(list.uncommitted_blocks.block)
}

/// Sorts blocks into uploads.
fn read(blocks: Vec<BlockEntry>) -> Vec<Begun> {
    let mut uploads: BTreeMap<String, (bool, Begun)> = BTreeMap::new();
    for block in blocks {
        let id = BASE64_STANDARD.decode(&block.name).ok();
        let id = id.and_then(|id| String::from_utf8(id).ok());
        let (token, part) = match id.as_deref().and_then(Block::read) {
            Some((token, part)) => (token, Some(part)),
            None => (FOREIGN, None),
        };
        let (open, upload) = uploads.entry(token.to_owned()).or_default();
        upload.token = token.to_owned();
        match part {
            Some(Block::Open) => *open = block.size == Block::OPEN.len() as u64,
            Some(Block::Part(number)) => {
                upload.parts.insert(number, block.size);
            }
            None => {
                *open = true;
                let next = u32::try_from(upload.parts.len()).unwrap_or(u32::MAX);
                upload.parts.insert(next, block.size);
            }
        }
    }
    let open = uploads.into_values().filter(|(open, _)| *open);
    open.map(|(_, upload)| upload).collect()
}

/// The uploads below a prefix. Costs the listing of all files below it, and one request for
/// each file that is empty, as one without a list of its blocks seems to be.
pub(super) fn list<'a>(store: &'a Azure, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
    let files = list::all(store, prefix, What::FilesAndUploads);
    let empty = files.try_filter(|file| ready(file.size == 0));
    let found = empty.and_then(move |file| async move {
        let name = format!("{}{}", store.shared.root, file.key);
        let uploads = uploads(store, &file.key, &name).await?;
        let uploads = uploads
            .into_iter()
            .map(move |upload| Ok(tell(&file, upload)));
        Ok(stream::iter(uploads))
    });
    found.try_flatten().boxed()
}

fn tell(file: &Listed, upload: Begun) -> Unfinished {
    Unfinished {
        key: file.key.clone(),
        started: upload.started().unwrap_or(file.modified),
        size: Some(upload.parts.values().sum()),
        token: upload.token,
    }
}

/// Throws blocks away. Azure does so when a blob is written as a whole, so an empty one is
/// written, which is seen for a moment, and deleted. Beside a file that is there already, the
/// upload is marked as ended, and Azure throws its blocks away after a week.
pub(super) async fn abandon(store: &Azure, key: &str, token: &str) -> Result<()> {
    let name = format!("{}{key}", store.shared.root);
    let found = uploads(store, key, &name).await?;
    if !found.iter().any(|upload| upload.token == token) {
        return Ok(());
    }
    let asked = store.asked(Act::Delete, key);
    let empty = Call::new(Method::PUT, &name)
        .header("x-ms-blob-type", "BlockBlob")
        .header("if-none-match", "*")
        .checked_body(Bytes::new());
    match store.send_whole(empty).await {
        Ok(answer) => {
            let mut delete = Call::new(Method::DELETE, &name);
            if let Some(version) = version(answer.headers()) {
                delete = delete.header("if-match", version.as_str());
            }
            match store.send_whole(delete).await {
                Ok(_) => Ok(()),
                // Somebody has written a file there meanwhile.
                Err(trouble) if trouble.is_lost() => Ok(()),
                Err(trouble) => Err(asked.explain(trouble)),
            }
        }
        Err(trouble) if trouble.is_lost() && token != FOREIGN => {
            let marked = put_block(store, &name, &Block::Open.id(token), Block::ENDED).await;
            marked.map_err(|trouble| asked.explain(trouble))
        }
        Err(trouble) if trouble.is_lost() => Ok(()),
        Err(trouble) => Err(asked.explain(trouble)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Begun, Block, BlockEntry, FOREIGN, read};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use std::collections::BTreeMap;

    const TOKEN: &str = "006553f1000123456789abcdef";

    fn entry(id: &str, size: u64) -> BlockEntry {
        let name = BASE64_STANDARD.encode(id);
        BlockEntry { name, size }
    }

    #[test]
    fn names_of_blocks_come_back_and_have_one_length() {
        for block in [Block::Open, Block::Part(0), Block::Part(49_999)] {
            let id = block.id(TOKEN);
            assert_eq!(id.len(), 33);
            assert_eq!(Block::read(&id), Some((TOKEN, block)));
        }
        for odd in [
            "",
            "x",
            "006553f1000123456789abcdeg-upload",
            "é06553f1000123456789abcdef",
        ] {
            assert_eq!(Block::read(odd), None, "{odd}");
        }
    }

    #[test]
    fn blocks_are_sorted_into_uploads_that_are_open() {
        let ended = TOKEN.replace("0123", "9999");
        let found = read(vec![
            entry(&Block::Part(1).id(TOKEN), 7),
            entry(&Block::Open.id(TOKEN), 1),
            entry(&Block::Part(0).id(TOKEN), 9),
            entry(&Block::Part(0).id(&ended), 9),
            entry(&Block::Open.id(&ended), 5),
            entry("of another tool", 3),
        ]);
        let ours = Begun {
            token: TOKEN.to_owned(),
            parts: BTreeMap::from([(0, 9), (1, 7)]),
        };
        // 0x6553f100 seconds: the date of the Unix time 1,700,000,000.
        assert_eq!(ours.started(), Some(1_700_000_000));
        let theirs = Begun {
            token: FOREIGN.to_owned(),
            parts: BTreeMap::from([(0, 3)]),
        };
        assert_eq!(theirs.started(), None);
        assert_eq!(found, [ours, theirs]);
    }
}
