//! Loopback doubles of the services that hand out credentials.
//!
//! Each speaks its source's protocol as that source's documentation has it, and refuses
//! what the real one refuses. What they were asked is kept, so that a test can look.

mod aws;
pub mod azure;
mod google;

pub use aws::{Container, Machine, Portal, Sts};
pub use google::{SECRETS, Tokens};

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A request as a double sees it.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// `GET`
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The query, or the form in the body, decoded.
    pub fields: BTreeMap<String, String>,
    /// The headers, by their names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

impl Asked {
    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// A field of the query or the form; empty if it is not there.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// What a double answers: a status and a body.
pub type Answer = (u16, String);

/// A server on 127.0.0.1 that lives as long as the test's process.
#[derive(Debug, Clone)]
pub struct Double {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Double {
    /// Serves what `answer` says.
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::saying("", answer)
    }

    /// The same, with this header line in each answer.
    pub fn saying(
        header: &'static str,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
        let address = listener.local_addr().expect("its own address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &log, header, &*answer));
            }
        });
        Self { address, asked }
    }

    /// `http://127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }
}

fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Asked>>,
    header: &str,
    answer: &dyn Fn(&Asked) -> Answer,
) {
    let Some(asked) = read(&mut stream) else {
        return;
    };
    let (status, body) = answer(&asked);
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(asked);
    let reply = format!(
        "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n{header}\r\n{body}",
        body.len()
    );
    // A client that has gone is its own test's business.
    let _ = stream.write_all(reply.as_bytes());
}

/// Reads one request whole; `None` if the client goes before its end.
fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length");
    let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < end + 4 + length {
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
    let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let form = headers.get("content-type").map(String::as_str);
    let form = form == Some("application/x-www-form-urlencoded");
    let fields = fields(if form { &body } else { query });
    Some(Asked {
        method,
        path: path.to_owned(),
        fields,
        headers,
        body,
    })
}

fn fields(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        out.push(u8::from_str_radix(code, 16).expect("two hex digits"));
        out.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(out).expect("text")
}
