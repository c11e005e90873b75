//! Reading: one open handle from the first look to the last byte, so that a file that is
//! replaced or deleted meanwhile is still read whole.

use super::blocking;
use super::failure::{failed, is_absence};
use super::path::Root;
use super::version::{self, SMALL};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{Body, FileInfo, Got, Want};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Most bytes of one chunk of a body.
const CHUNK: u64 = 512 * 1024;

/// A file that is open for reading.
struct Opened {
    file: File,
    info: FileInfo,
    /// The whole content, of a small file: its version is made of it.
    content: Option<Bytes>,
}

/// Size and version of a file, if it is there.
pub(super) fn head(root: &Root, key: &Key) -> Result<Option<FileInfo>> {
    Ok(open(root, key)?.map(|opened| opened.info))
}

/// A file or a range of it.
pub(super) fn get(root: &Root, key: &Key, want: Want) -> Result<Got> {
    let Some(opened) = open(root, key)? else {
        return Ok(Got::Missing);
    };
    let info = opened.info;
    if want.unless.as_ref() == Some(&info.version) {
        return Ok(Got::NotModified);
    }
    let range = want.range.unwrap_or(0..info.size);
    let start = range.start.min(info.size);
    let length = range.end.min(info.size).saturating_sub(start);
    let act = format!("read {key} in {}", root.display());
    let bytes = match opened.content {
        Some(content) => {
            // Both fit: a small file is far below the smallest address space.
            let (start, length) = (start as usize, length as usize);
            stream::iter([Ok(content.slice(start..start + length))]).boxed()
        }
        None => {
            let mut file = opened.file;
            file.seek(SeekFrom::Start(start))
                .map_err(|error| failed(&act, error))?;
            chunks(file, length, act)
        }
    };
    Ok(Got::Found(Body { info, bytes }))
}

fn open(root: &Root, key: &Key) -> Result<Option<Opened>> {
    // Looked at before it is opened: opening a pipe would wait for ever.
    let Some((path, _)) = root.find(key)? else {
        return Ok(None);
    };
    let opened = (|| -> io::Result<Opened> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        let content = if metadata.len() <= SMALL {
            let mut content = Vec::with_capacity(metadata.len() as usize);
            Read::by_ref(&mut file)
                .take(metadata.len())
                .read_to_end(&mut content)?;
            Some(Bytes::from(content))
        } else {
            None
        };
        let info = FileInfo {
            size: content.as_ref().map_or(metadata.len(), |c| c.len() as u64),
            version: version::of(&metadata, content.as_deref()),
        };
        Ok(Opened {
            file,
            info,
            content,
        })
    })();
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(failed(
            format_args!("read {key} in {}", root.display()),
            error,
        )),
    }
}

/// The next `left` bytes of a file, some at a time.
fn chunks(file: File, left: u64, act: String) -> BoxStream<'static, Result<Bytes>> {
    stream::try_unfold((file, left, act), |(mut file, left, act)| async move {
        if left == 0 {
            return Ok(None);
        }
        // Made here, not on one of many threads, each of which has a heap of its own.
        let mut chunk = Vec::with_capacity(left.min(CHUNK) as usize);
        blocking(move || {
            Read::by_ref(&mut file)
                .take(left.min(CHUNK))
                .read_to_end(&mut chunk)
                .map_err(|error| failed(&act, error))?;
            if chunk.is_empty() {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    format!("cannot {act}: it became {left} bytes shorter while it was read"),
                ));
            }
            let left = left - chunk.len() as u64;
            Ok(Some((Bytes::from(chunk), (file, left, act))))
        })
        .await
    })
    .boxed()
}
