//! Just enough of HTTP/1.1 to know where a message ends.

use std::io::{Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;

/// Longest head of a message.
const HEAD: usize = 256 * 1024;

/// A connection, with what was read from it and not used yet.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    ahead: Vec<u8>,
}

/// The first line and the headers of a message, as they came.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Bytes(u64),
    Chunked,
    /// To the end of the connection.
    Rest,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            ahead: Vec::new(),
        }
    }

    /// Reads the head of the next message; nothing if the connection ended before it.
    pub(super) async fn head(&mut self) -> Result<Option<Head>> {
        loop {
            if let Some(end) = find(&self.ahead, b"\r\n\r\n") {
                let rest = self.ahead.split_off(end + 4);
                let bytes = std::mem::replace(&mut self.ahead, rest);
                return Ok(Some(Head { bytes }));
            }
            if self.ahead.len() > HEAD {
                return Err(Error::new(ErrorKind::InvalidData, "a head without end"));
            }
            if !self.more().await? {
                return match self.ahead.is_empty() {
                    true => Ok(None),
                    false => Err(ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// Some bytes, read ahead or fresh; none at the end of the connection.
    async fn some(&mut self, most: usize) -> Result<Vec<u8>> {
        if self.ahead.is_empty() && !self.more().await? {
            return Ok(Vec::new());
        }
        let rest = self.ahead.split_off(most.min(self.ahead.len()));
        Ok(std::mem::replace(&mut self.ahead, rest))
    }

    async fn more(&mut self) -> Result<bool> {
        read_some(&mut self.stream, &mut self.ahead).await
    }

    /// Up to and with the next line end.
    async fn line(&mut self) -> Result<Vec<u8>> {
        loop {
            if let Some(end) = find(&self.ahead, b"\r\n") {
                let rest = self.ahead.split_off(end + 2);
                return Ok(std::mem::replace(&mut self.ahead, rest));
            }
            if !self.more().await? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

async fn read_some(stream: &mut (impl AsyncRead + Unpin), into: &mut Vec<u8>) -> Result<bool> {
    into.reserve(64 * 1024);
    Ok(stream.read_buf(into).await? > 0)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

impl Head {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Method and path of a request.
    pub(super) fn request(&self) -> (String, String) {
        let text = self.text();
        let mut words = text.split_whitespace().map(str::to_owned);
        (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        )
    }

    /// Status of a response.
    pub(super) fn status(&self) -> u16 {
        let text = self.text();
        let word = text.split_whitespace().nth(1);
        word.and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.text().lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }

    /// The head without these headers.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        let keep = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            !names.iter().any(|gone| name.eq_ignore_ascii_case(gone))
        };
        let text = self.text();
        let kept: String = text.split_inclusive("\r\n").filter(keep).collect();
        Self {
            bytes: kept.into_bytes(),
        }
    }

    /// The head of an answer whose body has no more than so many bytes.
    pub(super) fn shortened(&self, bytes: u64) -> Self {
        let Length::Bytes(length) = self.declared() else {
            return self.clone();
        };
        let mut head = self.without(&["content-length"]).bytes;
        head.truncate(head.len() - 2);
        head.extend(format!("Content-Length: {}\r\n\r\n", length.min(bytes)).bytes());
        Self { bytes: head }
    }

    /// How long the body of a request is.
    pub(super) fn request_length(&self) -> Length {
        match self.declared() {
            Length::Rest => Length::Bytes(0),
            length => length,
        }
    }

    /// How long the body of the response to such a request is.
    pub(super) fn response_length(&self, method: &str) -> Length {
        let status = self.status();
        if method == "HEAD" || status < 200 || matches!(status, 204 | 304) {
            Length::Bytes(0)
        } else {
            self.declared()
        }
    }

    fn declared(&self) -> Length {
        let chunked = self
            .header("transfer-encoding")
            .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"));
        if chunked {
            return Length::Chunked;
        }
        let length = self.header("content-length");
        length
            .and_then(|length| length.parse().ok())
            .map_or(Length::Rest, Length::Bytes)
    }
}

/// A body on its way. Its pieces can be written to the other side as they are, and they
/// end where the body ends.
#[derive(Debug)]
pub(super) struct BodyReader {
    left: Length,
    /// Bytes left of the chunk that is being read, with the line end behind it.
    chunk: u64,
    done: bool,
}

/// A piece of a body as it came, and whether it holds content rather than framing.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) content: usize,
}

impl BodyReader {
    pub(super) fn new(length: Length) -> Self {
        Self {
            left: length,
            chunk: 0,
            done: length == Length::Bytes(0),
        }
    }

    pub(super) fn done(&self) -> bool {
        self.done
    }

    /// The next piece; `done` is true after the last.
    pub(super) async fn next(&mut self, wire: &mut Wire) -> Result<Piece> {
        const MOST: usize = 256 * 1024;
        match self.left {
            Length::Rest => {
                let bytes = wire.some(MOST).await?;
                self.done = bytes.is_empty();
                let content = bytes.len();
                Ok(Piece { bytes, content })
            }
            Length::Bytes(left) => {
                let most = usize::try_from(left).unwrap_or(MOST).min(MOST);
                let bytes = wire.some(most).await?;
                if bytes.is_empty() {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                let left = left - bytes.len() as u64;
                self.left = Length::Bytes(left);
                self.done = left == 0;
                let content = bytes.len();
                Ok(Piece { bytes, content })
            }
            Length::Chunked if self.chunk > 0 => {
                let most = usize::try_from(self.chunk).unwrap_or(MOST).min(MOST);
                let bytes = wire.some(most).await?;
                if bytes.is_empty() {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                let before = self.chunk.saturating_sub(2);
                self.chunk -= bytes.len() as u64;
                let content = before - self.chunk.saturating_sub(2);
                Ok(Piece {
                    bytes,
                    content: content as usize,
                })
            }
            Length::Chunked => {
                let mut bytes = wire.line().await?;
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let size = text.trim().split(';').next().unwrap_or_default();
                let size = u64::from_str_radix(size.trim(), 16)
                    .map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
                if size > 0 {
                    self.chunk = size + 2;
                } else {
                    // Trailers, up to an empty line.
                    loop {
                        let line = wire.line().await?;
                        bytes.extend(&line);
                        if line == b"\r\n" {
                            break;
                        }
                    }
                    self.done = true;
                }
                Ok(Piece { bytes, content: 0 })
            }
        }
    }
}
