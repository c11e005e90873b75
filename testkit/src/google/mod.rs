//! Google Cloud Storage, on loopback, in memory: what the XML API answers, as Google's
//! documents say it.
//!
//! The emulators that can be had lack this API or do not settle races, so this one is written
//! from the reference below <https://cloud.google.com/storage/docs/>; each file names its
//! pages. Where they leave something open, the harsher answer is given. [`Rules`] switch on what a test wants to meet: the limit of one
//! write a second to one object, a bucket that requester pays, a service that ignores
//! conditions, one that checks and writes in two steps.

mod answer;
mod ask;
mod attributes;
mod bucket;
mod checksum;
mod listing;
mod objects;
mod parts;
mod rewrite;
mod rules;
mod server;
#[cfg(test)]
mod tests;
mod uploads;

pub use bucket::Object;
pub use rules::{Atomicity, Conditions, Rules};

use bucket::Bucket;
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A service with one bucket. It ends when this is dropped.
#[derive(Debug)]
pub struct Google {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What all connections see.
#[derive(Debug)]
struct Shared {
    rules: Rules,
    /// As the rules said, or as it was changed since.
    pause: Mutex<Option<Duration>>,
    /// Whether the bucket is there.
    there: AtomicBool,
    bucket: Mutex<Bucket>,
}

impl Shared {
    fn pause(&self) -> Option<Duration> {
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Google {
    /// Starts a service on a free port of loopback, on a thread of its own.
    ///
    /// # Panics
    ///
    /// If there is no port.
    pub fn start(rules: Rules) -> Self {
        let shared = Arc::new(Shared {
            pause: Mutex::new(rules.pause),
            there: AtomicBool::new(!rules.absent),
            rules,
            bucket: Mutex::default(),
        });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || server::run(listener, serving, stopped));
        Self {
            address,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:<port>`
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The name of its bucket.
    pub fn bucket(&self) -> &str {
        &self.shared.rules.bucket
    }

    /// A bearer token that may do everything.
    pub fn token(&self) -> &str {
        &self.shared.rules.writer
    }

    /// A bearer token that may read and list.
    pub fn reader_token(&self) -> &str {
        &self.shared.rules.reader
    }

    /// Changes the time that must lie between two writes to one object.
    pub fn set_pause(&self, pause: Option<Duration>) {
        let now = self.shared.pause.lock();
        *now.unwrap_or_else(PoisonError::into_inner) = pause;
    }

    /// An object, looked at without a request.
    pub fn object(&self, name: &str) -> Option<Object> {
        self.shared.bucket().find(name).cloned()
    }

    /// The names of all objects, in order.
    pub fn names(&self) -> Vec<String> {
        self.shared.bucket().names()
    }

    /// Puts an object there, as somebody else would; no limit holds.
    pub fn write(&self, name: &str, body: impl Into<Bytes>) {
        self.shared.bucket().write(name, body.into());
    }

    /// Removes an object, as somebody else would.
    pub fn remove(&self, name: &str) -> bool {
        self.shared.bucket().remove(name)
    }

    /// How many uploads in parts are neither complete nor aborted.
    pub fn open_uploads(&self) -> usize {
        self.shared.bucket().open_uploads()
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
